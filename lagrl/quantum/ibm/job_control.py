"""Between who waits for a job and the thread that runs it: may it still be sent, and can it be taken back?"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lagrl.quantum.ibm.failures import GivenUpError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(eq=False)
class JobControl:
    """A job's steps as both sides see them; each is taken by one of them, under a lock."""

    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _has_begun: bool = field(default=False, init=False)
    _is_given_up: bool = field(default=False, init=False)
    _is_sent: bool = field(default=False, init=False)
    _take_back: Callable[[], bool] | None = field(default=None, init=False, repr=False)

    @property
    def has_begun(self) -> bool:
        """Whether it may be executed, now or later."""
        return self._has_begun

    @property
    def is_sent(self) -> bool:
        """Whether it stands at a service, and its thread only waits for the result."""
        return self._is_sent

    def begin(self) -> None:
        """Note that it may be executed from now on.

        Raises
        ------
        GivenUpError
            If it was given up: it must not be.
        """
        with self._lock:
            if self._is_given_up:
                raise GivenUpError("given up before it was sent")
            self._has_begun = True

    def sent(self, take_back: Callable[[], bool]) -> None:
        """Note that it stands at a service.

        Parameters
        ----------
        take_back
            Cancels it there if it was not begun; returns whether it did.
        """
        with self._lock:
            self._is_sent, self._take_back = True, take_back

    def give_up(self) -> Callable[[], bool] | None:
        """Note that nobody waits for it any more; return what takes it back, None if nothing can."""
        with self._lock:
            self._is_given_up = True
            return self._take_back


control_of_job: ContextVar[JobControl | None] = ContextVar("control_of_job", default=None)
"""Of the job that this thread runs; None where nobody gives it up."""


def begin_job() -> None:
    """To be asked right before a job is sent; see `JobControl.begin`."""
    control = control_of_job.get()
    if control is not None:
        control.begin()


def note_sent(take_back: Callable[[], bool]) -> None:
    """To be told right after a job was sent; see `JobControl.sent`."""
    control = control_of_job.get()
    if control is not None:
        control.sent(take_back)
