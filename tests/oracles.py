"""Slow, independent answers about small assignment problems: what the dual function is held against.

None of them shares code with what they check, except that column generation prices by `solve_knapsacks`, which is
itself held against enumeration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import highspy
import numpy as np

from lagrl.problems.assignment import AssignmentProblem
from lagrl.relaxation.knapsack import solve_knapsacks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lagrl.controllers.base import Controller, Feedback
    from lagrl.relaxation.dual import AssignmentDual, DualPoint

_ARTIFICIAL = 1000.0
_TOLERANCE = 1e-9


def random_problem(
    rng: np.random.Generator, n_vehicles: int, n_customers: int, slack: float = 1.1
) -> AssignmentProblem:
    """Draw a feasible problem: vehicles and customers in the unit square, loads of a planted assignment times `slack`.

    Costs are detours through a vehicle's point (distance units, up to about 200), weights 1 … 20.
    """
    points, seeds = 100 * rng.random((n_customers, 2)), 100 * rng.random((n_vehicles, 2))
    depot = np.array([50.0, 50.0])
    to_seed = np.hypot(*(seeds[:, None, :] - points[None]).transpose(2, 0, 1))
    detour = np.hypot(*(points - depot).T) + to_seed - np.hypot(*(seeds - depot).T)[:, None]
    weight = rng.integers(1, 21, n_customers)
    planted = rng.integers(0, n_vehicles, n_customers)
    load = np.bincount(planted, weights=weight, minlength=n_vehicles)
    return AssignmentProblem(np.maximum(detour, 0.0), weight, np.ceil(slack * load).astype(np.int64))


def subsets(n: int) -> NDArray[np.uint8]:
    """Return all 2^n subsets of n items, [2^n, n] in {0, 1}."""
    return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(np.uint8)


def enumerated_knapsacks(
    reduced_cost: NDArray[np.float64], weight: NDArray[np.int64], capacity: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the least value of each row's knapsack, [K], by trying all subsets; n up to about 15."""
    tried = subsets(len(weight))
    fits = (tried @ weight)[None] <= capacity[:, None]
    value: NDArray[np.float64] = np.where(fits, reduced_cost @ tried.T, np.inf).min(axis=1)
    return value


def enumerated_optimum(problem: AssignmentProblem) -> float:
    """Return the least surrogate cost over all K^n assignments, infinite if none fits; by dynamic programming.

    Vehicles one after the other, over the set of customers served so far: every subset of every subset is tried.
    """
    n = problem.n_customers
    load = subsets(n) @ problem.weight
    best = np.full(2**n, np.inf)
    best[0] = 0.0
    for cost, capacity in zip(problem.cost @ subsets(n).T, problem.capacity, strict=True):
        alone = np.where(load <= capacity, cost, np.inf)
        longer = best.copy()
        for taken in np.flatnonzero(np.isfinite(alone)):
            before = np.flatnonzero((np.arange(2**n) & taken) == 0)
            np.minimum.at(longer, before | taken, best[before] + alone[taken])
        best = longer
    return float(best[-1])


def milp_optimum(problem: AssignmentProblem) -> float:
    """Return the least surrogate cost by HiGHS' branch and bound, proven to 1e-9; the problem must be feasible."""
    solver = _silent_solver()
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", _TOLERANCE)
    for capacity in problem.capacity:
        solver.addRow(-highspy.kHighsInf, float(capacity), 0, [], [])
    for _ in range(problem.n_customers):
        solver.addRow(1.0, 1.0, 0, [], [])
    for k in range(problem.n_vehicles):
        for i in range(problem.n_customers):
            rows = np.array([k, problem.n_vehicles + i])
            entries = np.array([float(problem.weight[i]), 1.0])
            solver.addCol(float(problem.cost[k, i]), 0.0, 1.0, 2, rows, entries)
            solver.changeColIntegrality(k * problem.n_customers + i, highspy.HighsVarType.kInteger)
    return _optimum(solver)


def column_generation(problem: AssignmentProblem) -> tuple[float, NDArray[np.float64]]:
    """Return the optimum of the Dantzig–Wolfe relaxation and its customer prices [n], which maximise L.

    The master chooses at most one load per vehicle so that every customer is served once; loads come from
    `solve_knapsacks` until none has a negative reduced cost. Its optimum is max L (Geoffrion 1974). Each customer can
    also go unserved for 1000 times the highest cost, which no feasible problem of a few customers makes use of.
    """
    n_vehicles, n = problem.cost.shape
    penalty = _ARTIFICIAL * max(float(problem.cost.max()), 1.0)
    solver = _silent_solver()
    for _ in range(n):
        solver.addRow(1.0, 1.0, 0, [], [])
    for _ in range(n_vehicles):
        solver.addRow(-highspy.kHighsInf, 1.0, 0, [], [])
    for i in range(n):
        solver.addCol(penalty, 0.0, highspy.kHighsInf, 1, np.array([i]), np.ones(1))
    while True:
        value = _optimum(solver)
        prices = np.array(solver.getSolution().row_dual)
        selection, reduced = solve_knapsacks(problem.cost - prices[:n], problem.weight, problem.capacity)
        improving = np.flatnonzero(reduced < prices[n:] - 1e-7)
        if len(improving) == 0:
            return value, prices[:n]
        for k in improving:
            rows = np.append(np.flatnonzero(selection[k]), n + k)
            cost = float(problem.cost[k] @ selection[k])
            solver.addCol(cost, 0.0, highspy.kHighsInf, len(rows), rows, np.ones(len(rows)))


def ascent(
    dual: AssignmentDual,
    controller: Controller,
    budget: int,
    rng: np.random.Generator,
    initial: NDArray[np.float64] | None = None,
    feedback: Feedback | None = None,
) -> Iterator[DualPoint]:
    """Yield `budget` points of a controller's ascent, fewer if it ends at a proven optimum; nothing is decoded."""
    multipliers = controller.start(dual, budget=budget, rng=rng, initial=initial)
    for _ in range(budget):
        point = dual.evaluate(dual.clip(multipliers))
        yield point
        if point.is_optimal:
            return
        multipliers = controller.update(point, feedback)


def _silent_solver() -> highspy.Highs:
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    return solver


def _optimum(solver: highspy.Highs) -> float:
    solver.run()
    status = solver.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"HiGHS ended with {status}, not with an optimum")
    return float(solver.getInfo().objective_function_value)
