"""Threads that run blocking executors for the scheduler, one thread for each job."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lagrl.quantum.ibm.job_control import JobControl, control_of_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from lagrl.quantum.circuits.execution import CircuitExecutor, Execution
    from lagrl.quantum.journal.job_journal import SentState
    from lagrl.quantum.scheduling.tasks import Job

T = TypeVar("T")

_RECHECK = 1.0  # seconds between checks whether a blocked executor is free again
_WITHDRAWAL = 10.0  # seconds that a service gets to withdraw a job


@dataclass(eq=False)
class JobThreads:
    """Runs jobs in daemon threads, which do not keep the process alive.

    A job given up before it began does nothing. One given up later continues, and blocks those that have to wait for
    it: no jobs are taken until it ends.

    Attributes
    ----------
    is_concurrent
        Whether jobs may run at the same time; True only for executors that call `begin_job` before they send, and
        send one after the other.
    grace
        Seconds of the scheduler's clock after which tasks no longer wait for a blocked executor.
    """

    is_concurrent: bool = False
    grace: float = 60.0
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _given_up: list[tuple[JobControl, threading.Thread]] = field(default_factory=list, init=False, repr=False)
    _running: set[str] = field(default_factory=set, init=False, repr=False)
    _blocked_since: float | None = field(default=None, init=False, repr=False)

    async def run(self, executor: CircuitExecutor, job: Job) -> Execution:
        """Run a job; see `QPU.run`.

        Raises `RuntimeError` if the executor raised an error that ends a process or an iteration.
        """
        control = JobControl()
        self._running.discard(job.key)
        thread, done = _started(f"{executor.name} {job.key}", lambda: self._execute(executor, job, control))
        try:
            return await done
        except asyncio.CancelledError:
            await self._give_up(job.key, control, thread)
            raise

    def is_running(self, key: str) -> bool:
        """Whether a job was given up after it had begun, and could not be withdrawn."""
        return key in self._running

    def opens_in(self, now: float) -> float:
        """Return the seconds until jobs are taken: 0 unless a job that was given up blocks the others."""
        self._given_up = [
            (control, thread)
            for control, thread in self._given_up
            if thread.is_alive() and not (self.is_concurrent and control.is_sent)
        ]
        if not self._given_up:
            self._blocked_since = None
            return 0.0
        if self._blocked_since is None:
            self._blocked_since = now
        return _RECHECK if now - self._blocked_since < self.grace else np.inf

    def _execute(self, executor: CircuitExecutor, job: Job, control: JobControl) -> Execution:
        control_of_job.set(control)
        with contextlib.nullcontext() if self.is_concurrent else self._lock:
            if not getattr(executor, "asks_before_sending", False):
                control.begin()
            return executor.execute(job.pubs, job.shots, np.random.default_rng(job.seed), job.context)

    async def _give_up(self, key: str, control: JobControl, thread: threading.Thread) -> None:
        """Withdraw a job if it still waits; otherwise record that it continues."""
        withdraw = control.give_up()
        if not control.has_begun:
            return
        self._running.add(key)
        self._given_up.append((control, thread))
        if withdraw is not None:
            _, withdrawn = _started(f"withdrawing {key}", withdraw)
            await asyncio.wait({withdrawn}, timeout=_WITHDRAWAL)
            if withdrawn.done() and withdrawn.exception() is None and withdrawn.result():
                self._running.discard(key)


def job_state(executor: CircuitExecutor, job: Job) -> SentState:
    """Return an executor's known progress of a job (`RuntimeExecutor.job_state`); empty if it stores no jobs."""
    state_of = getattr(executor, "job_state", None)
    if not callable(state_of):
        return ""
    state: SentState = state_of(job.pubs, job.shots, np.random.default_rng(job.seed), job.context)
    return state


def _started(name: str, work: Callable[[], T]) -> tuple[threading.Thread, asyncio.Future[T]]:
    """Start a function in a daemon thread; return the thread and a future of the result."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(act: Callable[[], None]) -> None:
        if not done.done():  # else given up
            act()

    def run() -> None:
        act: Callable[[], None]
        try:
            act = partial(done.set_result, work())
        except BaseException as error:
            # SystemExit would end the event loop, and StopIteration cannot be set: the waiting task would never wake
            is_usual = isinstance(error, Exception) and not isinstance(error, StopIteration)
            act = partial(done.set_exception, error if is_usual else RuntimeError(f"{name} raised {error!r}"))
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing waits for the result
            loop.call_soon_threadsafe(settle, act)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread, done
