"""Random perturbations of the start, a baseline for every learned controller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.controllers.base import Feedback, Rule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualPoint


@dataclass
class Perturbed(Rule):
    """λ_t = λ_0 + σ·s·ξ_t, ξ_t standard normal, without an ascent.

    Decoding many different multiplier vectors finds better routes than decoding one good vector, so a controller's
    routes show its value only if they are better than those of as many perturbations.

    Parameters
    ----------
    noise
        σ, as a fraction of the dual's scale s.
    """

    noise: float = 0.4

    def _begin(self, n_multipliers: int) -> None:
        self._origin = self.best_multipliers.copy()

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Draw the next perturbation, whatever the last value was; see `Controller.update`."""
        self._best.note(point)
        return self._next(point, feedback or Feedback())

    def _next(self, point: DualPoint, feedback: Feedback) -> NDArray[np.float64]:
        return self._origin + self.noise * self.scale * self.rng.standard_normal(len(point.multipliers))
