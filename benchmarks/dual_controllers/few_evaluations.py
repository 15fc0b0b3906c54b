"""Dual gap of the assignment surrogate after few evaluations: classical rules, a cloned policy and a learned start.

    LAGRL_DATA=DIR python -m benchmarks.dual_controllers.few_evaluations --out docs/rows/few_evaluations.jsonl
    LAGRL_DATA=DIR python -m benchmarks.dual_controllers.few_evaluations --sampler qaoa --customers 10 60 \
        --families AP --out docs/rows/few_evaluations.jsonl
    python -m benchmarks.dual_controllers.few_evaluations --show-rows docs/rows/few_evaluations.jsonl

Every instance is linearised once, by capacitated k-means for the fewest vehicles, and every method starts from the
prices of the linear relaxation, as in a solve. Controls start the bundle method elsewhere: at one price for all
customers, the mean of those, at those prices times e^N(0, 1), and where an untrained network corrects them. The
reference is the bundle method's value under the exact sampler after at most 600 evaluations, or a better one that any
method found. The dual value is exact in all rows, also where the sampler is not: methods do not see it then. Rows are
appended as soon as they are made; a repeated call makes those that are missing.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, origin, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.route_policy.run import instances
from lagrl.ascent import ascend
from lagrl.compilation import BOUND_ROOMS, compile_kernels
from lagrl.controllers.assignment_policy import ASSIGNMENT
from lagrl.controllers.bundle import ProximalBundle
from lagrl.controllers.graph_attention import NetworkSize
from lagrl.controllers.learned_multipliers import LearnedMultipliers
from lagrl.controllers.policy_checkpoint import PolicyCheckpoint, load_policy
from lagrl.controllers.registry import controller_factory
from lagrl.dual_loop import DualLoop
from lagrl.errors import InputError
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual, multiplier_ceiling
from lagrl.relaxation.linearise import linearise
from lagrl.relaxation.seeding import SEEDINGS
from lagrl.samplers.registry import make_sampler, sampler_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from lagrl.ascent import DualTrace
    from lagrl.controllers.base import Controller
    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.dual import DualFunction

BUDGETS = (1, 5, 10, 20)
CLASSICAL = ("polyak", "hwc", "cfm", "volume", "bundle")
SHORT_BUNDLE = "bundle, first_step 0.2"
UNTRAINED = "untrained network, bundle"
_REFERENCE_EVALUATIONS = 600
_RESAMPLES = 5000


@dataclass(frozen=True)
class Args:
    """What to measure.

    Attributes
    ----------
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
    generated
        Number of generated instances of each class to measure instead; 0: CVRPLIB's.
    every
        Only every so-many-th instance, by size.
    sampler
        Sampler of the knapsacks.
    shots
        Shots of an approximate sampler.
    policies
        Assignment policies; the parts of the first one are measured as well.
    cloned
        Checkpoint of the environment to compare with; none if empty.
    """

    out: Path | None = None
    show_rows: Path | None = None
    data: Path | None = None
    families: str = "ABEPX"
    customers: tuple[int, int] = (10, 200)
    generated: int = 0
    every: int = 1
    sampler: str = "exact"
    shots: int = 64
    policies: tuple[str, ...] = (ASSIGNMENT.shipped,)
    cloned: str = "checkpoints/bc-small"


@dataclass(frozen=True)
class Method:
    """A controller, and whether what it does depends on its budget."""

    name: str
    make: Callable[[], Controller]
    knows_budget: bool = False


class ElsewhereStarted(ProximalBundle):
    """The bundle method from multipliers that know less of the problem than the given ones."""

    is_random = False

    def start(
        self, dual: DualFunction, *, budget: int, rng: np.random.Generator, initial: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Start at the mean of the given multipliers, or at each times a random factor."""
        assert initial is not None
        noise = np.exp(np.random.default_rng(0).normal(size=len(initial)))
        first = initial * noise if self.is_random else np.full(len(initial), initial.mean())
        return super().start(dual, budget=budget, rng=rng, initial=np.clip(first, *dual.bounds))


class RandomlyStarted(ElsewhereStarted):
    """The bundle method from the given multipliers, each times e^N(0, 1)."""

    is_random = True


CONTROLS = {"uniform start, bundle": ElsewhereStarted, "random start, bundle": RandomlyStarted}


def untrained() -> PolicyCheckpoint:
    """Return an assignment policy with its first random weights."""
    import torch

    from policies.route_network import RouteNetwork

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        size = NetworkSize()
        return PolicyCheckpoint(RouteNetwork(size, ASSIGNMENT).weights(), size, {"config": {}}, "untrained")


def methods_of(args: Args) -> list[Method]:
    """Return what is compared."""
    found = [Method(name, controller_factory(name)) for name in CLASSICAL]
    found.append(Method(SHORT_BUNDLE, partial(ProximalBundle, first_step=0.2)))
    found += [Method(name, make) for name, make in CONTROLS.items()]
    found.append(Method(UNTRAINED, partial(LearnedMultipliers, untrained())))
    if args.cloned:
        found.append(Method(args.cloned, controller_factory(args.cloned), knows_budget=True))
    for number, spec in enumerate(args.policies):
        checkpoint, name = load_policy(ASSIGNMENT, spec), Path(spec).name
        found.append(Method(f"learned:{name}", partial(LearnedMultipliers, checkpoint)))
        if number == 0:
            weights = {key: 0.0 * each if "start_head" in key else each for key, each in checkpoint.weights.items()}
            corrected = replace(checkpoint, policy=replace(checkpoint.policy, steps=max(BUDGETS)))
            both = partial(LearnedMultipliers, corrected)
            found.append(Method(f"{name}, start and steps", both, knows_budget=True))
            alone = partial(LearnedMultipliers, replace(corrected, weights=weights))
            found.append(Method(f"{name}, steps alone", alone, knows_budget=True))
    return found


def main(args: Args) -> None:
    """Measure what is missing, or show the tables."""
    if args.show_rows is not None:
        print(tables(read_rows_if_any(args.show_rows)))
        return
    if args.out is None:
        raise InputError("no file given", field="--out", remedy="say where the rows go, or --show-rows which to show")
    compile_kernels(*BOUND_ROOMS)
    done = {_key(row) for row in read_rows_if_any(args.out)}
    methods = methods_of(args)
    made_by = origin("safetensors", "torch", *sampler_packages(args.sampler))
    for problem in list(instances(args))[:: args.every]:
        for row in rows_of(problem, methods, args, done):
            append_rows(args.out, [row | made_by])
        print(problem.name, file=sys.stderr)


def rows_of(problem: CVRP, methods: list[Method], args: Args, done: set[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Yield the missing rows of an instance: the reference, then every method at every budget."""
    seeds = SEEDINGS["kmeans"](problem, problem.minimum_vehicles, np.random.default_rng(0))
    assignment = linearise(problem, seeds)
    warm = linear_dual(assignment)
    ceiling = multiplier_ceiling(assignment, warm)
    about = {
        "instance": problem.name,
        "n_customers": problem.n_customers,
        "n_vehicles": assignment.n_vehicles,
        "best_known": problem.best_known,
    }

    def run(make: Callable[[], Controller], budget: int, *, exact: bool) -> DualTrace:
        sampler = None if exact else make_sampler(args.sampler)
        rng = np.random.default_rng(0)
        dual = AssignmentDual(assignment, sampler, shots=args.shots, rng=rng, ceiling=ceiling)
        loop = DualLoop.of(dual, record_exact=True)
        return ascend(loop, make(), budget, np.random.default_rng(0), warm.multipliers)

    row = about | {"sampler": "exact", "method": "reference", "budget": _REFERENCE_EVALUATIONS}
    if _key(row) not in done:
        done.add(_key(row))
        yield row | {"value": reference(assignment, ceiling, warm.multipliers), "route_cost": None, "events": []}
    for method in methods:
        wanted = [about | {"sampler": args.sampler, "method": method.name, "budget": budget} for budget in BUDGETS]
        missing = [row for row in wanted if _key(row) not in done]
        if not missing:
            continue
        whole = None if method.knows_budget else run(method.make, max(BUDGETS), exact=args.sampler == "exact")
        for row in missing:
            trace = whole or run(method.make, row["budget"], exact=args.sampler == "exact")
            first = slice(row["budget"])
            routes = min(trace.route_cost[first])
            yield row | {
                "value": max(trace.exact_value[first]),
                "route_cost": routes if np.isfinite(routes) else None,
                "shots": None if args.sampler == "exact" else args.shots,
            }


def reference(assignment: Any, ceiling: float, start: NDArray[np.float64]) -> float:
    """Return the value of the bundle method, until it has proven it or after many evaluations."""
    dual, rule = AssignmentDual(assignment, ceiling=ceiling), ProximalBundle()
    vector = rule.start(dual, budget=_REFERENCE_EVALUATIONS, rng=np.random.default_rng(0), initial=start)
    best = -np.inf
    for _ in range(_REFERENCE_EVALUATIONS):
        point = dual.evaluate(dual.clip(vector))
        best = max(best, point.sampled_value)
        vector = rule.update(point)
        if point.is_optimal or rule.is_finished:
            break
    return best


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("instance", "sampler", "method", "budget"))


def tables(rows: list[dict[str, Any]]) -> str:
    """Render a table of dual gaps and one of route gaps for every sampler."""
    best: dict[str, float] = {}
    for row in rows:
        best[row["instance"]] = max(row["value"], best.get(row["instance"], -np.inf))
    samplers = dict.fromkeys(row["sampler"] for row in rows if row["method"] != "reference")
    return "\n\n".join(_table(sampler, rows, best) for sampler in samplers)


def _table(sampler: str, rows: list[dict[str, Any]], best: dict[str, float]) -> str:
    dual: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    routes: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        if row["sampler"] != sampler or row["method"] == "reference":
            continue
        name, reached = row["instance"], best[row["instance"]]
        dual[row["method"]][name][row["budget"]] = 100.0 * (reached - row["value"]) / max(abs(reached), 1e-300)
        if row["route_cost"] is not None and row["best_known"]:
            gap = 100.0 * (row["route_cost"] / row["best_known"] - 1.0)
            routes[row["method"]][name][row["budget"]] = gap
    names = sorted(set.intersection(*(set(of_one) for of_one in dual.values())))
    classical = [method for method in dual if method in (*CLASSICAL, SHORT_BUNDLE)]
    gap = {method: np.array([[of_one[name][b] for b in BUDGETS] for name in names]) for method, of_one in dual.items()}
    strongest = [min(classical, key=lambda method, b=b: gap[method][:, b].mean()) for b in range(len(BUDGETS))]
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(names), size=(_RESAMPLES, len(names)))
    head = " | ".join(map(str, BUDGETS))
    wins = " | ".join(f"ratio at {budget}" for budget in BUDGETS[1:])
    toured = " | ".join(f"routes at {budget}" for budget in BUDGETS[1:])
    rules = ", ".join(f"{b}: {each}" for b, each in zip(BUDGETS[1:], strongest[1:], strict=True))
    lines = [
        f"{sampler}: {len(names)} instances; mean gap to the dual optimum in %, ratio of the means to the best "
        f"classical rule ({rules}) with its 95 % "
        "interval, and mean gap of the routes to the best known cost in %",
        "",
        f"| method | {head} | {wins} | {toured} |",
        f"|---|{'--:|' * (len(BUDGETS) + 2 * len(BUDGETS[1:]))}",
    ]
    for method, mine in gap.items():
        cells = [f"{value:.3f}" for value in mine.mean(axis=0)]
        for b in range(1, len(BUDGETS)):
            theirs = gap[strongest[b]][:, b]
            ratios = mine[drawn, b].mean(axis=1) / np.maximum(theirs[drawn].mean(axis=1), 1e-300)
            low, high = np.quantile(ratios, [0.025, 0.975])
            ratio = mine[:, b].mean() / max(theirs.mean(), 1e-300)
            cells.append(f"{ratio:.2f} [{low:.2f}, {high:.2f}]")
        for budget in BUDGETS[1:]:
            found = [of_one[budget] for name, of_one in routes[method].items() if name in names and budget in of_one]
            cells.append(f"{np.mean(found):.2f} ({len(found)})" if found else "—")
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    import tyro

    from lagrl.cli.entry import run_guarded

    def _run() -> int:
        main(tyro.cli(Args, description=__doc__))
        return 0

    sys.exit(run_guarded("few_evaluations", _run))
