"""Qubits that an instance needs: in one circuit, and vehicle by vehicle.

For n customers, K vehicles of capacity Q:

- direct: n²·K. One bit per (vehicle, customer, position): vehicle k visits customer i as its p-th stop, p = 1 … n. All
  in one circuit. The capacities would need K·⌈log₂(Q + 1)⌉ slack bits on top, which are not counted.
- slack: n + ⌈log₂(Q + 1)⌉, the widest vehicle's knapsack (customers that can fit, and slack bits for its capacity).
- slack-free: n, the same under a penalty without slack bits.
- presolve: what is left in doubt of a knapsack once customers with ã ≥ 0 are left out, and the knapsack is solved where
  all others fit. Measured on every vehicle at every evaluation of a dual ascent: mean, median and largest; 0 where
  solved.
- core: the same, cut to the `width` variables that `select_candidates` keeps.

The ascent is that of `lagrl solve` with one linearisation (capacitated k-means), exact knapsacks and the default
controller, from the linear relaxation's prices.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers import Feedback, controller_factory
from lagrl.quantum.subproblems.candidates import select_candidates
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.seeding import kmeans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem
    from lagrl.problems.cvrp import CVRP

CLASSES = ((0, 50), (50, 100), (100, 200), (200, 500), (500, 10**9))  # customers, upper end excluded
ENCODINGS = {
    "direct": "direct, n²·K",
    "slack": "a vehicle with slack bits",
    "slack_free": "a vehicle, slack-free",
    "presolve_max": "after presolve, largest",
    "presolve_mean": "after presolve, mean",
    "core_max": "core, largest",
    "core_mean": "core, mean",
}


@dataclass(frozen=True)
class WidthRow:
    """One instance: widths in qubits, shares of the knapsacks, wall-clock seconds."""

    instance: str
    n_customers: int
    n_vehicles: int
    capacity: int
    direct: int
    slack: int
    slack_free: int
    presolve_mean: float
    presolve_median: float
    presolve_max: int
    core_mean: float
    core_median: float
    core_max: int
    solved: float
    knapsacks: int
    evaluations: int
    seconds: float


def count(instance: CVRP, evaluations: int, width: int, seed: int) -> WidthRow:
    """Ascend the instance's dual and count what is left of every knapsack."""
    started = time.perf_counter()
    rng = np.random.default_rng(seed)
    problem = linearise(instance, kmeans(instance, vehicles_to_try(instance), rng))
    n, n_vehicles = problem.n_customers, problem.n_vehicles
    counted, cut, done = [], [], 0
    for multipliers in ascent(problem, evaluations, rng):
        reduced_cost = problem.cost - multipliers
        counted.append(widths_left(reduced_cost, problem.weight, problem.capacity))
        cut.append(select_candidates(reduced_cost, problem.weight, problem.capacity, width).width)
        done += 1
    left, core = np.concatenate(counted), np.concatenate(cut)
    fitting = int((problem.weight[None] <= problem.capacity[:, None]).sum(axis=1).max())
    return WidthRow(
        instance=instance.name,
        n_customers=n,
        n_vehicles=n_vehicles,
        capacity=instance.capacity,
        direct=n * n * n_vehicles,
        slack=fitting + instance.capacity.bit_length(),
        slack_free=fitting,
        presolve_mean=round(float(left.mean()), 3),
        presolve_median=float(np.median(left)),
        presolve_max=int(left.max()),
        core_mean=round(float(core.mean()), 3),
        core_median=float(np.median(core)),
        core_max=int(core.max()),
        solved=round(float((left == 0).mean()), 4),
        knapsacks=len(left),
        evaluations=done,
        seconds=round(time.perf_counter() - started, 3),
    )


def ascent(problem: AssignmentProblem, evaluations: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Yield the multipliers [n] that the default controller asks to be priced."""
    dual = AssignmentDual(problem)
    controller = controller_factory("cfm")()
    start = linear_dual(problem).multipliers
    multipliers = dual.clip(controller.start(dual, budget=evaluations, rng=rng, initial=start))
    for _ in range(evaluations):
        yield multipliers
        point = dual.evaluate(multipliers)
        if point.is_optimal:
            return
        multipliers = dual.clip(controller.update(point, Feedback()))


def widths_left(
    reduced_cost: NDArray[np.float64], weight: NDArray[np.int64], capacity: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how many variables presolve leaves of each knapsack, [K]: `select_candidates` without a limit."""
    is_wanted = (reduced_cost < 0) & (weight > 0) & (weight <= capacity[:, None])
    return np.where(is_wanted @ weight > capacity, is_wanted.sum(axis=1), 0)
