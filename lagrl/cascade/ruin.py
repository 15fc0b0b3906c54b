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
_THRESHOLD = 0.3  # of the gap to the relaxation, at first: how much dearer than the cheapest an assignment may be
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
    in the relaxation's optimum. Reinsertion is by regret at the capacities' prices μ; then shifts and swaps follow. An
    assignment that is dearer than the cheapest so far, up to a threshold, is accepted too; the threshold falls to 0
    with the rounds or the time (threshold accepting, Dueck and Scheuer 1990). Ends at the deadline (of
    `time.perf_counter`), after some rounds, or when `is_good` holds.
    """
    from lagrl.relaxation.pricing_kernels import assign_by_regret

    n, each = problem.n_customers, np.arange(problem.n_customers)
    reduced = np.maximum(problem.cost + warm.capacity_price[:, None] * problem.weight - warm.multipliers, 0.0)
    best = current = assignment
    least = cost = float(problem.cost[assignment, each].sum())
    started = time.perf_counter()
    for step in range(most_rounds):
        elapsed = time.perf_counter() - started
        if is_good(best) or started + elapsed >= deadline:
            break
        above = reduced[current, each]
        weight = above + 0.02 * above.mean() + 1e-12
        removed = rng.choice(n, size=min(n, int(rng.integers(*_REMOVED))), replace=False, p=weight / weight.sum())
        model = current.copy()
        model[removed] = -1
        room, kept = problem.capacity.copy(), model >= 0
        np.subtract.at(room, model[kept], problem.weight[kept])
        factor = 1.0 + _PERTURBATION * rng.normal(size=problem.n_vehicles) if step % 2 else np.ones(problem.n_vehicles)
        priced = np.ascontiguousarray(problem.cost + (warm.capacity_price * factor)[:, None] * problem.weight)
        if assign_by_regret(priced, problem.weight, room, model):
            continue
        model = improve(problem, model, removed)
        found = float(problem.cost[model, each].sum())
        left = 1.0 - max(step / most_rounds, elapsed / (deadline - started))
        if found <= cost or found <= least + _THRESHOLD * left * (least - warm.value):
            current, cost = model, found
        if found < least:
            best, least = model, found
    return best
