"""The state of an ascent of an assignment dual as a network sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.assignment_features import capacity_prices, few_least
from lagrl.controllers.best_point import BestPoint
from lagrl.controllers.bundle import ProximalBundle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.controllers.assignment_features import AssignmentFeatures
    from lagrl.relaxation.dual import AssignmentDual, DualPoint

STATE_FEATURES = (
    "multiplier",
    "way_from_start",
    "violation",
    "violation_fast_mean",
    "violation_slow_mean",
    "way_to_best",
    "last_step",
    "way_to_proposal",
    "way_from_best_to_proposal",
    "reduced_cost_1",
    "reduced_cost_2",
    "is_best",
    "spent",
    "left",
    "budget",
    "evaluations",
    "loss_to_best",
    "last_gain",
    "violation_mean",
    "violation_rms",
    "slope",
    "promise",
    "proposal_length",
)
"""Names of the features of a customer; those from `is_best` on are the same for all customers."""

_FAST, _SLOW = 0.5, 0.8  # shares of the past in the two means of the violation


class AssignmentMemory:
    """What the evaluations of an ascent have shown so far, and the multipliers that the bundle method proposes next.

    Values are those of `BestPoint`: under an approximate sampler they are the lowest upper bounds on L.

    Parameters
    ----------
    features
        The problem's features.
    dual
        The dual function.
    budget
        Evaluations that the ascent may take.

    Attributes
    ----------
    rule
        The bundle method with the cuts of all evaluations.
    multipliers, proposal
        [n] last multipliers, and the next ones of the bundle method, distance units.
    direction
        [n] mean of the violations, recent ones more.
    spent
        Evaluations so far.
    """

    def __init__(self, features: AssignmentFeatures, dual: AssignmentDual, budget: int) -> None:
        n = len(features.unit)
        self.features = features
        self.dual = dual
        self.budget = budget
        self.rule = ProximalBundle()
        self.rule.start(dual, budget=budget, rng=np.random.default_rng(0), initial=features.first)
        self.multipliers = self.proposal = features.first
        self.direction = np.zeros(n)
        self.spent = 0
        self._best = BestPoint(features.first)
        self._gain = 0.0
        self._violation = self._slow = self._step = np.zeros(n)

    @property
    def best(self) -> NDArray[np.float64]:
        """Best multipliers [n] so far, distance units."""
        return self._best.multipliers

    @property
    def best_value(self) -> float:
        """Their dual value, distance units; −∞ before the first evaluation."""
        return self._best.value

    def record(self, point: DualPoint) -> None:
        """Add an evaluation."""
        violation, before = point.violation, self.best_value
        fast, slow = (_FAST, _SLOW) if self.spent else (0.0, 0.0)
        self._step = point.multipliers - self.multipliers if self.spent else np.zeros(len(violation))
        self.direction = fast * self.direction + (1.0 - fast) * violation
        self._slow = slow * self._slow + (1.0 - slow) * violation
        self.multipliers, self._violation = point.multipliers, violation
        self._best.note(point)
        if self.spent and self.best_value > before:
            self._gain = (self.best_value - before) / max(abs(self.best_value), 1e-300)
        self.spent += 1
        self.proposal = self.dual.clip(self.rule.update(point))

    def observe(self) -> NDArray[np.float32]:
        """Return the features [n, `STATE_FEATURES`] of all customers."""
        unit, problem = self.features.unit, self.dual.problem
        size = max(abs(self.best_value), 1e-300)
        price = capacity_prices(problem, self.multipliers)
        reduced = few_least(problem.cost + price[:, None] * problem.weight - self.multipliers)
        ahead = (self.proposal - self.best) / unit
        own = [
            np.arcsinh(self.multipliers / unit),
            np.arcsinh(3.0 * (self.multipliers - self.features.first) / unit),
            np.arcsinh(self._violation),
            np.arcsinh(self.direction),
            np.arcsinh(self._slow),
            np.arcsinh(5.0 * (self.best - self.multipliers) / unit),
            np.arcsinh(5.0 * self._step / unit),
            np.arcsinh(5.0 * (self.proposal - self.multipliers) / unit),
            np.arcsinh(5.0 * ahead),
            *np.arcsinh(5.0 * reduced[:2] / unit),
        ]
        promise = max(self.rule.model.value(self.proposal) - self.best_value, 0.0)
        of_all = [
            float(self._best.stalled == 0),
            self.spent / max(self.budget, 1),
            np.log1p(max(self.budget - self.spent, 0)) / 3.0,
            np.log1p(self.budget) / 3.0,
            np.log1p(self.spent) / 3.0,
            np.arcsinh(20.0 * (self.best_value - self._best.last_value) / size),
            np.arcsinh(20.0 * self._gain),
            np.arcsinh(float(self._violation.mean())),
            np.log1p(float(np.sqrt(np.mean(self._violation**2)))),
            np.log1p(float((np.abs(self._violation) * unit).sum()) / size),
            np.arcsinh(20.0 * promise / size),
            np.arcsinh(5.0 * float(np.sqrt(np.mean(ahead**2)))),
        ]
        columns = [*own, *(np.full(len(unit), value) for value in of_all)]
        return np.column_stack(columns).astype(np.float32)
