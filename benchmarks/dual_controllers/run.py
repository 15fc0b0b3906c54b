"""Evaluations and seconds that each controller needs to 1 % and 0.1 % of the exact dual, from the linear relaxation.

    python -m benchmarks.dual_controllers.run --data DIR --out docs/rows/dual_controllers.json      # a few minutes
    python -m benchmarks.dual_controllers.run --settings --out docs/rows/dual_settings.json         # generated only
    python -m benchmarks.dual_controllers.run --show docs/rows/dual_controllers.json                # the table again

One thread. Every instance is linearised by each seeding rule with each seed, for the fewest vehicles. The exact dual
is column generation's value, run until its master proves it. Seconds are those of evaluating and of the controller;
the incumbent that some rules ask for comes from repairing every selection, and is not timed. `--settings` compares
constants of `bundle` and `cg` on generated instances, which is where the defaults come from.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, read_record, write_record

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.bench.provenance import versions
from lagrl.compilation import compile_kernels
from lagrl.controllers import CONTROLLERS, Controller, Feedback
from lagrl.controllers.bundle import ProximalBundle
from lagrl.controllers.dantzig_wolfe import ColumnGeneration
from lagrl.errors import InputError, LagrlError
from lagrl.io.atomic import require_writable
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.generate import generate_x_type, sample_params
from lagrl.problems.locate import resolve_instance
from lagrl.recovery.repair import repair
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual, multiplier_ceiling
from lagrl.relaxation.linearise import linearise
from lagrl.relaxation.seeding import SEEDINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULES = ("polyak", "hwc", "cfm", "volume", "adam", "bundle", "cg")
TARGETS = (0.01, 0.001)
SIZES = ((30, 60), (60, 110), (110, 220))
GENERATED_SEED = 4242
PROOF_BUDGET = 5000
AGREEMENT = 3e-6  # relative: twice the tolerance of a proof, and the solver's own
SETTINGS: dict[str, Callable[[], Controller]] = {
    **{f"bundle, first_step {x}": partial(ProximalBundle, first_step=x) for x in (0.1, 0.2, 0.5, 1.0, 2.0)},
    **{f"bundle, sufficient {x}": partial(ProximalBundle, sufficient=x) for x in (0.01, 0.1, 0.3)},
    **{f"bundle, most_cuts {x}": partial(ProximalBundle, most_cuts=x) for x in (2, 5, 10, 50)},
    **{f"bundle, patience {x}": partial(ProximalBundle, patience=x) for x in (5, 10, 20, 80)},
    **{f"cg, smoothing {x}": partial(ColumnGeneration, smoothing=x) for x in (0.0, 0.5, 0.7, 0.9, 0.95, 0.98)},
}


@dataclass(frozen=True)
class Args:
    """What to measure.

    Attributes
    ----------
    instances
        CVRPLIB names or files, separated by commas; none if empty.
    data
        Folder of CVRPLIB files; LAGRL_DATA if not given.
    seeds
        Seeds of each seeding rule on each CVRPLIB instance.
    generated
        Generated instances besides, one seed each.
    budget
        Evaluations after which a controller is given up.
    settings
        Compare constants, on generated instances only.
    out
        JSON file for the rows, if any.
    show
        Rows to show instead of measuring.
    """

    instances: str = "A-n45-k6,A-n80-k10,B-n57-k9,P-n76-k5,X-n101-k25"
    data: Path | None = None
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    generated: int = 24
    budget: int = 1000
    settings: bool = False
    out: Path | None = None
    show: Path | None = None

    def __post_init__(self) -> None:
        if self.budget < 1 or self.generated < 0:
            raise InputError("nothing to measure", field="--budget, --generated", remedy="give 1 (0) or more")


@dataclass(frozen=True)
class Case:
    """One linearisation of one instance, its warm start and its exact dual."""

    group: str
    instance: str
    seeding: str
    seed: int
    dual: AssignmentDual
    start: NDArray[np.float64]
    exact: float


@dataclass(frozen=True)
class Row:
    """One controller on one case; evaluations and seconds are None where the budget did not suffice."""

    group: str
    instance: str
    seeding: str
    seed: int
    n_customers: int
    n_vehicles: int
    exact_dual: float
    first_gap_pct: float
    controller: str
    evaluations: list[int | None]
    seconds: list[float | None]
    proof_evaluations: int | None
    proof_seconds: float | None


def main(args: Args) -> None:
    """Measure every controller on every case, print the table, write the rows."""
    if args.show is not None:
        print(table([Row(**row) for row in read_record(args.show)["rows"]]))
        return
    if args.out is not None:
        require_writable(args.out)
    compile_kernels()
    makers = SETTINGS if args.settings else {name: CONTROLLERS[name] for name in RULES}
    rows = []
    for case in cases(args):
        rows += [climb(case, name, make, args.budget) for name, make in makers.items()]
        print(f"\r{case.instance} {case.seeding} {case.seed}   ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(table(rows))
    if args.out is not None:
        record = {"versions": versions(), "threads": 1, "budget": args.budget, "rows": [asdict(row) for row in rows]}
        write_record(args.out, record)


def cases(args: Args) -> Iterator[Case]:
    """Linearise the instances, and find each exact dual."""
    names = [] if args.settings else [name for name in args.instances.split(",") if name]
    for name in names:
        instance = read_instance(resolve_instance(name, args.data))
        for rule in ("kmeans", "sweep"):
            for seed in args.seeds:
                yield make_case(instance.name, instance, rule, seed)
    rng = np.random.default_rng(GENERATED_SEED)
    for j in range(args.generated):
        instance = generate_x_type(sample_params(rng, SIZES[j % 3]), rng, name=f"V-{j:02d}")
        for rule in ("kmeans", "sweep"):
            yield make_case("generated", instance, rule, 0)


def make_case(group: str, instance: CVRP, rule: str, seed: int) -> Case:
    """Linearise one instance."""
    seeds = SEEDINGS[rule](instance, instance.minimum_vehicles, np.random.default_rng(seed))
    problem = linearise(instance, seeds)
    warm = linear_dual(problem)
    dual = AssignmentDual(problem, ceiling=multiplier_ceiling(problem, warm))
    return Case(group, instance.name, rule, seed, dual, warm.multipliers, exact_dual(dual, warm.multipliers))


def exact_dual(dual: AssignmentDual, start: NDArray[np.float64]) -> float:
    """Return max L by column generation, proven; bundle must agree."""
    best = {}
    for name in ("cg", "bundle"):
        controller: Any = CONTROLLERS[name]()
        multipliers, is_proven, best[name] = (
            controller.start(dual, budget=PROOF_BUDGET, rng=np.random.default_rng(0), initial=start),
            False,
            -np.inf,
        )
        for _ in range(PROOF_BUDGET):
            point = dual.evaluate(dual.clip(multipliers))
            best[name] = max(best[name], point.sampled_value)
            multipliers = controller.update(point)
            is_proven = controller.is_finished or point.is_optimal
            if is_proven:
                break
        if not is_proven:
            raise SystemExit(f"{name} did not prove its value in {PROOF_BUDGET} evaluations")
    if abs(best["cg"] - best["bundle"]) > AGREEMENT * max(1.0, abs(best["cg"])):
        raise SystemExit(f"cg and bundle prove different values: {best}")
    return max(best.values())


def climb(case: Case, name: str, make: Callable[[], Controller], budget: int) -> Row:
    """Ascend one dual until every target is reached, or the controller has proven it, or the budget is spent."""
    dual, controller = case.dual, make()
    goals = [case.exact - share * abs(case.exact) for share in TARGETS]
    evaluations: list[int | None] = [None] * len(goals)
    seconds: list[float | None] = [None] * len(goals)
    proof: tuple[int | None, float | None] = None, None
    clock, incumbent, first = 0.0, np.inf, None
    multipliers = controller.start(dual, budget=budget, rng=np.random.default_rng(0), initial=case.start)
    for t in range(1, budget + 1):
        started = time.perf_counter()
        point = dual.evaluate(dual.clip(multipliers))
        clock += time.perf_counter() - started
        first = point.sampled_value if first is None else first
        for j, goal in enumerate(goals):
            if evaluations[j] is None and point.sampled_value >= goal:
                evaluations[j], seconds[j] = t, clock
        is_over = evaluations[-1] is not None and not hasattr(controller, "is_finished")
        if point.is_optimal or is_over:
            break
        repaired = repair(dual.problem, point.selection)
        if repaired.is_feasible:
            incumbent = min(incumbent, repaired.cost)
        feedback = Feedback(assignment_upper_bound=incumbent if np.isfinite(incumbent) else None)
        started = time.perf_counter()
        multipliers = controller.update(point, feedback)
        clock += time.perf_counter() - started
        if getattr(controller, "is_finished", False):
            proof = t, clock
            break
    assert first is not None
    return Row(
        case.group, case.instance, case.seeding, case.seed, dual.n_multipliers, dual.problem.n_vehicles,
        case.exact, 100.0 * (case.exact - first) / abs(case.exact), name, evaluations, seconds, *proof,
    )  # fmt: skip


def table(rows: list[Row]) -> str:
    """Render medians over linearisations, a line per instance (all generated ones together) and controller."""
    columns = ["instance", "seeding", "linearisations", "start, % below", "controller"]
    columns += ["evaluations to 1 %", "to 0.1 % (least … most)", "to the proof"]
    columns += ["ms to 1 %", "to 0.1 %", "to the proof"]
    lines = ["| " + " | ".join(columns) + " |", "|---|---|--:|--:|---|" + "--:|" * 6]
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.group, row.seeding, row.controller].append(row)
    for (group, seeding, name), mine in groups.items():
        one, tenth = ([row.evaluations[j] for row in mine] for j in range(len(TARGETS)))
        ends = [np.inf if count is None else count for count in tenth]
        spread = f"{_median(tenth)} ({_count(min(ends))} … {_count(max(ends))})"
        cells = [group, seeding, len(mine), f"{median(row.first_gap_pct for row in mine):.2f}", name]
        cells += [_median(one), spread, _median([row.proof_evaluations for row in mine])]
        cells += [_milliseconds([row.seconds[j] for row in mine]) for j in range(len(TARGETS))]
        cells += [_milliseconds([row.proof_seconds for row in mine])]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _median(counts: list[int | None]) -> str:
    return _count(median(np.inf if count is None else count for count in counts))


def _count(count: float) -> str:
    return f"{count:g}" if np.isfinite(count) else "—"


def _milliseconds(seconds: list[float | None]) -> str:
    middle = median(np.inf if value is None else value for value in seconds)
    return f"{1e3 * middle:.1f}" if np.isfinite(middle) else "—"


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"dual_controllers: {error}")
