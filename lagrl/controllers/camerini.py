"""Camerini, Fratta and Maffioli's deflected supergradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.base import Feedback, Rule, gap_to_close

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualPoint


@dataclass
class CameriniFrattaMaffioli(Rule):
    """λ ← λ + θ·(Z − L)·v/‖v‖², v = g + β·v_prev, β = max(0, −γ·v_prev·g/‖v_prev‖²) (1975).

    The deflection is active only where the new supergradient points against the old direction, and reduces the zigzag.

    Parameters
    ----------
    relaxation
        First θ, in (0, 1].
    deflection
        γ, in [0, 2]; the authors recommend 1.5.
    patience
        Evaluations without a new best before θ is halved.
    """

    relaxation: float = 1.0
    deflection: float = 1.5
    patience: int = 10

    def _begin(self, n_multipliers: int) -> None:
        self._theta = self.relaxation
        self._direction = np.zeros(n_multipliers)

    def _next(self, point: DualPoint, feedback: Feedback) -> NDArray[np.float64]:
        if self.stalled and self.stalled % self.patience == 0:
            self._theta *= 0.5
        squared = float(self._direction @ self._direction)
        agreement = float(self._direction @ point.violation)
        beta = max(0.0, -self.deflection * agreement / squared) if squared > 0 else 0.0
        direction = point.violation + beta * self._direction
        if not direction.any():
            direction = point.violation
        self._direction = direction
        gap = gap_to_close(feedback, self.value, self.scale)
        return point.multipliers + self._theta * gap / float(direction @ direction) * direction
