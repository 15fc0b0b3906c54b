"""Time one dual evaluation beside a loop over OR-Tools' knapsack solvers on the same knapsacks.

python -m benchmarks.dual_evaluation.run
python -m benchmarks.dual_evaluation.run --instances X-n101-k25,X-n200-k36,X-n1001-k43 --data DIR --out ROWS.json

One thread. Every instance gets one k-means linearisation with the fewest vehicles, priced at the dual prices of its
linear relaxation and at normal perturbations of these. Ours is the whole `AssignmentDual.evaluate`, from multipliers
to supergradient. Each peer is timed twice:

- loop: the same work, from multipliers to supergradient, presolved vehicle by vehicle with numpy;
- solver alone: only `init` and `solve`, with the lists of integers made before the clock starts, the knapsacks that
  presolve settles left out, and nobody asking which customers were chosen.

Both are spared the customers of nonnegative reduced cost. Profits are rounded to 1/SCALE distance units for them, as
they take integers only.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, write_record

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import importlib
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lagrl.bench.provenance import versions
from lagrl.errors import InputError, LagrlError, MissingExtraError
from lagrl.io.atomic import require_writable
from lagrl.problems.bundled import bundled_names
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.locate import resolve_instance
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual
from lagrl.relaxation.linearise import linearise
from lagrl.relaxation.seeding import kmeans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem

T = TypeVar("T")

SCALE = 1_000_000
PEERS = {
    "branch and bound": "KNAPSACK_MULTIDIMENSION_BRANCH_AND_BOUND_SOLVER",
    "dynamic programme": "KNAPSACK_DYNAMIC_PROGRAMMING_SOLVER",
}


@dataclass(frozen=True)
class Args:
    """What to time.

    Attributes
    ----------
    instances
        Names or files, separated by commas; all bundled instances if empty.
    data
        Folder of CVRPLIB files; LAGRL_DATA if not given.
    noise
        Standard deviations of the perturbed multipliers, as fractions of the dual's scale.
    repeats
        Timings of each evaluation, of which the median counts.
    peer_repeats
        The same for the peers.
    seed
        Seed of the linearisation and the perturbations.
    out
        JSON file for the rows, if any.
    """

    instances: str = ""
    data: Path | None = None
    noise: tuple[float, ...] = (0.05, 0.2, 0.5)
    repeats: int = 51
    peer_repeats: int = 3
    seed: int = 0
    out: Path | None = None

    def __post_init__(self) -> None:
        if min(self.repeats, self.peer_repeats) < 1:
            raise InputError("nothing to time", field="--repeats, --peer-repeats", remedy="give 1 or more")


@dataclass(frozen=True)
class Knapsack:
    """What presolve leaves of one vehicle's knapsack: the customers it is about, and integers."""

    customer: NDArray[np.int64]
    profit: list[int]
    weight: list[int]
    capacity: int


class Peer:
    """One of OR-Tools' knapsack solvers, made once."""

    def __init__(self, solver_type: str) -> None:
        try:
            from ortools.algorithms.python import knapsack_solver
        except ImportError as error:
            raise MissingExtraError.of("ortools", "bench", "timing OR-Tools' knapsack solvers") from error
        self._solver = knapsack_solver.KnapsackSolver(getattr(knapsack_solver.SolverType, solver_type), "peer")

    def solve(self, knapsack: Knapsack) -> int:
        """Return the best profit, in 1/SCALE distance units."""
        self._solver.init(knapsack.profit, [knapsack.weight], [knapsack.capacity])
        return int(self._solver.solve())

    def evaluate(
        self, problem: AssignmentProblem, multipliers: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Return L(λ) and its supergradient [n], as `AssignmentDual.evaluate` does."""
        selection = np.zeros(problem.cost.shape, np.uint8)
        for k in range(problem.n_vehicles):
            selection[k], left = presolved(problem, multipliers, k)
            if left is not None:
                self.solve(left)
                chosen = [self._solver.best_solution_contains(j) for j in range(len(left.profit))]
                selection[k, left.customer[chosen]] = 1
        value = multipliers.sum() + ((problem.cost - multipliers) * selection).sum()
        return float(value), 1.0 - selection.sum(axis=0)


@dataclass(frozen=True)
class Row:
    """One multiplier vector of one instance: medians in milliseconds, and how far the values L(λ) are apart."""

    instance: str
    n_customers: int
    n_vehicles: int
    multipliers: str
    n_hard: int
    n_items: int
    milliseconds: float
    loop_milliseconds: dict[str, float]
    solver_milliseconds: dict[str, float]
    largest_difference: float
    tolerance: float
    repeats: int
    peer_repeats: int

    @property
    def times_faster(self) -> tuple[float, float]:
        """The faster peer's loop, and the faster peer's solver alone, over ours."""
        return tuple(min(ms.values()) / self.milliseconds for ms in (self.loop_milliseconds, self.solver_milliseconds))


def main(args: Args) -> None:
    """Time every instance, print a Markdown table, write the rows."""
    if args.out is not None:
        require_writable(args.out)
    importlib.import_module("lagrl.relaxation.pricing_kernels")  # compiles
    names = [name for name in args.instances.split(",") if name] or list(bundled_names())
    columns = ["instance", "n", "K", "multipliers", "knapsacks left", "items in them", "ours, ms"]
    columns += [f"{peer}: {what}, ms" for what in ("loop", "solver alone") for peer in PEERS]
    columns += ["× faster than the loop", "× faster than the solver alone", "values apart by"]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|", flush=True)
    rows = []
    for name in names:
        for row in time_instance(name, args):
            rows.append(row)
            print(_line(row), flush=True)
    if args.out is not None:
        record = {"versions": versions("ortools"), "threads": 1, "scale": SCALE, "rows": [asdict(row) for row in rows]}
        write_record(args.out, record)


def time_instance(name: str, args: Args) -> Iterator[Row]:
    """Linearise one instance, and time an evaluation at each multiplier vector."""
    rng = np.random.default_rng(args.seed)
    instance = read_instance(resolve_instance(name, args.data))
    problem = linearise(instance, kmeans(instance, instance.minimum_vehicles, rng))
    # highspy and ortools carry different HiGHS libraries of one name, which no process can load both
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as elsewhere:
        start = elsewhere.submit(linear_dual, problem).result().multipliers
    dual = AssignmentDual(problem)
    places = {"LP dual": start}
    for sigma in args.noise:
        moved = start + sigma * problem.cost_scale * rng.standard_normal(problem.n_customers)
        places[f"LP dual + {sigma:g}·s·N(0, 1)"] = dual.clip(moved)
    for place, multipliers in places.items():
        yield _time_evaluation(instance.name, dual, place, multipliers, args)


def _time_evaluation(name: str, dual: AssignmentDual, place: str, multipliers: NDArray[np.float64], args: Args) -> Row:
    problem = dual.problem
    presolve = [presolved(problem, multipliers, k)[1] for k in range(problem.n_vehicles)]
    hard = [left for left in presolve if left is not None]
    ours, point = _median_ms(lambda: dual.evaluate(multipliers), args.repeats)
    loops, alone, apart = {}, {}, 0.0
    for label, solver_type in PEERS.items():
        peer = Peer(solver_type)
        loops[label], found = _median_ms(partial(peer.evaluate, problem, multipliers), args.peer_repeats)
        alone[label], _ = _median_ms(partial(_solve_all, peer, hard), args.peer_repeats)
        apart = max(apart, abs(found[0] - point.sampled_value))
    n_items = sum(len(left.profit) for left in hard)
    tolerance = (n_items + 1) / SCALE
    if apart > tolerance:
        raise SystemExit(f"{name}, {place}: values {apart:g} apart, rounding explains {tolerance:g}")
    return Row(
        instance=name,
        n_customers=problem.n_customers,
        n_vehicles=problem.n_vehicles,
        multipliers=place,
        n_hard=len(hard),
        n_items=n_items,
        milliseconds=ours,
        loop_milliseconds=loops,
        solver_milliseconds=alone,
        largest_difference=apart,
        tolerance=tolerance,
        repeats=args.repeats,
        peer_repeats=args.peer_repeats,
    )


def presolved(
    problem: AssignmentProblem, multipliers: NDArray[np.float64], vehicle: int
) -> tuple[NDArray[np.bool_], Knapsack | None]:
    """Return which customers [n] one vehicle carries for sure, and the knapsack of the others, None if all fit."""
    reduced = problem.cost[vehicle] - multipliers
    capacity = int(problem.capacity[vehicle])
    wanted = (reduced < 0) & (problem.weight <= capacity)
    if problem.weight[wanted].sum() <= capacity:
        return wanted, None
    customer = np.flatnonzero(wanted & (problem.weight > 0))
    profit = np.rint(-reduced[customer] * SCALE).astype(np.int64)
    left = Knapsack(customer, profit.tolist(), problem.weight[customer].tolist(), capacity)
    return wanted & (problem.weight == 0), left


def _solve_all(peer: Peer, knapsacks: list[Knapsack]) -> list[int]:
    return [peer.solve(knapsack) for knapsack in knapsacks]


def _median_ms(work: Callable[[], T], repeats: int) -> tuple[float, T]:
    result = work()  # warm caches, not timed
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return 1e3 * median(seconds), result


def _line(row: Row) -> str:
    peers = [f"{ms:.2f}" for ms in (*row.loop_milliseconds.values(), *row.solver_milliseconds.values())]
    cells = [row.instance, row.n_customers, row.n_vehicles, row.multipliers, row.n_hard, row.n_items]
    cells += [f"{row.milliseconds:.3f}", *peers, *(f"{times:.1f}" for times in row.times_faster)]
    return f"| {' | '.join(map(str, cells))} | {row.largest_difference:.0e} |"


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"dual_evaluation: {error}")
