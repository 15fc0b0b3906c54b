"""Early end of a run without loss: by Ctrl-C, SIGTERM, or a time limit."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ANSWER = (
    "{}: the last complete step is saved and the run ends within seconds; a second Ctrl-C ends it at once, saved too"
)
_CLEAR_LINE = "\r\x1b[2K"  # the line of a progress bar


class Interrupted(Exception):
    """Ends a step of a run before it is complete, after the first Ctrl-C; a resumed run repeats the step."""


class Stop:
    """Request to save and end a run; a context manager.

    The first Ctrl-C (or SIGTERM) is acknowledged on stderr at once and ends the current step, the second raises
    KeyboardInterrupt. A time limit lets the current step end, so that every part of a run makes progress. Signals are
    only caught within the `with` block, and only in the main thread.

    Parameters
    ----------
    minutes
        Wall-clock minutes from the start of the `with` block to the request; None: no limit.
    clock
        Returns the time in seconds.

    Raises
    ------
    InputError
        If `minutes` is not above 0.
    """

    def __init__(self, minutes: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        if minutes is not None and not minutes > 0:
            raise InputError(f"{minutes} given", field="--minutes", remedy="give a number above 0")
        self._minutes = minutes
        self._clock = clock
        self._started = clock()
        self._signal: str | None = None
        self._is_shielded = self._is_pending = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._started = self._clock()
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    @property
    def requested(self) -> bool:
        """Whether the run should save and end after its current step."""
        return self.reason is not None

    @property
    def reason(self) -> str | None:
        """Reason of the request, for the user; None without one."""
        if self._signal is not None:
            return self._signal
        if self._minutes is not None and self._clock() - self._started >= 60.0 * self._minutes:
            return f"{self._minutes:g} minutes are over"
        return None

    def check(self) -> None:
        """End the current step after a signal; call it wherever a step can be left.

        Raises
        ------
        Interrupted
            After the first signal.
        """
        if self._signal is not None:
            raise Interrupted(self._signal)

    @contextlib.contextmanager
    def shield(self) -> Iterator[None]:
        """Delay signals until the end of the `with` block, for files that must be written.

        Raises
        ------
        KeyboardInterrupt
            At the end of the block, if it was not the first signal.
        """
        self._is_shielded = True
        try:
            yield
        finally:
            self._is_shielded = False
        if self._is_pending:
            raise KeyboardInterrupt

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._signal is not None:
            if not self._is_shielded:
                raise KeyboardInterrupt
            self._is_pending = True
            return
        self._signal = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
        _say_at_once(_ANSWER.format(self._signal))


def _say_at_once(text: str) -> None:
    """Write a line to stderr without its buffer, which the interrupted code may be writing to."""
    with contextlib.suppress(OSError, ValueError):  # no stderr, or a closed one
        number = sys.stderr.fileno()
        line = f"{_CLEAR_LINE if os.isatty(number) else ''}{text}\n"
        os.write(number, line.encode())
