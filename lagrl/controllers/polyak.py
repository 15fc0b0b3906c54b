"""Polyak's step length towards an estimated optimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.controllers.base import Feedback, Rule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualPoint


@dataclass
class Polyak(Rule):
    """λ ← λ + (L̂ − L)·g/‖g‖² (Polyak 1969) with the target L̂ = L_best + δ.

    δ grows when a step reached the target and shrinks when the best value stalls (the dynamic rule of Bertsekas 1999,
    §6.3.1); the target is never above the cheapest assignment's cost.

    Parameters
    ----------
    initial_gap
        First δ, as a fraction of |L|; at least the dual's scale s.
    patience
        Evaluations without a new best before δ is halved.
    """

    initial_gap: float = 0.05
    patience: int = 4

    def _begin(self, n_multipliers: int) -> None:
        self._ahead: float | None = None
        self._target = float("inf")

    def _next(self, point: DualPoint, feedback: Feedback) -> NDArray[np.float64]:
        if self._ahead is None:
            self._ahead = max(self.initial_gap * abs(self.value), self.scale)
        elif self.value >= self._target:
            self._ahead *= 1.5
        elif self.stalled and self.stalled % self.patience == 0:
            self._ahead = max(0.5 * self._ahead, 1e-3 * self.scale)
        self._target = self.best + self._ahead
        if feedback.assignment_upper_bound is not None:
            self._target = min(self._target, max(feedback.assignment_upper_bound, self.best + 1e-3 * self.scale))
        length = (self._target - self.value) / float(point.violation @ point.violation)
        return point.multipliers + length * point.violation
