"""Ruin and recreate of assignments: some customers are removed, those that cost most above their price first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from lagrl.cascade.exchange_moves import improve

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem
    from lagrl.relaxation.linear_dual import LinearDual

_REMOVED = (5, 60)
_PERTURBATION = 0.05  # of the capacities' prices, relative, in every second round


def ruin_and_recreate(
    problem: AssignmentProblem,
    warm: LinearDual,
    assignment: NDArray[np.int64],
    rng: np.random.Generator,
    deadline: float,
    most_rounds: int,
    is_good: Callable[[NDArray[np.int64]], bool],
) -> NDArray[np.int64]:
    """Return the cheapest feasible assignment [n] found from one by removing and reinserting customers.

    A customer is removed with a probability that grows with its reduced cost a_ki + μ_k d_i − λ_i, which is 0 for all
    in the relaxation's optimum. Reinsertion is by regret at the capacities' prices μ; then shifts and swaps follow.
    Ends at the deadline (of `time.perf_counter`), after some rounds, or when `is_good` holds.
    """
    from lagrl.relaxation.pricing_kernels import assign_by_regret

    n, each = problem.n_customers, np.arange(problem.n_customers)
    reduced = np.maximum(problem.cost + warm.capacity_price[:, None] * problem.weight - warm.multipliers, 0.0)
    best, cost = assignment, float(problem.cost[assignment, each].sum())
    for step in range(most_rounds):
        if is_good(best) or time.perf_counter() > deadline:
            break
        above = reduced[best, each]
        weight = above + 0.02 * above.mean() + 1e-12
        removed = rng.choice(n, size=min(n, int(rng.integers(*_REMOVED))), replace=False, p=weight / weight.sum())
        model = best.copy()
        model[removed] = -1
        room, kept = problem.capacity.copy(), model >= 0
        np.subtract.at(room, model[kept], problem.weight[kept])
        factor = 1.0 + _PERTURBATION * rng.normal(size=problem.n_vehicles) if step % 2 else np.ones(problem.n_vehicles)
        priced = np.ascontiguousarray(problem.cost + (warm.capacity_price * factor)[:, None] * problem.weight)
        if assign_by_regret(priced, problem.weight, room, model):
            continue
        model = improve(problem, model, removed)
        found = float(problem.cost[model, each].sum())
        if found <= cost:
            best, cost = model, found
    return best
