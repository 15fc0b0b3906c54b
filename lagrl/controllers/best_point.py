"""The best multipliers of an ascent so far, also where the values of L are sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.pieces import Pieces, pieces_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualPoint

MEMORY = 20
"""Number of sampled evaluations whose cuts and values are kept."""


class BestPoint:
    """The best evaluation so far, for rules and observations that compare values or return to multipliers.

    Under the exact sampler it is the evaluation with the highest L(λ). A sampled value is an upper bound on L(λ), often
    far above it, so that the highest one belongs to the evaluation with the largest error. Every sampled selection is a
    cut, an upper bound on L everywhere. Under an approximate sampler the value of an evaluation is therefore the lowest
    of its own cut and of those of the last `MEMORY` evaluations, piece by piece (vehicle by vehicle), and later cuts
    lower it further. The best evaluation is the one whose value is highest after that.

    Parameters
    ----------
    initial
        [n] multipliers before the first evaluation, distance units.

    Attributes
    ----------
    value
        L at the best evaluation, or its lowest upper bound, distance units; −∞ before the first evaluation.
    multipliers
        [n] its multipliers, distance units.
    last_value
        The same as `value` of the last evaluation.
    stalled
        Evaluations since one was the best when it was made.
    """

    def __init__(self, initial: NDArray[np.float64]) -> None:
        self.value = self.last_value = -np.inf
        self.multipliers = initial
        self.stalled = 0
        self._sampled: _SampledEvaluations | None = None

    def note(self, point: DualPoint) -> None:
        """Compare one more evaluation with the best one."""
        if point.value is None:
            self._note_sampled(point)
            return
        self.last_value = point.value
        if point.value > self.value:
            self.value, self.multipliers, self.stalled = point.value, point.multipliers, 0
        else:
            self.stalled += 1

    def _note_sampled(self, point: DualPoint) -> None:
        pieces = pieces_of(point)
        if self._sampled is None:
            self._sampled = _SampledEvaluations(pieces)
        sampled = self._sampled
        last = sampled.add(point.multipliers, pieces)
        self.last_value = float(sampled.values[last])
        self.value, self.multipliers = float(sampled.values[sampled.best]), sampled.multipliers[sampled.best].copy()
        self.stalled = 0 if sampled.best == last else self.stalled + 1


class _SampledEvaluations:
    """The last sampled evaluations and the best one: their multipliers [M, n], cuts [M, P, n] and values [M, P].

    An evaluation costs O(M·P·n) for P pieces.
    """

    def __init__(self, pieces: Pieces) -> None:
        n_pieces, n = pieces.slope.shape
        self.multipliers = np.zeros((MEMORY, n))
        self.best = 0
        self._slope = np.zeros((MEMORY, n_pieces, n))
        self._intercept = np.full((MEMORY, n_pieces), np.inf)
        self._piece_values = np.full((MEMORY, n_pieces), -np.inf)
        self._next = 0

    @property
    def values(self) -> NDArray[np.float64]:
        """[M] lowest upper bounds on L, −∞ where there is no evaluation yet."""
        return np.asarray(self._piece_values.sum(axis=1))

    def add(self, multipliers: NDArray[np.float64], pieces: Pieces) -> int:
        """Add an evaluation in the place of the oldest except the best one; return its place."""
        place = self._next
        if place == self.best and np.isfinite(self._piece_values[place]).all():
            place = (place + 1) % MEMORY
        self._next = (place + 1) % MEMORY
        self.multipliers[place] = multipliers
        self._slope[place], self._intercept[place] = pieces.slope, pieces.intercept
        lowered = self.multipliers @ pieces.slope.T + pieces.intercept
        np.minimum(self._piece_values, lowered, out=self._piece_values)
        self._piece_values[place] = (self._intercept + self._slope @ multipliers).min(axis=0)
        self.best = int(self.values.argmax())
        return place
