"""The ADAM optimiser on the dual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.base import Feedback, Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualPoint


@dataclass
class Adam(Rule):
    """λ ← λ + α·s/√t · m̂/(√v̂ + ε) with moment averages m̂ of g and v̂ of g² (Kingma and Ba 2015).

    Parameters
    ----------
    step
        α, as a fraction of the dual's scale s.
    first, second
        Decay rates of the two averages.
    """

    step: float = 0.4
    first: float = 0.8
    second: float = 0.99

    def _begin(self, n_multipliers: int) -> None:
        self._mean = np.zeros(n_multipliers)
        self._square = np.zeros(n_multipliers)
        self._t = 0

    def _next(self, point: DualPoint, feedback: Feedback) -> NDArray[np.float64]:
        self._t += 1
        self._mean = self.first * self._mean + (1 - self.first) * point.violation
        self._square = self.second * self._square + (1 - self.second) * point.violation**2
        mean = self._mean / (1 - self.first**self._t)
        root = np.sqrt(self._square / (1 - self.second**self._t))
        length = self.step * self.scale / np.sqrt(self._t)
        return np.asarray(point.multipliers + length * mean / (root + 1e-8))
