"""Executors, which make their caller wait, as the scheduler needs them: each job in a thread of its own."""

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
    from lagrl.quantum.scheduling.work import Job

T = TypeVar("T")

_LOOK = 1.0  # seconds between looks whether a stuck executor goes on
_TAKE_BACK = 10.0  # seconds that a service gets to take a job back


@dataclass(eq=False)
class JobThreads:
    """Runs jobs in daemon threads, which the process does not wait for when it ends.

    A job that was given up before it was begun does nothing. One that goes on, and that the others have to wait for,
    makes the executors stuck: they take no jobs until it ends.

    Attributes
    ----------
    at_once
        Whether executors may run in several threads at once: only those that ask `begin_job` before they send, and
        send one after the other.
    grace
        Seconds of the scheduler's clock after which a stuck executor is not waited for.
    """

    at_once: bool = False
    grace: float = 60.0
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _left: list[tuple[JobControl, threading.Thread]] = field(default_factory=list, init=False, repr=False)
    _running: set[str] = field(default_factory=set, init=False, repr=False)
    _stuck_at: float | None = field(default=None, init=False, repr=False)

    async def run(self, executor: CircuitExecutor, job: Job) -> Execution:
        """Run a job; see `QPU.run`.

        Raises
        ------
        RuntimeError
            If the executor raised what ends a process, or an iteration.
        """
        control = JobControl()
        self._running.discard(job.key)
        thread, done = _begun(f"{executor.name} {job.key}", lambda: self._execute(executor, job, control))
        try:
            return await done
        except asyncio.CancelledError:
            await self._give_up(job.key, control, thread)
            raise

    def is_running(self, key: str) -> bool:
        """Whether a job was given up after it was begun, and not taken back."""
        return key in self._running

    def opens_in(self, now: float) -> float:
        """Seconds until jobs are taken: 0, unless one that was given up keeps the others out."""
        holds = [(control, thread) for control, thread in self._left if thread.is_alive() and self._holds(control)]
        self._left = holds
        if not holds:
            self._stuck_at = None
            return 0.0
        if self._stuck_at is None:
            self._stuck_at = now
        return _LOOK if now - self._stuck_at < self.grace else np.inf

    def _holds(self, control: JobControl) -> bool:
        return not (self.at_once and control.is_sent)

    def _execute(self, executor: CircuitExecutor, job: Job, control: JobControl) -> Execution:
        control_of_job.set(control)
        with contextlib.nullcontext() if self.at_once else self._lock:
            if not getattr(executor, "asks_before_sending", False):
                control.begin()
            return executor.execute(job.pubs, job.shots, np.random.default_rng(job.seed), job.context)

    async def _give_up(self, key: str, control: JobControl, thread: threading.Thread) -> None:
        """Take a job back if it still waits somewhere; else remember that it goes on."""
        take_back = control.give_up()
        if not control.has_begun:
            return
        self._running.add(key)
        self._left.append((control, thread))
        if take_back is not None:
            _, asked = _begun(f"taking back {key}", take_back)
            await asyncio.wait({asked}, timeout=_TAKE_BACK)
            if asked.done() and asked.exception() is None and asked.result():
                self._running.discard(key)


def job_state(executor: CircuitExecutor, job: Job) -> SentState:
    """Ask an executor that remembers jobs (`RuntimeExecutor.job_state`) how far this one is; empty for others."""
    ask = getattr(executor, "job_state", None)
    if not callable(ask):
        return ""
    state: SentState = ask(job.pubs, job.shots, np.random.default_rng(job.seed), job.context)
    return state


def _begun(name: str, work: Callable[[], T]) -> tuple[threading.Thread, asyncio.Future[T]]:
    """Begin work in a daemon thread, and return what its result will be in."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(act: Callable[[], None]) -> None:
        if not done.done():  # else given up
            act()

    def run() -> None:
        act: Callable[[], None]
        try:
            act = partial(done.set_result, work())
        except BaseException as error:
            # an event loop that is told to end, or a future that is told to stop iterating, leaves who waits alone
            is_usual = isinstance(error, Exception) and not isinstance(error, StopIteration)
            act = partial(done.set_exception, error if is_usual else RuntimeError(f"{name} raised {error!r}"))
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, act)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread, done
