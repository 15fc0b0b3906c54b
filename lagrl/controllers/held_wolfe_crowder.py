"""Held, Wolfe and Crowder's step: Polyak's step towards the upper bound, halved when the best value stalls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.controllers.base import Feedback, Rule, gap_to_close

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualPoint


@dataclass
class HeldWolfeCrowder(Rule):
    """λ ← λ + θ·(Z − L)·g/‖g‖² with Z the cheapest assignment's cost (Held, Wolfe and Crowder 1974).

    Parameters
    ----------
    relaxation
        First θ, in (0, 2].
    patience
        Evaluations without a new best before θ is halved.
    """

    relaxation: float = 2.0
    patience: int = 5

    def _begin(self, n_multipliers: int) -> None:
        self._theta = self.relaxation

    def _next(self, point: DualPoint, feedback: Feedback) -> NDArray[np.float64]:
        if self.stalled and self.stalled % self.patience == 0:
            self._theta *= 0.5
        gap = gap_to_close(feedback, self.value, self.scale)
        length = self._theta * gap / float(point.violation @ point.violation)
        return point.multipliers + length * point.violation
