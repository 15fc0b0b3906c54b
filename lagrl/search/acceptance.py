"""Acceptance of new routes by simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983) in cycles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_HEAT = 0.1  # mean arcs per step and customer: a short search must be a cold one
_HOTTEST = 1.0  # mean arcs
_COOLING = 0.01  # temperature at the end of a cycle, as a share of that at its start
_STEPS_PER_CUSTOMER = 40  # of a full cycle; a longer search has several
_FIRST_ESTIMATE = 20  # steps before their total is estimated


class Annealing:
    """Accepts more expensive routes with a probability that falls with the budget.

    The temperature is in mean arcs of the best routes. The fewer steps the budget allows, the lower it starts; it falls
    geometrically, and rises again where the budget is long enough for another cycle.
    """

    def __init__(self, n_customers: int, rng: np.random.Generator) -> None:
        self.n_customers = n_customers
        self._rng = rng
        self._steps = 0
        self._begin = 0.0
        self._end = 1.0
        self._heat = 0.0
        self.cycle = 0

    def update(self, progress: float) -> bool:
        """Count a step that ended at this share of the budget; return whether a new cycle starts with the next step."""
        self._steps += 1
        if self._steps == _FIRST_ESTIMATE:
            self._plan(progress, 0.0)
        elif self._steps > _FIRST_ESTIMATE and progress >= self._end and progress < 1.0:
            self.cycle += 1
            self._plan(progress, progress)
            return True
        return False

    def _plan(self, progress: float, begin: float) -> None:
        expected = self._steps / max(progress, 1e-9)  # of the whole search
        left = expected * (1.0 - begin)
        n_cycles = max(1, round(left / (_STEPS_PER_CUSTOMER * self.n_customers)))
        self._begin, self._end = begin, begin + (1.0 - begin) / n_cycles
        if n_cycles == 1:
            self._end = 1.0
        self._heat = min(_HOTTEST, _HEAT * left / n_cycles / self.n_customers)

    def temperature(self, progress: float) -> float:
        """Return the temperature in mean arcs."""
        position = (progress - self._begin) / (self._end - self._begin)
        return self._heat * math.pow(_COOLING, min(max(position, 0.0), 1.0))

    def accepts(self, increase: float, mean_arc: float, progress: float) -> bool:
        """Return whether to continue from routes that cost `increase` more (less, if negative) than the current ones.

        `increase, mean_arc`: distance units. `progress`: spent share of the budget.
        """
        chance = self._rng.random()  # drawn every time, so that the same seed gives the same draws
        allowed = -math.log(max(chance, 1e-300)) * self.temperature(progress) * mean_arc
        return increase < allowed
