"""Barahona and Anbil's volume algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.controllers.base import Feedback, Rule, gap_to_close

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualPoint


@dataclass
class Volume(Rule):
    """Step from the best multipliers along an average of the supergradients (Barahona and Anbil 2000).

    v ← α·g + (1 − α)·v with α ≤ ceiling minimising ‖v‖ (ceiling/10 where that is below 0);
    λ ← λ_best + f·(Z − L_best)·v/‖v‖². The average is the violation of a primal solution that the selections converge
    to. f grows on a good ("green") step and shrinks after a run of failed ("red") ones.

    Parameters
    ----------
    step
        First f.
    ceiling
        Largest weight of a new supergradient.
    patience
        Failed steps before f shrinks by a third.
    """

    step: float = 0.1
    ceiling: float = 0.5
    patience: int = 4

    def _begin(self, n_multipliers: int) -> None:
        self._factor = self.step
        self._average: NDArray[np.float64] | None = None
        self._reds = 0

    def _next(self, point: DualPoint, feedback: Feedback) -> NDArray[np.float64]:
        violation = point.violation
        if self._average is None:
            self._average = violation
        else:
            self._rate_step(float(violation @ self._average))
            self._average = self._mix(self._average, violation)
        if not self._average.any():
            self._average = violation
        gap = gap_to_close(feedback, self.best, self.scale)
        length = self._factor * gap / float(self._average @ self._average)
        return self.best_multipliers + length * self._average

    def _rate_step(self, alignment: float) -> None:
        if self.stalled:
            self._reds += 1
            if self._reds % self.patience == 0:
                self._factor *= 0.66
            return
        self._reds = 0
        if alignment >= 0:
            self._factor = min(1.1 * self._factor, 2.0)

    def _mix(self, average: NDArray[np.float64], violation: NDArray[np.float64]) -> NDArray[np.float64]:
        change = violation - average
        squared = float(change @ change)
        best = -float(average @ change) / squared if squared > 0 else self.ceiling
        alpha = min(best, self.ceiling) if best > 0 else 0.1 * self.ceiling
        return average + alpha * change
