"""Records of each quantum computer: reliability, service time, and pauses after failures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SMOOTHING = 0.3  # weight of a new service time


@dataclass
class Rating:
    """Counts and times of a quantum computer's jobs."""

    n_done: int = 0  # jobs with a result
    n_failed: int = 0  # jobs without one
    service_seconds: float | None = None  # from sending to result, smoothed; None before the first result
    charged_seconds: float = 0.0  # of the machine for one job, smoothed; 0 before the first result

    @property
    def reliability(self) -> float:
        """Success rate by Laplace's rule, (done + 1)/(tried + 2): a half before the first job."""
        return (self.n_done + 1) / (self.n_done + self.n_failed + 2)

    def succeeded(self, seconds: float, charged: float) -> None:
        """Record a result: seconds from sending to result, and seconds charged."""
        self.n_done += 1
        self.charged_seconds += (_SMOOTHING if self.n_done > 1 else 1.0) * (charged - self.charged_seconds)
        before = self.service_seconds
        self.service_seconds = seconds if before is None else before + _SMOOTHING * (seconds - before)

    def failed(self) -> None:
        """Record a job without a result."""
        self.n_failed += 1


@dataclass
class CircuitBreaker:
    """Stops sending to a quantum computer for a while after failures (Nygard 2007).

    It is closed as long as jobs return results. After `threshold` failures in a row it opens, and nothing is sent.
    After a pause it is half open: one trial job closes it, or opens it for twice as long.

    Attributes
    ----------
    threshold
        Failures in a row that open it.
    pause
        Length of the first pause, seconds.
    longest
        Length of the longest pause, seconds.
    waited_for
        Number of pauses without a result between them that tasks wait for. Later pauses end too, but tasks do not wait.
    """

    threshold: int = 3
    pause: float = 30.0
    longest: float = 600.0
    waited_for: int = 2
    _in_a_row: int = 0
    _open_until: float = 0.0
    _next_pause: float = 0.0
    _n_pauses: int = 0
    _is_open: bool = False
    _is_trying: bool = False

    @property
    def is_trying(self) -> bool:
        """Whether a trial job was sent that will close it or open it again."""
        return self._is_open and self._is_trying

    def opens_in(self, now: float) -> float:
        """Return the seconds until the pause ends: 0 outside a pause, infinite if tasks should not wait for it."""
        if not self._is_open or now >= self._open_until:
            return 0.0
        return self._open_until - now if self._n_pauses <= self.waited_for else np.inf

    def sent(self) -> None:
        """Record that a job was sent."""
        self._is_trying = self._is_open

    def given_up(self) -> None:
        """Record that the job sent was given up: another trial may be sent."""
        self._is_trying = False

    def succeeded(self) -> None:
        """Close it after a result."""
        self._in_a_row, self._n_pauses, self._next_pause = 0, 0, 0.0
        self._is_open = self._is_trying = False

    def failed(self, now: float, *, is_final: bool = False) -> None:
        """Record a failure; open after `threshold` of them in a row, or at once if `is_final`: waiting cannot help.

        Failures of jobs that were sent before it opened do not lengthen the pause.
        """
        self._in_a_row += 1
        if self._is_open and not self._is_trying:
            return
        if is_final or self._is_trying or self._in_a_row >= self.threshold:
            self._next_pause = min(2.0 * self._next_pause or self.pause, self.longest)
            self._open_until = now + self._next_pause
            self._n_pauses += 1
            self._is_open, self._is_trying = True, False
