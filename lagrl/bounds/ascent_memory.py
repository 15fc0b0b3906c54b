"""The state of an ascent of a route dual as a network sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.bounds.route_features import RouteFeatures
    from lagrl.relaxation.dual import DualPoint

STATE_FEATURES = (
    "multiplier",
    "violation",
    "violation_fast_mean",
    "violation_slow_mean",
    "violation_at_best",
    "way_to_best",
    "last_step",
    "is_best",
    "spent",
    "left",
    "budget",
    "loss_to_best",
    "last_gain",
    "violation_mean",
    "violation_rms",
    "fleet_multiplier",
    "fleet_violation",
    "slope",
)
"""Names of the features of a customer; those from `is_best` on are the same for all customers."""

_FAST, _SLOW = 0.5, 0.8  # shares of the past in the two means of the violation


class AscentMemory:
    """What the evaluations of an ascent have shown so far.

    Parameters
    ----------
    features
        The instance's features.
    budget
        Evaluations that the ascent may take.
    n_routes
        Fewest routes of a solution, 1 or more.

    Attributes
    ----------
    multipliers, best
        [n + 1] last and best multipliers, distance units, the fleet's last.
    best_value
        Their dual value; −∞ before the first evaluation.
    direction
        [n + 1] mean of the violations, recent ones more.
    spent
        Evaluations so far.
    """

    def __init__(self, features: RouteFeatures, budget: int, n_routes: int) -> None:
        size = len(features.unit) + 1
        self.features = features
        self.budget = budget
        self.n_routes = max(n_routes, 1)
        self.multipliers = self.best = np.zeros(size)
        self.best_value = -np.inf
        self.direction = np.zeros(size)
        self.spent = 0
        self._value = 0.0
        self._gain = 0.0
        self._violation = self._slow = self._of_best = self._step = np.zeros(size)

    def record(self, point: DualPoint) -> None:
        """Add an evaluation."""
        value, violation = point.sampled_value, point.violation
        fast, slow = (_FAST, _SLOW) if self.spent else (0.0, 0.0)
        self._step = point.multipliers - self.multipliers if self.spent else np.zeros(len(violation))
        self.direction = fast * self.direction + (1.0 - fast) * violation
        self._slow = slow * self._slow + (1.0 - slow) * violation
        self.multipliers, self._violation, self._value = point.multipliers, violation, value
        if value > self.best_value:
            before = self.best_value
            self._gain = (value - before) / max(abs(value), 1e-300) if self.spent else 0.0
            self.best_value, self.best, self._of_best = value, point.multipliers, violation
        self.spent += 1

    def observe(self) -> NDArray[np.float32]:
        """Return the features [n, `STATE_FEATURES`] of all customers."""
        unit, scale = self.features.unit, self.features.scale
        size = max(abs(self.best_value), 1e-300)
        violation = self._violation[:-1]
        slope = float((np.abs(violation) * unit).sum()) / size
        left = self.budget - self.spent
        own = [
            np.arcsinh(self.multipliers[:-1] / unit),
            np.arcsinh(violation),
            np.arcsinh(self.direction[:-1]),
            np.arcsinh(self._slow[:-1]),
            np.arcsinh(self._of_best[:-1]),
            np.arcsinh(3.0 * (self.best - self.multipliers)[:-1] / unit),
            np.arcsinh(5.0 * self._step[:-1] / unit),
        ]
        of_all = [
            float(self._value >= self.best_value),
            self.spent / max(self.budget, 1),
            np.log1p(left) / 3.0,
            np.log1p(self.budget) / 3.0,
            np.arcsinh(10.0 * (self.best_value - self._value) / size),
            np.arcsinh(20.0 * self._gain),
            np.arcsinh(float(violation.mean())),
            np.log1p(float(np.sqrt(np.mean(violation**2)))),
            np.arcsinh(self.multipliers[-1] / scale),
            np.arcsinh(4.0 * self._violation[-1] / self.n_routes),
            np.log1p(slope),
        ]
        columns = [*own, *(np.full(len(unit), value) for value in of_all)]
        return np.column_stack(columns).astype(np.float32)
