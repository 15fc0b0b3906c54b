"""The best multipliers of an ascent so far: those of the highest value, which is smoothed where values are sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualPoint

SMOOTHING = 0.3
"""Weight of a new evaluation in the averages under an approximate sampler."""


class BestPoint:
    """The best point so far, for rules and observations that compare values or return to multipliers.

    Under the exact sampler it is the evaluation with the highest L(λ). A sampled value is an upper bound on L(λ) with
    a random error, so that the highest one is the luckiest rather than the best. Under an approximate sampler values
    and multipliers are therefore averaged with the same exponential weights, v̄ ← v̄ + α·(v − v̄) and
    λ̄ ← λ̄ + α·(λ − λ̄), and the best point is the pair (λ̄, v̄) with the highest v̄.

    Parameters
    ----------
    initial
        [n] multipliers before the first evaluation, distance units.

    Attributes
    ----------
    value
        L, or the averaged sampled value, at the best point, distance units; −∞ before the first evaluation.
    multipliers
        [n] the best point, distance units.
    stalled
        Evaluations since the best point last changed.
    """

    def __init__(self, initial: NDArray[np.float64]) -> None:
        self.value = -np.inf
        self.multipliers = initial
        self.stalled = 0
        self._average: tuple[float, NDArray[np.float64]] | None = None

    def note(self, point: DualPoint) -> None:
        """Compare one more evaluation with the best point."""
        value, multipliers = point.sampled_value, point.multipliers
        if point.value is None:
            value, multipliers = self._averaged(value, multipliers)
        if value > self.value:
            self.value, self.multipliers, self.stalled = value, multipliers, 0
        else:
            self.stalled += 1

    def _averaged(self, value: float, multipliers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        if self._average is not None:
            before, point = self._average
            value = before + SMOOTHING * (value - before)
            multipliers = point + SMOOTHING * (multipliers - point)
        self._average = value, multipliers
        return self._average
