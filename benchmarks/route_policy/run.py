"""What a trained route policy is worth: bounds at equal evaluations and at equal seconds.

    LAGRL_DATA=DIR python -m benchmarks.route_policy.run --part converged --out docs/rows/route_policy.jsonl
    LAGRL_DATA=DIR python -m benchmarks.route_policy.run --part evaluations --out docs/rows/route_policy.jsonl
    LAGRL_DATA=DIR python -m benchmarks.route_policy.run --part seconds --out docs/rows/route_policy.jsonl
    python -m benchmarks.route_policy.run --show-rows docs/rows/route_policy.jsonl

`converged` computes the bound of the ng-routes without cuts, with which `evaluations` compares: the classical rules
from the classical start, and route policies, each with its budget. `seconds` compares `lagrl bound` with the learned
and with the classical start. Rows are appended as soon as they are made; a repeated call makes those that are missing.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, origin, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy and numba are loaded

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lagrl.bounds.bound import RouteBound, lower_bound, route_controller
from lagrl.bounds.route_ascent import ascend_route_dual
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_graph import RouteGraph
from lagrl.compilation import BOUND_ROOMS, compile_kernels
from lagrl.errors import InputError
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.locate import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lagrl.bounds.column_generation import Start
    from lagrl.problems.cvrp import CVRP

CLASSICAL = ("volume", "cfm", "bundle")
STARTS: tuple[Start, ...] = ("learned", "classical")
BUDGETS = (5, 10, 20, 30, 50)
LIMITS = (1.0, 2.0, 5.0, 15.0, 60.0)
_RESAMPLES = 5000


@dataclass(frozen=True)
class Args:
    """What to measure.

    Attributes
    ----------
    part
        Which rows to make.
    out
        File of JSON lines for the rows.
    show_rows
        Rows to show instead of measuring.
    data
        Folder of CVRPLIB's files; LAGRL_DATA if not given.
    families
        First letters of the instances.
    customers
        Fewest and most customers.
    policies
        Route policies to compare in `evaluations`.
    most_seconds
        Limit of `converged`.
    limits
        Seconds at which `seconds` reads the bound.
    """

    part: Literal["converged", "evaluations", "seconds"] = "evaluations"
    out: Path | None = None
    show_rows: Path | None = None
    data: Path | None = None
    families: str = "ABEFMPX"
    customers: tuple[int, int] = (10, 200)
    policies: tuple[str, ...] = ("route-policy",)
    most_seconds: float = 120.0
    limits: tuple[float, ...] = LIMITS


def main(args: Args) -> None:
    """Measure what is missing, or show the tables."""
    if args.show_rows is not None:
        rows = read_rows_if_any(args.show_rows)
        print("\n\n".join(part for part in (evaluations_table(rows), seconds_table(rows)) if part))
        return
    if args.out is None:
        raise InputError("no file given", field="--out", remedy="say where the rows go, or --show-rows which to show")
    compile_kernels(*BOUND_ROOMS)
    done = {_key(row) for row in read_rows_if_any(args.out)}
    made_by = origin("safetensors")
    for problem in instances(args):
        for row in _rows_of(problem, args, done):
            append_rows(args.out, [row | made_by])
            print({name: row[name] for name in ("part", "instance", "method", "value", "seconds")}, file=sys.stderr)


def instances(args: Args) -> Iterator[CVRP]:
    """Yield the instances, smallest first."""
    paths = (path for path in data_folder(args.data).rglob("*.vrp") if path.name[0] in args.families)
    problems = (read_instance(path) for path in sorted(paths) if path.name[1] == "-")
    low, high = args.customers
    yield from sorted((each for each in problems if low <= each.n_customers <= high), key=lambda each: each.n_customers)


def _rows_of(problem: CVRP, args: Args, done: set[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    about = {
        "part": args.part,
        "instance": problem.name,
        "n_customers": problem.n_customers,
        "fleet": str(problem.fleet),
        "best_known": problem.best_known,
    }
    if args.part == "converged":
        wanted = [about | {"method": "converged", "budget": args.most_seconds}]
        for row in _missing(wanted, done):
            bound = lower_bound(problem, cuts=False, seconds=args.most_seconds)
            yield row | {"value": bound.value, "seconds": bound.seconds, "is_converged": bound.is_converged}
    elif args.part == "evaluations":
        graph = RouteGraph.of(problem)
        methods = [*CLASSICAL, *(f"learned:{name}" for name in args.policies)]
        wanted = [about | {"method": method, "budget": budget} for method in methods for budget in BUDGETS]
        for row in _missing(wanted, done):
            started = time.perf_counter()
            dual, controller = RouteDual(graph), route_controller(row["method"])
            for _ in ascend_route_dual(dual, controller, row["budget"], np.random.default_rng(0)):
                pass
            assert dual.best is not None
            value = dual.best / (2.0 * graph.scale)
            events = list(getattr(controller, "events", []))
            yield row | {"value": value, "seconds": time.perf_counter() - started, "events": events}
    else:
        for start in STARTS:
            wanted = [about | {"method": start, "budget": limit} for limit in args.limits]
            missing = list(_missing(wanted, done))
            if not missing:
                continue
            bound = RouteBound(problem, start=start)
            for row in wanted:
                bound.improve(row["budget"] - bound.seconds)
                yield row | {"value": bound.value, "seconds": bound.seconds, "evaluations": bound.evaluations}


def _missing(wanted: list[dict[str, Any]], done: set[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    return (row for row in wanted if _key(row) not in done)


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("part", "instance", "method", "budget"))


def evaluations_table(rows: list[dict[str, Any]]) -> str:
    """Return mean gaps to the converged bound by budget, and the ratio of learned to best classical."""
    best: dict[str, float] = {}
    for row in rows:  # the best value known: the converged bound, or a better one where it did not converge in time
        if row["part"] in ("converged", "evaluations"):
            best[row["instance"]] = max(row["value"], best.get(row["instance"], -np.inf))
    gap: dict[tuple[str, int], dict[str, float]] = {}
    for row in rows:
        if row["part"] == "evaluations":
            of_one = gap.setdefault((row["method"], row["budget"]), {})
            of_one[row["instance"]] = 100.0 * (1.0 - row["value"] / best[row["instance"]])
    if not gap:
        return ""
    methods = list(dict.fromkeys(method for method, _ in gap))
    learned = [method for method in methods if method.startswith("learned")]
    common = sorted(set.intersection(*(set(of_one) for of_one in gap.values())))
    lines = [
        f"{len(common)} instances; mean gap to the bound of the ng-routes in %",
        "",
        f"| evaluations | {' | '.join(methods)} | learned / best classical |",
        f"|--:|{'--:|' * len(methods)}---|",
    ]
    rng = np.random.default_rng(0)
    for budget in sorted({budget for _, budget in gap}):
        column = {method: np.array([gap[method, budget][name] for name in common]) for method in methods}
        classical = min((column[method] for method in methods if method not in learned), key=np.mean)
        cell = "—"
        if learned:
            ours = np.mean([column[method] for method in learned], axis=0)
            drawn = rng.integers(len(common), size=(_RESAMPLES, len(common)))
            ratios = ours[drawn].mean(axis=1) / classical[drawn].mean(axis=1)
            low, high = np.quantile(ratios, [0.025, 0.975])
            cell = f"{ours.mean() / classical.mean():.2f} [{low:.2f}, {high:.2f}]"
        cells = " | ".join(f"{column[method].mean():.2f}" for method in methods)
        lines.append(f"| {budget} | {cells} | {cell} |")
    return "\n".join(lines)


def seconds_table(rows: list[dict[str, Any]]) -> str:
    """Return gaps to the best known cost at equal seconds, learned beside classical start, by instance."""
    gap: dict[tuple[str, str, float], float] = {}
    for row in rows:
        if row["part"] == "seconds" and row["best_known"]:
            gap[row["instance"], row["method"], row["budget"]] = 100.0 * (1.0 - row["value"] / row["best_known"])
    if not gap:
        return ""
    limits = sorted({limit for _, _, limit in gap})
    names = list(dict.fromkeys(name for name, _, _ in gap))
    lines = [
        "gap of `lagrl bound` to the best known cost in %, classical → learned start",
        "",
        f"| instance | {' | '.join(f'{limit:g} s' for limit in limits)} |",
        f"|---|{'--:|' * len(limits)}",
    ]
    for name in names:
        cells = (f"{gap[name, 'classical', at]:.2f} → {gap[name, 'learned', at]:.2f}" for at in limits)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    means = {
        (start, at): float(np.mean([gap[name, start, at] for name in names]))
        for start in ("classical", "learned")
        for at in limits
    }
    cells = (
        f"{means['classical', at]:.2f} → {means['learned', at]:.2f} "
        f"({means['learned', at] / means['classical', at]:.2f})"
        for at in limits
    )
    lines.append(f"| mean (ratio) | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    import tyro

    from lagrl.cli.entry import run_guarded

    def _run() -> int:
        main(tyro.cli(Args, description=__doc__))
        return 0

    sys.exit(run_guarded("route_policy", _run))
