"""Shifts and swaps that improve an assignment within its capacities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem


def improve(
    problem: AssignmentProblem, assignment: NDArray[np.int64], changed: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Return a feasible assignment [n] after shifts and swaps (Martello and Toth 1990, §7.4).

    Parameters
    ----------
    problem
        The assignment problem.
    assignment
        [n] a feasible assignment.
    changed
        Customers whose moves are tried first; others are examined as they move. All if None: then no shift of a
        customer and no swap of two makes the result cheaper.
    """
    from lagrl.cascade.exchange_kernels import exchange

    model, room = assignment.copy(), problem.capacity.copy()
    np.subtract.at(room, model, problem.weight)
    waiting = np.zeros(len(model), np.uint8)
    tolerance = 1e-9 * problem.cost_scale
    while True:
        before = model.copy()
        waiting[slice(None) if changed is None else changed] = 1
        exchange(problem.cost, problem.weight, room, model, waiting, tolerance)
        if changed is not None or (model == before).all():
            return model
