"""How well each quantum computer has done so far, and whether it is worth another try."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SMOOTHING = 0.3  # weight of a new service time


@dataclass
class Rating:
    """A quantum computer's record.

    Attributes
    ----------
    n_done, n_failed
        Jobs that came back, and that did not.
    service_seconds
        Smoothed time from sending to result; None before the first.
    charged_seconds
        Smoothed seconds of the machine that a job is charged for; 0 before the first.
    """

    n_done: int = 0
    n_failed: int = 0
    service_seconds: float | None = None
    charged_seconds: float = 0.0

    @property
    def reliability(self) -> float:
        """(done + 1)/(tried + 2): a half before anything is known (Laplace)."""
        return (self.n_done + 1) / (self.n_done + self.n_failed + 2)

    def succeeded(self, seconds: float, charged: float) -> None:
        """Note a result after so many seconds, and what was charged."""
        self.n_done += 1
        self.charged_seconds += (_SMOOTHING if self.n_done > 1 else 1.0) * (charged - self.charged_seconds)
        before = self.service_seconds
        self.service_seconds = seconds if before is None else before + _SMOOTHING * (seconds - before)

    def failed(self) -> None:
        """Note a job without result."""
        self.n_failed += 1


@dataclass
class CircuitBreaker:
    """Leaves a failing quantum computer alone for a while (Nygard 2007).

    Closed as long as jobs come back; open, so that nothing is sent, after `threshold` failures in a row; after a pause
    it is half open: one job tries, and closes it or opens it for twice as long.

    Attributes
    ----------
    threshold
        Failures in a row that open it.
    pause
        Seconds that it stays open first.
    longest
        Most seconds it stays open.
    waited_for
        How many pauses without a result between them work waits for; later ones pass too, but nobody waits.
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
        """Whether a job is on its way that will close it or open it again."""
        return self._is_open and self._is_trying

    def opens_in(self, now: float) -> float:
        """Seconds until the pause is over; 0 if it is, or there is none; infinite if it is not worth waiting for."""
        if not self._is_open or now >= self._open_until:
            return 0.0
        return self._open_until - now if self._n_pauses <= self.waited_for else np.inf

    def sent(self) -> None:
        """Note that a job was sent."""
        self._is_trying = self._is_open

    def given_up(self) -> None:
        """Note that nobody waits any more for what was sent: another job may try."""
        self._is_trying = False

    def succeeded(self) -> None:
        """Close."""
        self._in_a_row, self._n_pauses, self._next_pause = 0, 0, 0.0
        self._is_open = self._is_trying = False

    def failed(self, now: float, *, is_final: bool = False) -> None:
        """Note a failure, and open if there were enough of them in a row, or it is one that waiting does not mend.

        Jobs that were sent before it opened and fail after that make the pause no longer.
        """
        self._in_a_row += 1
        if self._is_open and not self._is_trying:
            return
        if is_final or self._is_trying or self._in_a_row >= self.threshold:
            self._next_pause = min(2.0 * self._next_pause or self.pause, self.longest)
            self._open_until = now + self._next_pause
            self._n_pauses += 1
            self._is_open, self._is_trying = True, False
