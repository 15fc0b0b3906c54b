"""The supergradient step of constant length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.controllers.base import Feedback, Rule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualPoint


@dataclass
class ConstantStep(Rule):
    """λ ← λ + α·s·g with a fixed α (Shor 1962).

    Parameters
    ----------
    step
        α, as a fraction of the dual's scale s.
    """

    step: float = 0.1

    def _next(self, point: DualPoint, feedback: Feedback) -> NDArray[np.float64]:
        return point.multipliers + self.step * self.scale * point.violation
