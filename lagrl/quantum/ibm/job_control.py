"""Control of a job between its caller and the thread that runs it: whether it may be sent, how it is cancelled."""

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
    """State of a job that the caller and the job's thread share under a lock."""

    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _has_begun: bool = field(default=False, init=False)
    _is_given_up: bool = field(default=False, init=False)
    _is_sent: bool = field(default=False, init=False)
    _take_back: Callable[[], bool] | None = field(default=None, init=False, repr=False)

    @property
    def has_begun(self) -> bool:
        """Whether the job may be executed, now or later."""
        return self._has_begun

    @property
    def is_sent(self) -> bool:
        """Whether the service has the job and its thread only waits for the result."""
        return self._is_sent

    def begin(self) -> None:
        """Mark the job as one that may be executed from now on.

        Raises
        ------
        GivenUpError
            If the caller gave it up.
        """
        with self._lock:
            if self._is_given_up:
                raise GivenUpError("given up before it was sent")
            self._has_begun = True

    def mark_sent(self, take_back: Callable[[], bool]) -> None:
        """Mark the job as sent to the service.

        Parameters
        ----------
        take_back
            Cancels it at the service if it has not started; returns whether it did.
        """
        with self._lock:
            self._is_sent, self._take_back = True, take_back

    def give_up(self) -> Callable[[], bool] | None:
        """Mark the job as given up; return the function that cancels it, None if there is none."""
        with self._lock:
            self._is_given_up = True
            return self._take_back


control_of_job: ContextVar[JobControl | None] = ContextVar("control_of_job", default=None)
"""Control of the job that this thread runs; None if it cannot be given up."""


def begin_job() -> None:
    """Call before submitting a job; see `JobControl.begin`."""
    control = control_of_job.get()
    if control is not None:
        control.begin()


def mark_job_sent(take_back: Callable[[], bool]) -> None:
    """Call after submitting a job; see `JobControl.mark_sent`."""
    control = control_of_job.get()
    if control is not None:
        control.mark_sent(take_back)
