"""Early end of a run without loss: by Ctrl-C, SIGTERM, or a time limit."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Request to save and end a run; a context manager.

    The first Ctrl-C (or SIGTERM) is a request, the second raises KeyboardInterrupt at once. Signals are only caught
    within the `with` block, and only in the main thread.

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

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._signal is not None:
            raise KeyboardInterrupt
        self._signal = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
