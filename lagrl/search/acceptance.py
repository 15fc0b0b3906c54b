"""Which routes to go on from: simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983) in cycles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_HEAT = 0.1  # of a mean arc, per turn and customer: a short search must be a cold one
_HOTTEST = 1.0  # mean arcs
_COOLING = 0.01  # temperature at the end of a cycle, of that at its beginning
_TURNS_PER_CUSTOMER = 40  # of a full cycle; a longer search has several
_FIRST_LOOK = 20  # turns, before which their number cannot be foretold


class Annealing:
    """Accepts dearer routes with a probability that falls with the budget.

    The temperature is in mean arcs of the best routes. It begins the lower the fewer turns the budget will take, falls
    geometrically, and rises again where the budget is long enough for another cycle.

    Parameters
    ----------
    n_customers
        Customers of the instance.
    rng
        Randomness.
    """

    def __init__(self, n_customers: int, rng: np.random.Generator) -> None:
        self.n_customers = n_customers
        self._rng = rng
        self._turns = 0
        self._begin = 0.0
        self._end = 1.0
        self._heat = 0.0
        self.cycle = 0

    def update(self, progress: float) -> bool:
        """Count a turn made at this share of the budget; tell whether a new cycle begins with the next."""
        self._turns += 1
        if self._turns == _FIRST_LOOK:
            self._plan(progress, 0.0)
        elif self._turns > _FIRST_LOOK and progress >= self._end and progress < 1.0:
            self.cycle += 1
            self._plan(progress, progress)
            return True
        return False

    def _plan(self, progress: float, begin: float) -> None:
        expected = self._turns / max(progress, 1e-9)  # of the whole search
        left = expected * (1.0 - begin)
        n_cycles = max(1, round(left / (_TURNS_PER_CUSTOMER * self.n_customers)))
        self._begin, self._end = begin, begin + (1.0 - begin) / n_cycles
        if n_cycles == 1:
            self._end = 1.0
        self._heat = min(_HOTTEST, _HEAT * left / n_cycles / self.n_customers)

    def temperature(self, progress: float) -> float:
        """Return the temperature in mean arcs."""
        position = (progress - self._begin) / (self._end - self._begin)
        return self._heat * math.pow(_COOLING, min(max(position, 0.0), 1.0))

    def accepts(self, increase: float, mean_arc: float, progress: float) -> bool:
        """Whether to go on from routes that cost `increase` more (less, if negative) than the current ones.

        `increase, mean_arc`: distance units. `progress`: share of the budget that is spent.
        """
        chance = self._rng.random()  # drawn every time, so that the same seed gives the same draws
        allowed = -math.log(max(chance, 1e-300)) * self.temperature(progress) * mean_arc
        return increase < allowed
