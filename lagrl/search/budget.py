"""The budget of a solve: evaluations, seconds, or both."""

from __future__ import annotations

import time

import numpy as np

_LATE = 0.1  # seconds by which a piece of work may end late


class Budget:
    """Counts evaluations and wall-clock seconds against their limits (None for none).

    Attributes
    ----------
    spent
        Evaluations so far.
    started
        The start, by `time.perf_counter`; processes on one machine share that clock.
    """

    def __init__(self, evaluations: int | None, seconds: float | None, started: float | None = None) -> None:
        self.evaluations = evaluations
        self.seconds = seconds
        self.spent = 0
        self.started = time.perf_counter() if started is None else started

    @property
    def elapsed(self) -> float:
        """Wall-clock seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def left(self) -> int | None:
        """Evaluations left; None without a limit."""
        return None if self.evaluations is None else self.evaluations - self.spent

    @property
    def seconds_left(self) -> float:
        """Seconds left; infinite without a limit, negative once it is passed."""
        return np.inf if self.seconds is None else self.seconds - self.elapsed

    def allows(self, seconds: float) -> bool:
        """Return whether work of about that many seconds, which nothing interrupts, may still start."""
        return 0 < self.seconds_left >= seconds - _LATE

    @property
    def progress(self) -> float:
        """Spent share of the budget, 0 to 1: the larger one of evaluations and seconds."""
        by_count = 0.0 if self.evaluations is None else self.spent / self.evaluations
        by_clock = 0.0 if self.seconds is None else self.elapsed / self.seconds
        return min(1.0, max(by_count, by_clock))
