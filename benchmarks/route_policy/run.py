"""What a trained route policy is worth: bounds at equal evaluations and at equal seconds.

    LAGRL_DATA=DIR python -m benchmarks.route_policy.run --part converged --out docs/rows/route_policy.jsonl
    LAGRL_DATA=DIR python -m benchmarks.route_policy.run --part evaluations --policies full-0=PATH full-1=PATH \
        --out docs/rows/route_policy.jsonl
    LAGRL_DATA=DIR python -m benchmarks.route_policy.run --part seconds --out docs/rows/route_policy.jsonl
    python -m benchmarks.route_policy.run --show-rows docs/rows/route_policy.jsonl

`converged` computes the bound of the ng-routes without cuts, with which `evaluations` compares: the classical rules
from the classical start and the route policies, each with its budget, or other `--methods`, see
`benchmarks.route_policy.ascents`. A policy named VARIANT-SEED is one of several trainings. With `--generated N` both
are measured on N generated instances of each depot and demand class instead of CVRPLIB's. `seconds` compares `lagrl
bound` with the learned and with the classical start. `solve` and `pool` compare routes with a bound of each start and
without one, see `benchmarks.route_policy.routes`. Rows are appended as soon as they are made; a repeated call makes
those that are missing.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, origin, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy and numba are loaded

import sys
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.route_policy.ascents import CLASSICAL, UNTRAINED, ascend, checkpoints, untrained
from benchmarks.route_policy.cards import record
from benchmarks.route_policy.generated import class_of, of_classes
from benchmarks.route_policy.routes import BOUNDS, pooled, solved
from benchmarks.route_policy.tables import all_tables
from lagrl.bounds.bound import RouteBound, lower_bound
from lagrl.bounds.route_graph import RouteGraph
from lagrl.compilation import BOUND_ROOMS, compile_kernels
from lagrl.errors import InputError
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.generate import generate
from lagrl.problems.locate import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lagrl.bounds.column_generation import Start
    from lagrl.controllers.policy_checkpoint import PolicyCheckpoint
    from lagrl.problems.cvrp import CVRP

STARTS: tuple[Start, ...] = ("learned", "classical")
BUDGETS = (5, 10, 20, 30, 50)
LIMITS = (1.0, 2.0, 5.0, 15.0, 60.0)


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
        Files of rows to show instead of measuring.
    record_command
        With `show_rows`: the figures of `policies` go into their cards, with this command that made the rows.
    data
        Folder of CVRPLIB's files; LAGRL_DATA if not given.
    families
        First letters of the instances.
    customers
        Fewest and most customers.
    generated
        Number of generated instances of each class to measure instead; 0: CVRPLIB's.
    policies
        Route policies as NAME=PATH, for `evaluations`.
    methods
        Methods to compare in `evaluations`; the classical rules and the policies if none is given.
    budgets
        Numbers of evaluations in `evaluations`.
    most_seconds
        Limit of `converged`.
    limits
        Seconds at which `seconds` reads the bound, and those of `solve` and `pool`.
    seeds
        Number of seeds of `solve` and `pool`.
    """

    part: Literal["converged", "evaluations", "seconds", "solve", "pool"] = "evaluations"
    out: Path | None = None
    show_rows: tuple[Path, ...] = ()
    record_command: str = ""
    data: Path | None = None
    families: str = "ABEFMPX"
    customers: tuple[int, int] = (10, 200)
    generated: int = 0
    policies: tuple[str, ...] = ("route-policy",)
    methods: tuple[str, ...] = ()
    budgets: tuple[int, ...] = BUDGETS
    most_seconds: float = 120.0
    limits: tuple[float, ...] = LIMITS
    seeds: int = 1


def main(args: Args) -> None:
    """Measure what is missing, or show the tables."""
    if args.show_rows:
        rows = [row for path in args.show_rows for row in read_rows_if_any(path)]
        print(all_tables(rows))
        if args.record_command:
            record(rows, args.policies, args.record_command)
        return
    if args.out is None:
        raise InputError("no file given", field="--out", remedy="say where the rows go, or --show-rows which to show")
    policies = checkpoints(args.policies)
    if UNTRAINED in args.methods:
        policies[UNTRAINED] = untrained()
    compile_kernels(*BOUND_ROOMS)
    if args.part in ("solve", "pool"):
        for each in BOUNDS:  # loads everything before the clock counts
            solved(generate(20), each, 1.0, 0)
    done = {_key(row) for row in read_rows_if_any(args.out)}
    made_by = origin("safetensors")
    for problem in instances(args):
        for row in _rows_of(problem, args, policies, done):
            append_rows(args.out, [row | made_by])
            print({name: row[name] for name in ("part", "instance", "method", "value", "seconds")}, file=sys.stderr)


def instances(args: Args) -> Iterator[CVRP]:
    """Yield the instances, smallest first."""
    if args.generated:
        yield from sorted(of_classes(args.generated, args.customers), key=lambda each: each.n_customers)
        return
    paths = (path for path in data_folder(args.data).rglob("*.vrp") if path.name[0] in args.families)
    problems = (read_instance(path) for path in sorted(paths) if path.name[1] == "-")
    low, high = args.customers
    yield from sorted((each for each in problems if low <= each.n_customers <= high), key=lambda each: each.n_customers)


def _rows_of(
    problem: CVRP, args: Args, policies: dict[str, PolicyCheckpoint], done: set[tuple[Any, ...]]
) -> Iterator[dict[str, Any]]:
    about = {
        "part": args.part,
        "instance": problem.name,
        "n_customers": problem.n_customers,
        "fleet": str(problem.fleet),
        "tightness": float(problem.demand.sum() / (problem.minimum_vehicles * problem.capacity)),
        "best_known": problem.best_known,
        "class": class_of(problem) if args.generated else "",
    }
    if args.part == "converged":
        wanted = [about | {"method": "converged", "budget": args.most_seconds}]
        for row in _missing(wanted, done):
            bound = lower_bound(problem, cuts=False, seconds=args.most_seconds)
            yield row | {"value": bound.value, "seconds": bound.seconds, "is_converged": bound.is_converged}
    elif args.part == "evaluations":
        methods = args.methods or (*CLASSICAL, *policies)
        wanted = [about | {"method": method, "budget": budget} for method in methods for budget in args.budgets]
        graph = RouteGraph.of(problem)
        for row in _missing(wanted, done):
            started = time.process_time()
            value, events = ascend(row["method"], graph, row["budget"], policies)
            used = [policies[name] for name in row["method"].split("+") if name in policies]
            yield row | {
                "value": value,
                "seconds": time.process_time() - started,
                "events": events,
                "policies": [each.fingerprint for each in used],
                "held_out": sorted({name for each in used for name in each.card["config"].get("held_out", [])}),
            }
    elif args.part == "seconds":
        for start in STARTS:
            wanted = [about | {"method": start, "budget": limit} for limit in args.limits]
            missing = list(_missing(wanted, done))
            if not missing:
                continue
            bound = RouteBound(problem, start=start)
            for row in wanted:
                bound.improve(row["budget"] - bound.seconds)
                yield row | {"value": bound.value, "seconds": bound.seconds, "evaluations": bound.evaluations}
    else:
        for limit, seed in product(args.limits, range(args.seeds)):
            wanted = [about | {"method": each, "budget": limit, "seed": seed} for each in BOUNDS]
            missing = list(_missing(wanted, done))
            if args.part == "solve":  # one after another, so that other work on the machine disturbs all alike
                yield from (row | solved(problem, row["method"], limit, seed) for row in missing)
            elif missing:
                found = pooled(problem, limit, seed)
                yield from (row | found[row["method"]] for row in missing)


def _missing(wanted: list[dict[str, Any]], done: set[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    return (row for row in wanted if _key(row) not in done)


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return *(row[name] for name in ("part", "instance", "method", "budget")), row.get("seed")


if __name__ == "__main__":
    import tyro

    from lagrl.cli.entry import run_guarded

    def _run() -> int:
        main(tyro.cli(Args, description=__doc__))
        return 0

    sys.exit(run_guarded("route_policy", _run))
