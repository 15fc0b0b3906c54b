"""Capacitated cascade routing as the assignment problem of this library: models are vehicles, tasks customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.problems.assignment import AssignmentProblem
from lagrl.problems.cascade.admissible import admissible_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cascade.cascade import Cascade

UNIT = 1e6  # costs of the assignment problem are in millionths of a dollar, so that they are not below 1


def assignment_problem(cascade: Cascade, quality_price: float = 0.0) -> AssignmentProblem:
    """Return min Σ a_ji X_ji with one model per task and Σ_i t_i X_ji ≤ Q_j.

    a_ji = c_ji + π (1 − q_ji) in millionths of a dollar, with π the price of the mean-quality floor. A pair that is
    not admissible costs four times the largest admissible cost, more than twice the multipliers' usual bound
    (`cost_ceiling`): a knapsack never selects it, and the optimum stays a lower bound.

    Parameters
    ----------
    cascade
        An instance of variant `capacitated`.
    quality_price
        π, dollars per point of score, 0 or more.

    Raises
    ------
    InputError
        If it is of another variant.
    """
    if cascade.variant != "capacitated":
        remedy = "only capacitated instances are assignment problems"
        raise InputError(f"{cascade.variant} given", field="variant", remedy=remedy)
    pairs = admissible_pairs(cascade)
    cost = UNIT * (cascade.dollars + quality_price * (1.0 - cascade.quality))
    cost = np.where(pairs, cost, 2.0 * cost_ceiling(cost, pairs))
    return AssignmentProblem(cost, cascade.tokens, cascade.capacity)


def cost_ceiling(cost: NDArray[np.float64], pairs: NDArray[np.bool_]) -> float:
    """Return the multipliers' upper bound, twice the largest cost of an admissible pair, in the costs' unit."""
    return 2.0 * max(float(cost[pairs].max(initial=0.0)), 1.0)
