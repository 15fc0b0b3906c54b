"""The proximal bundle method, with one cut per vehicle and evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.cutting_plane_model import CutModel
from lagrl.controllers.pieces import pieces_of
from lagrl.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.controllers.base import Feedback
    from lagrl.relaxation.dual import DualFunction, DualPoint

PROVEN = 1e-6  # relative difference of bounds at which a dual counts as solved
_PRECISION = 0.02  # of the quadratic programme, as a share of the rise that it predicts
_GROWTH, _SHRINKAGE = 4.0, 0.7
_SHORTEST, _LONGEST = 1e-5, 1e4  # steps, times the scale
_PROOF_FACTOR = 10.0  # growth of the step when the model promises no rise


@dataclass
class ProximalBundle:
    """Maximise a model of L from its cuts, not too far from the best multipliers (Lemaréchal 1978, Kiwiel 1990).

    The model is disaggregated: Σ_i λ_i + Σ_k min_j (c_kj − λ·y_kj) over the selections y_kj of vehicle k so far, c_kj
    being their costs. The next multipliers maximise the model minus Σ_i (λ_i − λ̂_i)²/(2·t_i) within the dual's bounds.
    The centre λ̂ moves there if L rises by a share of the rise that the model promised (a serious step), and stays if
    not (a null step); either way the cuts found there correct the model. A multiplier's step is t_i = t·√(λ̂_i/s),
    since a high multiplier can be far from its optimum, or t_i = t·w_i where the dual has a `spread` w. t grows
    fourfold when half of the promise is kept, and shrinks when L falls by as much as was promised.

    Under an approximate sampler the cuts are valid too, but a sampled value can be above L. The value at the centre is
    therefore taken from the model, which later cuts lower, and the promised rise is never negative.

    Parameters
    ----------
    first_step
        First t, as a fraction of the dual's scale s; above 0.
    sufficient
        Share of the promised rise that makes a step serious, in (0, 0.5].
    most_cuts
        Cuts kept per vehicle, 2 or more; the lightest are merged into one where there are more.
    patience
        Evaluations after which a cut without weight is dropped, 0 or more.

    Attributes
    ----------
    centre
        [n] λ̂, distance units.
    best
        L there, or its sampled value lowered by the cuts, distance units.
    upper
        Upper bound on L within the bounds, distance units.
    is_finished
        Whether `upper` has reached `best` under the exact sampler: no multipliers are better by a millionth.
    model
        The cuts.

    Raises
    ------
    InputError
        If a parameter is out of its range.
    """

    first_step: float = 0.5
    sufficient: float = 0.01
    most_cuts: int = 50
    patience: int = 20

    def __post_init__(self) -> None:
        if self.most_cuts < 2:
            raise InputError(f"{self.most_cuts} given", field="most_cuts", remedy="give 2 or more")
        if not 0.0 < self.first_step < np.inf:
            raise InputError(f"{self.first_step} given", field="first_step", remedy="give a finite number above 0")
        if not 0.0 < self.sufficient <= 0.5:
            raise InputError(f"{self.sufficient} given", field="sufficient", remedy="give a number in (0, 0.5]")
        if self.patience < 0:
            raise InputError(f"{self.patience} given", field="patience", remedy="give 0 or more")

    def start(
        self, dual: DualFunction, *, budget: int, rng: np.random.Generator, initial: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Start at `initial`, or at zero if None; see `Controller.start`."""
        self.model = CutModel(*dual.bounds, most_cuts=self.most_cuts, patience=self.patience)
        self.centre = np.zeros(dual.n_multipliers) if initial is None else np.array(initial, dtype=np.float64)
        self.best, self.upper = -np.inf, np.inf
        self.is_finished = False
        self._scale = dual.scale
        self._spread: NDArray[np.float64] | None = getattr(dual, "spread", None)
        self._step = self.first_step * dual.scale
        self._promised = 0.0
        self._is_exact = True
        return self.centre.copy()

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Correct the model, then maximise it; see `Controller.update`."""
        self._is_exact &= point.value is not None
        self.model.add(pieces_of(point))
        self._rate(point)
        if not point.violation.any():
            return point.multipliers  # a supergradient of zero: the maximum
        following = self._maximise()
        self.model.purge()
        return self.centre.copy() if self.is_finished else following

    def _rate(self, point: DualPoint) -> None:
        """Decide whether the step was serious, and the length of the next one."""
        value = min(point.sampled_value, self.model.value(point.multipliers))
        rise = value - self.best
        if rise >= self.sufficient * self._promised:
            if self._promised > 0.0 and rise >= 0.5 * self._promised:
                self._step = min(_GROWTH * self._step, _LONGEST * self._scale)
            self.best, self.centre = value, point.multipliers
        else:
            self.best = min(self.best, self.model.value(self.centre))
            if rise < -self._promised:
                self._step = max(_SHRINKAGE * self._step, _SHORTEST * self._scale)

    def _maximise(self) -> NDArray[np.float64]:
        """Return multipliers at which the model promises a rise, with longer steps if this one promises none."""
        tolerance = PROVEN * max(self._scale, abs(self.best))
        spread = self._spread
        if spread is None:
            spread = np.sqrt(np.maximum(np.abs(self.centre) / self._scale, 0.1))
        step = self._step
        while True:
            found = self.model.maximise(
                self.centre, step * spread, self.best, relative=_PRECISION, absolute=0.01 * tolerance
            )
            self.upper = min(self.upper, self.model.upper_bound())
            self._promised = max(found.value - self.best, 0.0)
            self.is_finished = self._is_exact and self.upper - self.best <= tolerance
            if self._promised + found.gap > tolerance:
                self._step = step
                return found.multipliers
            if self.is_finished or step >= _LONGEST * self._scale:
                return found.multipliers
            step *= _PROOF_FACTOR
