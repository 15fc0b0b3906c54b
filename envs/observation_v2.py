"""Version 2 of the observations: twenty features without unit or size, compressed instead of clipped.

Lengths that a step of the multipliers is compared with are in units of s, the dual's scale, as are the steps of the
actions (`envs.action`). On clustered instances s is far smaller than the way to the depot, so depot distances are in
units of ℓ, their mean, and `scale_ratio` relates the two. Values without an upper limit are compressed by
f(x) = sign(x)·log(1 + |x|) (the "symlog" of Hafner, Pasukonis, Ba and Lillicrap, 2023), which is about linear near 0
and keeps values apart that are a million times the scale. No feature reaches ±20 unless x is above 10⁸; they are
clipped there for safety.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.observer import HORIZON, AscentObserver
from lagrl.controllers.base import Feedback, gap_to_close
from lagrl.controllers.best_point import BestPoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.dual import AssignmentDual, DualPoint

_COMPRESSED = 6  # the first features, compressed after every evaluation
_FULL = math.log1p(HORIZON)


class Observer(AscentObserver):
    """Observations of version 2; see the module and `AscentObserver`."""

    version = 2
    features = (
        "multiplier",  # f(λ/s)
        "from_best",  # f((λ − λ at the best point)/s)
        "cheapest_reduced",  # f(min_k (a − λ)/s)
        "violation",  # f(g)
        "violation_fast",  # f(g averaged with weight 0.3)
        "violation_slow",  # f(g averaged with weight 0.05)
        "budget_left",  # log(1 + evaluations left) / log(1 + HORIZON)
        "stalled",  # log(1 + evaluations since the best point changed) / log(1 + HORIZON)
        "share_served",  # share of customers with g = 0
        "polyak_step",  # h((target − L)/(‖g‖²·s)), h(x) = sign(x)·log10(1 + 1000·|x|) − 3: log10 of a step of x·s
        "cheapest",  # f(min_k a/s)
        "regret",  # f((second − first of a)/s); 0 with one vehicle
        "nearest",  # f(distance to the nearest customer/s)
        "radial_cost",  # f(2·c(0, i)·d/(Q·s)), the customer's part of a lower bound on the routes' length
        "depot_distance",  # f(c(0, i)/ℓ)
        "demand",  # d/Q
        "relative_demand",  # f(d/mean d)
        "tightness",  # Σd/(KQ)
        "customers_per_vehicle",  # f(n/K)
        "scale_ratio",  # f(ℓ/s)
    )
    limit = 20.0

    def _prepare(self, dual: AssignmentDual, origin: CVRP) -> NDArray[np.floating[Any]]:
        problem, scale = dual.problem, dual.scale
        n, capacity = problem.n_customers, max(1, int(problem.capacity.max()))
        from_depot = origin.distance[0, 1:]
        length = float(from_depot.mean()) or 1.0
        nearest = origin.distance[np.arange(1, n + 1), self.neighbours[:, 0] + 1]
        ranked = np.sort(problem.cost, axis=0)[:2]
        self._best = BestPoint(np.zeros(n))
        self._cheapest = ranked[0]
        self._rows = rows = np.zeros((len(self.features), n), np.float32)  # filled faster than columns
        self._sizes = np.empty((_COMPRESSED, n), np.float32)
        self._lengths = np.empty((3, n))
        rows[10] = ranked[0] / scale
        rows[11] = (ranked[-1] - ranked[0]) / scale
        rows[12] = nearest / scale
        rows[13] = 2.0 * from_depot * problem.weight / (capacity * scale)
        rows[14] = from_depot / length
        rows[15] = problem.weight / capacity
        rows[16] = problem.weight / (float(problem.weight.mean()) or 1.0)
        rows[17] = problem.weight.sum() / max(1, int(problem.capacity.sum()))
        rows[18] = n / problem.n_vehicles
        rows[19] = length / scale
        for logarithmic in (10, 11, 12, 13, 14, 16, 18, 19):  # none is negative
            rows[logarithmic] = np.minimum(np.log1p(rows[logarithmic]), self.limit)
        return rows

    def _budget_left(self) -> float:
        return math.log1p(max(0, self.budget - self.evaluations)) / _FULL

    def _observed(self, point: DualPoint, feedback: Feedback) -> NDArray[np.float32]:
        scale, multipliers, violation = self._scale, point.multipliers, point.violation
        best, rows, lengths = self._best, self._rows, self._lengths
        best.note(point)
        lengths[0] = multipliers
        np.subtract(multipliers, best.multipliers, out=lengths[1])
        np.subtract(self._cheapest, multipliers, out=lengths[2])
        lengths /= scale
        rows[:3] = lengths
        rows[3] = violation
        rows[4:6] = self._averages
        self._compress(rows[:_COMPRESSED])
        target = feedback.assignment_upper_bound  # below a sampled value where few shots were drawn
        gap = gap_to_close(feedback, best.last_value, scale) if target is None else target - best.last_value
        step = gap / (max(1.0, float(violation @ violation)) * scale)
        step = math.copysign(math.log10(1.0 + 1000.0 * abs(step)), step) - 3.0
        rows[6] = self._budget_left()
        rows[7] = math.log1p(best.stalled) / _FULL
        rows[8] = 1.0 - np.count_nonzero(violation) / len(violation)
        rows[9] = min(max(step, -self.limit), self.limit)
        return rows.T.copy()

    def _compress(self, values: NDArray[np.float32]) -> None:
        """Replace x by sign(x)·log(1 + |x|); the logarithm of single precision is much faster than log1p or asinh."""
        sizes = self._sizes
        np.abs(values, out=sizes)
        sizes += 1.0
        np.log(sizes, out=sizes)
        np.minimum(sizes, self.limit, out=sizes)
        np.copysign(sizes, values, out=values)
