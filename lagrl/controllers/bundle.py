"""The proximal bundle method with one cut per vehicle and evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.cut_model import CutModel, Maximum
from lagrl.controllers.pieces import pieces_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.controllers.base import Feedback
    from lagrl.relaxation.dual import DualFunction, DualPoint

_PROOF = 1e-6
_DESPERATE = 12


@dataclass
class ProximalBundle:
    first_step: float = 0.3
    sufficient: float = 0.1
    most_cuts: int = 50
    patience: int = 20
    precision: float = 0.02
    most_rounds: int = 100
    grow: float = 2.0
    shrink: float = 0.5

    def start(
        self,
        dual: DualFunction,
        *,
        budget: int,
        rng: np.random.Generator,
        initial: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Begin at `initial`, or at zero without one; see `Controller.start`."""
        self.model = CutModel(*dual.bounds, most_cuts=self.most_cuts, patience=self.patience)
        self.scale = dual.scale
        self.step = self.first_step * dual.scale
        self.centre = np.zeros(dual.n_multipliers) if initial is None else np.array(initial, dtype=np.float64)
        self.most_step = 1e3*float(np.max(self.model.high-self.model.low))
        self.best = -np.inf
        self.upper = np.inf
        self.is_finished = False
        self._predicted = np.inf
        self._nulls = 0
        self.sweeps = 0
        return self.centre.copy()

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        del feedback
        self.model.add(pieces_of(point))
        value = min(point.sampled_value, self.model.value(point.multipliers))
        if not point.violation.any():
            return point.multipliers
        if self.best == -np.inf:
            self.best, self.centre = value, point.multipliers
        else:
            self._rate(point, value)
        self.best = min(self.best, self.model.value(self.centre))
        found = self._maximise()
        self.model.purge()
        return found.multipliers

    def _rate(self, point: DualPoint, value: float) -> None:
        rise = value - self.best
        if rise >= self.sufficient * self._predicted:
            if rise >= 0.5 * self._predicted:
                self.step = min(self.step * self.grow, self.most_step)
            self.best, self.centre = value, point.multipliers
            self._nulls = 0
        else:
            self._nulls += 1
            if rise < -self._predicted:
                self.step *= self.shrink
        #print(f"  L {value:.3f} rise {rise:.3f} of {self._predicted:.3f}; step {self.step:.2f} upper {self.upper:.3f} cuts {len(self.model)} sweeps {self.model.rounds}")

    def _maximise(self) -> Maximum:
        tolerance = _PROOF * max(1.0, abs(self.best))
        for _ in range(_DESPERATE):
            found = self.model.maximise(
                self.centre, self.step, self.best,
                relative=self.precision, absolute=0.01 * tolerance, most_rounds=self.most_rounds,
            )
            self.sweeps += self.model.rounds
            self.upper = min(self.upper, self.model.upper_bound())
            self._predicted = found.value - self.best
            if self.upper - self.best <= tolerance:
                self.is_finished = True
                break
            if self._predicted + found.gap > tolerance:
                break
            self.step *= 10
        return found
