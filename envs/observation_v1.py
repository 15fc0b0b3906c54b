"""Version 1 of the observations, for checkpoints that were trained with it: fourteen features, clipped to ±10."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.observer import HORIZON, AscentObserver
from lagrl.controllers.base import Feedback, gap_to_close

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.dual import AssignmentDual, DualPoint


class ObserverV1(AscentObserver):
    """Observations of version 1: in units of s, the dual's scale, and clipped.

    The value and the multipliers of the best point are those of the highest sampled value, also under an approximate
    sampler.
    """

    version = 1
    features = (
        "multiplier",  # λ/s
        "from_best",  # (λ − λ at the best value)/s
        "violation",  # g
        "violation_fast",  # g averaged with weight 0.3
        "violation_slow",  # g averaged with weight 0.05
        "cheapest",  # min_k a/s
        "regret",  # (second − first of a)/s; 0 with one vehicle
        "cheapest_reduced",  # min_k (a − λ)/s
        "demand",  # d/Q
        "depot_distance",  # c(0, i)/s
        "budget_left",  # evaluations left / HORIZON, at most 1
        "share_served",  # share of customers with g = 0
        "polyak_step",  # log10 (target − L)/(‖g‖²·s)
        "tightness",  # Σd/(KQ)
    )
    limit = 10.0

    def _prepare(self, dual: AssignmentDual, origin: CVRP) -> NDArray[np.floating[Any]]:
        problem = dual.problem
        self._cost = problem.cost
        self._highest = -np.inf
        self._best = np.zeros(problem.n_customers)
        ranked = np.sort(problem.cost, axis=0)[:2]
        self._rows = rows = np.zeros((len(self.features), problem.n_customers))  # filled faster than columns
        rows[5] = ranked[0] / dual.scale
        rows[6] = (ranked[-1] - ranked[0]) / dual.scale
        rows[8] = problem.weight / max(1, int(problem.capacity.max()))
        rows[9] = origin.distance[0, 1:] / dual.scale
        rows[13] = problem.weight.sum() / max(1, int(problem.capacity.sum()))
        return rows

    def _budget_left(self) -> float:
        return min(1.0, (self.budget - self.evaluations) / HORIZON)

    def _observed(self, point: DualPoint, feedback: Feedback) -> NDArray[np.float32]:
        scale, multipliers, violation = self._scale, point.multipliers, point.violation
        if point.sampled_value > self._highest:
            self._highest, self._best = point.sampled_value, multipliers
        gap = gap_to_close(feedback, point.sampled_value, scale)
        rows = self._rows
        np.divide(multipliers, scale, out=rows[0])
        np.divide(multipliers - self._best, scale, out=rows[1])
        rows[2] = violation
        rows[3:5] = self._averages
        np.divide((self._cost - multipliers).min(axis=0), scale, out=rows[7])
        rows[10] = self._budget_left()
        rows[11] = 1.0 - np.count_nonzero(violation) / len(violation)
        rows[12] = math.log10(gap / (max(1.0, float(violation @ violation)) * scale))
        return np.minimum(np.maximum(rows.T, -self.limit), self.limit).astype(np.float32, order="C")
