"""Set partitioning over a search's pool: when it is due, and its limits."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from lagrl.recovery.partition_master import PartitionMaster
from lagrl.recovery.set_partitioning import PartitionLimits, partition

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.recovery.incumbent import Incumbent
    from lagrl.search.budget import Budget

_SHARE = 0.1  # of the seconds, at most, before the last call
_SLICE = 0.1  # of the seconds, for one integer programme
_NODES, _ROUNDS = 100, 1_000_000  # of an integer programme with a clock
_GROWTH = 1.2  # of the pool before the next call, with a clock
_GROWTH_COUNTED = 2.0  # the same without a clock, where nothing else limits the time
_LAST = 0.92  # progress at which the last integer programme is due


class Recombination:
    """Set partitioning over one incumbent's pool, within a share of the budget.

    Attributes
    ----------
    seconds
        Wall-clock seconds so far.
    customer_price
        [n] duals of the master's customers, distance units; None before it was solved.
    """

    def __init__(self, incumbent: Incumbent, budget: Budget) -> None:
        self.incumbent = incumbent
        self.budget = budget
        self.seconds = 0.0
        self.customer_price: NDArray[np.float64] | None = None
        self._master: PartitionMaster | None = None
        self._seen = 0
        self._latest = 0.0
        self._was_last = False

    @property
    def is_due(self) -> bool:
        """Whether the pool has grown enough for another call, and the clock allows it."""
        if not self.incumbent.columns:
            return False
        size, progress = len(self.incumbent.pool), self.budget.progress
        if self.budget.seconds is None:
            return size > _GROWTH_COUNTED * self._seen
        if progress >= _LAST:
            return not self._was_last
        return self.seconds + self._latest <= _SHARE * self.budget.elapsed and size > _GROWTH * self._seen

    def recombine(self, most: float = math.inf) -> bool:
        """Choose the pool's best combination of routes; return whether it is better than all before.

        Without a clock the integer programme is solved at the end only, as nothing else would limit its time; until
        then the relaxation gives the prices. `most`: seconds.
        """
        if self.budget.seconds is not None and self.budget.progress >= _LAST:
            self._was_last = True
        limits = self._limits(self._was_last)
        return self.choose(replace(limits, seconds=min(limits.seconds, most)))

    def finish(self) -> bool:
        """Recombine a last time if the pool has grown since; return whether that is better than all before."""
        if not self.incumbent.columns or self._seen >= len(self.incumbent.pool) or self.budget.seconds_left <= 0:
            return False
        return self.choose(self._limits(is_last=True))

    def _limits(self, is_last: bool) -> PartitionLimits:
        seconds = self.budget.seconds
        if seconds is None:
            return PartitionLimits.without_clock(self.budget.spent) if is_last else PartitionLimits(columns=0)
        left = self.budget.seconds_left
        if not is_last:
            left = min(left, _SLICE * seconds, 2.0 * _SHARE * self.budget.elapsed)
        return PartitionLimits(nodes=_NODES, rounds=_ROUNDS, seconds=left)

    def choose(self, limits: PartitionLimits) -> bool:
        """Choose the pool's best combination within some limits; return whether it is better than all before."""
        started = time.perf_counter()
        self._master = self._master or PartitionMaster(self.incumbent.pool)
        found = partition(self.incumbent.pool, self.incumbent.columns, limits, self._master)
        self._seen = len(self.incumbent.pool)
        if found.customer_price is not None:
            self.customer_price = found.customer_price
        self._latest = time.perf_counter() - started
        self.seconds += self._latest
        return self.incumbent.offer(found.columns)
