"""Time the pricing kernel beside the plain dynamic programme and the kernel before it, on knapsacks of dual ascents.

python -m benchmarks.knapsack_kernels.run --data DIR --out docs/rows/knapsack_kernels.json       # minutes, one thread
python -m benchmarks.knapsack_kernels.run --show-rows docs/rows/knapsack_kernels.json            # the tables again

CVRPLIB's instances of all families and capacities, and generated ones whose capacity is scaled to about 10^3, 10^4 and
10^5 (each demand times the same factor, plus a random remainder, so that no common divisor undoes it). Each gets one
k-means linearisation, whose dual is ascended by `cfm` from the linear relaxation's prices, under exact answers. The
knapsacks are those of a few evaluations, without customers of nonnegative reduced cost, without vehicles that carry
all the others, and divided by the weights' greatest common divisor: all three kernels get the same, one after another
in compiled loops, scratch allocated beforehand. Their values must agree to 1e-12.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, read_record, write_record

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.knapsack_kernels.drivers import KERNELS, Knapsacks
from lagrl.bench.provenance import git_revision, versions
from lagrl.controllers import Feedback, controller_factory
from lagrl.errors import InputError, LagrlError
from lagrl.io.atomic import require_writable
from lagrl.problems.assignment import AssignmentProblem
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.generate import generate_x_type, sample_params
from lagrl.problems.locate import resolve_instance
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.seeding import kmeans
from tests.oracles import ascent

CVRPLIB = (
    "A-n45-k6,A-n80-k10,B-n57-k9,B-n78-k10,E-n22-k4,E-n33-k4,E-n51-k5,E-n101-k14,F-n45-k4,F-n72-k4,F-n135-k7,"
    "M-n151-k12,M-n200-k17,P-n22-k8,P-n76-k5,P-n101-k4,CMT4,CMT12,X-n101-k25,X-n162-k11,X-n200-k36,X-n256-k16,"
    "X-n459-k26,X-n716-k35,X-n895-k37,X-n1001-k43"
)
SIZES = ((30, 60), (60, 110), (110, 220))  # customers of generated instances
CLASSES = (0, 100, 1000, 10_000, 100_000)  # capacities that classes of knapsacks start at
FULL = 1.02  # of generated instances' demand, scaled: the vehicles' room at least
SECONDS = 2e-4  # that one timing takes at least


@dataclass(frozen=True)
class Args:
    """What to time.

    Attributes
    ----------
    instances
        Names or files of CVRPLIB instances, separated by commas.
    generated
        Number of generated instances, each at every scale.
    scales
        Capacities that generated instances are scaled to, about.
    evaluations
        Evaluations of the ascents whose knapsacks are timed.
    data
        Folder of CVRPLIB files; LAGRL_DATA if not given.
    repeats
        Timings of each group of knapsacks, of which the median counts.
    seed
        Seed of the linearisations and of the generated instances.
    out
        JSON file for the rows, if any.
    show_rows
        Rows to show instead of measuring.
    """

    instances: str = CVRPLIB
    generated: int = 12
    scales: tuple[int, ...] = (1000, 10_000, 100_000)
    evaluations: tuple[int, ...] = (1, 5, 20, 50)
    data: Path | None = None
    repeats: int = 11
    seed: int = 0
    out: Path | None = None
    show_rows: Path | None = None

    def __post_init__(self) -> None:
        if self.repeats < 1 or not self.evaluations or min(self.evaluations) < 1:
            raise InputError("nothing to time", field="--repeats, --evaluations", remedy="give 1 or more")


@dataclass(frozen=True)
class Row:
    """The knapsacks of one evaluation that are of one class: medians in microseconds, all of them together."""

    instance: str
    n_customers: int
    n_vehicles: int
    capacity: int
    evaluation: int
    class_from: int
    n_knapsacks: int
    mean_items: float
    mean_capacity: float
    microseconds: dict[str, float]
    apart: float


def main(args: Args) -> None:
    """Time every instance, print the Markdown tables, write the rows."""
    if args.show_rows is not None:
        print(show([Row(**row) for row in read_record(args.show_rows)["rows"]]))
        return
    if args.out is not None:
        require_writable(args.out)
    rows: list[Row] = []
    for name, problem in problems(args):
        rows += time_problem(name, problem, args)
        print(f"{name}: {len(rows)} rows", file=sys.stderr, flush=True)
    print(show(rows))
    if args.out is not None:
        record = {"versions": versions(), "revision": git_revision(), "threads": 1, "repeats": args.repeats}
        write_record(args.out, {**record, "rows": [asdict(row) for row in rows]})


def problems(args: Args) -> Iterator[tuple[str, AssignmentProblem]]:
    """Yield every linearised instance, the generated ones at every scale."""
    for name in filter(None, args.instances.split(",")):
        yield name, linearised(read_instance(resolve_instance(name, args.data)), args.seed)
    for index in range(args.generated):
        rng = np.random.default_rng([args.seed, index])
        instance = generate_x_type(sample_params(rng, SIZES[index % len(SIZES)]), rng)
        problem = linearised(instance, args.seed)
        for scale in args.scales:
            yield f"generated {index}, ×{scale}", scaled(problem, scale, rng)


def linearised(instance: CVRP, seed: int) -> AssignmentProblem:
    """Linearise an instance by k-means."""
    return linearise(instance, kmeans(instance, vehicles_to_try(instance), np.random.default_rng(seed)))


def scaled(problem: AssignmentProblem, scale: int, rng: np.random.Generator) -> AssignmentProblem:
    """Measure demands and capacities in finer units, and add what was rounded off before."""
    factor = max(2, round(scale / int(problem.capacity.max())))
    weight = problem.weight * factor + rng.integers(0, factor, problem.n_customers)
    needed = int(np.ceil(FULL * weight.sum() / problem.n_vehicles))
    return AssignmentProblem(problem.cost, weight, np.maximum(problem.capacity * factor, needed))


def time_problem(name: str, problem: AssignmentProblem, args: Args) -> Iterator[Row]:
    """Ascend the dual, and time the knapsacks of the requested evaluations."""
    dual, controller = AssignmentDual(problem), controller_factory("cfm")()
    start, rng = linear_dual(problem).multipliers, np.random.default_rng(args.seed)
    points = ascent(dual, controller, max(args.evaluations), rng, start, Feedback())
    for evaluation, point in enumerate(points, start=1):
        if evaluation not in args.evaluations:
            continue
        found = presolved(problem, point.multipliers)
        for low, high in zip(CLASSES, (*CLASSES[1:], np.inf), strict=True):
            group = [knapsack for knapsack in found if low <= knapsack[2] < high]
            if not group:
                continue
            microseconds, apart = time_group(Knapsacks.of(group), args.repeats)
            if apart > 1e-12:
                raise SystemExit(f"{name}, evaluation {evaluation}: values {apart:g} apart, relative")
            yield Row(
                instance=name,
                n_customers=problem.n_customers,
                n_vehicles=problem.n_vehicles,
                capacity=int(problem.capacity.max()),
                evaluation=evaluation,
                class_from=low,
                n_knapsacks=len(group),
                mean_items=float(np.mean([len(profit) for profit, _, _ in group])),
                mean_capacity=float(np.mean([capacity for _, _, capacity in group])),
                microseconds=microseconds,
                apart=apart,
            )


def presolved(
    problem: AssignmentProblem, multipliers: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.int64], int]]:
    """Return profits, weights and capacity of every vehicle that cannot carry all that it wants."""
    found = []
    for k in range(problem.n_vehicles):
        profit, capacity = multipliers - problem.cost[k], int(problem.capacity[k])
        wanted = (profit > 0) & (problem.weight > 0) & (problem.weight <= capacity)
        weight = problem.weight[wanted]
        if weight.sum() > capacity:
            divisor = int(np.gcd.reduce(weight))
            found.append((profit[wanted], weight // divisor, capacity // divisor))
    return found


def time_group(knapsacks: Knapsacks, repeats: int) -> tuple[dict[str, float], float]:
    """Return each kernel's median microseconds for all knapsacks, and how far the values are apart, relatively."""
    value = {name: np.empty(len(knapsacks.capacity)) for name in KERNELS}
    rounds = {}
    for name in KERNELS:
        _seconds(knapsacks, name, 1, value[name])  # warms caches
        rounds[name] = max(1, round(SECONDS / _seconds(knapsacks, name, 1, value[name])))
    timed: dict[str, list[float]] = {name: [] for name in KERNELS}
    for _ in range(repeats):
        for name in KERNELS:  # in turn, so that a slow moment of the machine meets all of them
            timed[name].append(1e6 * _seconds(knapsacks, name, rounds[name], value[name]) / rounds[name])
    reference = value["table"]
    apart = max(float((abs(found - reference) / reference).max()) for found in value.values())
    return {name: median(times) for name, times in timed.items()}, apart


def _seconds(knapsacks: Knapsacks, kernel: str, rounds: int, value: NDArray[np.float64]) -> float:
    started = time.perf_counter()
    knapsacks.fill(KERNELS[kernel], rounds, value)
    return time.perf_counter() - started


def show(rows: list[Row]) -> str:
    """Render the tables: by class of capacity, and by instance."""
    text = ["### By capacity, after division by the greatest common divisor", ""]
    text += _table("capacity from", rows, lambda row: f"{row.class_from}")
    text += ["", "### By instance, all evaluations together", ""]
    text += _table("instance", rows, lambda row: row.instance)
    return "\n".join(text)


def _table(label: str, rows: list[Row], key: Callable[[Row], str]) -> list[str]:
    columns = [label, "knapsacks", "items", "capacity", *(f"{name}, µs" for name in KERNELS)]
    columns += ["× table", "× former", "× table, least of the rows", "× former, least of the rows"]
    lines = [f"| {' | '.join(columns)} |", "|---" + "|--:" * (len(columns) - 1) + "|"]
    for name in dict.fromkeys(map(key, sorted(rows, key=lambda row: row.class_from) if "from" in label else rows)):
        mine = [row for row in rows if key(row) == name]
        count = sum(row.n_knapsacks for row in mine)
        means = [
            sum(getattr(row, field) * row.n_knapsacks for row in mine) / count
            for field in ("mean_items", "mean_capacity")
        ]
        spent = {kernel: sum(row.microseconds[kernel] for row in mine) for kernel in KERNELS}
        cells = [name, f"{count}", *(f"{mean:.0f}" for mean in means)]
        cells += [f"{spent[kernel] / count:.2f}" for kernel in KERNELS]
        cells += [f"{spent[kernel] / spent['search']:.1f}" for kernel in ("table", "former")]
        for kernel in ("table", "former"):
            cells.append(f"{min(row.microseconds[kernel] / row.microseconds['search'] for row in mine):.1f}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"knapsack_kernels: {error}")
