"""Estimate of the remaining time of a run, from the seconds of its pieces of work."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Report(Protocol):
    """Protocol of a function that is called after each piece of work; it may end the step with `Interrupted`."""

    def __call__(self, kind: str, pieces: float, text: str) -> None:
        """Take note of completed pieces.

        Parameters
        ----------
        kind
            Kind of work, as in the run's plan.
        pieces
            Number of pieces that were completed since the last call; 0 within a piece.
        text
            What is being done, for the user.
        """
        ...


def silent(kind: str, pieces: float, text: str) -> None:
    """Report nothing."""


class Pace:
    """Remaining seconds: for each kind of work, pieces still to do times the mean seconds of a piece.

    Steps of a run differ too much to be extrapolated: the data of cloning grow, and the first rollouts of PPO train the
    critic only. Pieces of one kind (an instance of a validation, a state of an epoch) are alike.

    Parameters
    ----------
    plan
        Number of pieces of each kind in the rest of the run.
    guesses
        Seconds of a piece by kind, until one is measured.
    clock
        Returns the time in seconds.
    """

    def __init__(
        self,
        plan: Mapping[str, float],
        guesses: Mapping[str, float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._left = dict(plan)
        self._guesses = dict(guesses or {})
        self._measured: dict[str, tuple[float, float]] = {}  # pieces and their seconds
        self._begun: dict[str, float] = {}  # seconds of a piece that is not complete
        self._last = clock()

    def add(self, kind: str, pieces: float) -> None:
        """Count completed pieces, which took the time since the last call; with 0 pieces, a part of the next one."""
        now = self._clock()
        seconds = self._begun.pop(kind, 0.0) + now - self._last
        self._last = now
        if pieces <= 0:
            self._begun[kind] = seconds
            return
        done, spent = self._measured.get(kind, (0.0, 0.0))
        self._measured[kind] = done + pieces, spent + seconds
        self._left[kind] = max(0.0, self._left.get(kind, 0.0) - pieces)

    def pause(self) -> None:
        """Leave out the time since the last call: it belongs to no piece."""
        self._last = self._clock()

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds to the end of the run; None while a kind of work is neither measured nor guessed."""
        total = 0.0
        for kind, left in self._left.items():
            if left <= 0:
                continue
            if kind in self._measured:
                pieces, seconds = self._measured[kind]
                each = seconds / pieces
            elif kind in self._guesses:
                each = self._guesses[kind]
            else:
                return None
            total += max(0.0, left * each - self._begun.get(kind, 0.0))
        return total
