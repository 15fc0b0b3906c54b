"""How much of a solve is spent: evaluations, seconds, or whichever is nearer its end."""

from __future__ import annotations

import time

import numpy as np


class Budget:
    """Counts evaluations and seconds against their limits.

    Parameters
    ----------
    evaluations
        Limit; None for none.
    seconds
        Wall-clock limit; None for none.

    Attributes
    ----------
    spent
        Evaluations so far.
    """

    def __init__(self, evaluations: int | None, seconds: float | None) -> None:
        self.evaluations = evaluations
        self.seconds = seconds
        self.spent = 0
        self._started = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Wall-clock seconds since the beginning."""
        return time.perf_counter() - self._started

    @property
    def left(self) -> int | None:
        """Evaluations left; None without a limit."""
        return None if self.evaluations is None else self.evaluations - self.spent

    @property
    def seconds_left(self) -> float:
        """Seconds left; infinite without a limit, negative once it is passed."""
        return np.inf if self.seconds is None else self.seconds - self.elapsed

    @property
    def progress(self) -> float:
        """Share of the budget that is spent, from 0 to 1. Without a clock it only depends on evaluations."""
        by_count = 0.0 if self.evaluations is None else self.spent / self.evaluations
        by_clock = 0.0 if self.seconds is None else self.elapsed / self.seconds
        return min(1.0, max(by_count, by_clock))
