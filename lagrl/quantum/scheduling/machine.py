"""Backends in the scheduler, and the queue of tasks for them.

A `Machine` has the threads that run a backend's jobs, its records, and pauses after failures.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lagrl.quantum.ibm.runtime import DeviceBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lagrl.quantum.circuits.backend import Backend, Execution, Job, JobControl
    from lagrl.quantum.journal.job_table import SentState
    from lagrl.quantum.scheduling.tasks import Candidate

T = TypeVar("T")

QUEUE_LENGTH = 6  # jobs that a machine holds at most, the running one included
THRESHOLD = 3  # failures in a row after which a machine gets a pause
PAUSE = 30.0  # seconds of the first pause
LONGEST_PAUSE = 600.0  # seconds
_WAITED_FOR = 2  # pauses without a result between them that tasks wait for; later ones end too
_SMOOTHING = 0.3  # weight of a new service time
_UNKNOWN_CHARGE = 10.0  # seconds assumed for a job until the first result is charged; one job is sent in any case
_RECHECK = 1.0  # seconds between checks whether a blocked backend is free again
_SHORTEST_WAIT = 1e-3  # seconds between looks: two clocks never agree to the last digit
_WITHDRAWAL = 10.0  # seconds that a service gets to withdraw a job


@dataclass
class Rating:
    """Counts and times of a machine's jobs."""

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


class CircuitBreaker:
    """Stops sending to a machine for a while after failures (Nygard 2007).

    It is closed as long as jobs return results. After `THRESHOLD` failures in a row it opens, and nothing is sent.
    After a pause it is half open: one trial job closes it, or opens it for twice as long.
    """

    def __init__(self) -> None:
        self._in_a_row = self._n_pauses = 0
        self._open_until = self._next_pause = 0.0
        self._is_open = self._is_trying = False

    @property
    def is_trying(self) -> bool:
        """Whether a trial job was sent that will close it or open it again."""
        return self._is_open and self._is_trying

    def opens_in(self, now: float) -> float:
        """Return the seconds until the pause ends: 0 outside a pause, infinite if tasks should not wait for it."""
        if not self._is_open or now >= self._open_until:
            return 0.0
        return self._open_until - now if self._n_pauses <= _WAITED_FOR else np.inf

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
        """Record a failure; open after enough of them in a row, or at once if `is_final`: waiting cannot help.

        Failures of jobs that were sent before it opened do not lengthen the pause.
        """
        self._in_a_row += 1
        if self._is_open and not self._is_trying:
            return
        if is_final or self._is_trying or self._in_a_row >= THRESHOLD:
            self._next_pause = min(2.0 * self._next_pause or PAUSE, LONGEST_PAUSE)
            self._open_until = now + self._next_pause
            self._n_pauses += 1
            self._is_open, self._is_trying = True, False


class Machine:
    """Runs jobs of a backend in daemon threads, which do not keep the process alive, and keeps its records.

    A simulator runs one job at a time; a device of an account holds several, which wait at its service. A job given up
    before it began does nothing. One given up later continues, and blocks those that have to wait for it.

    Parameters
    ----------
    name
        Name, as in `Candidate.backend`.
    backend
        Runs the circuits.
    grace
        Seconds of the scheduler's clock after which tasks no longer wait for a blocked backend.
    """

    def __init__(self, name: str, backend: Backend, grace: float = 60.0) -> None:
        self.name = name
        self.backend = backend
        self.rating = Rating()
        self.breaker = CircuitBreaker()
        self.n_jobs = 0  # that it holds now
        self._grace = grace
        self._one_by_one = threading.Lock()
        self._given_up: list[tuple[JobControl, threading.Thread]] = []
        self._blocked_since: float | None = None

    @property
    def is_concurrent(self) -> bool:
        """Whether it takes several jobs at once."""
        return isinstance(self.backend, DeviceBackend) and not self.backend.device.is_simulated

    @property
    def has_journal(self) -> bool:
        """Whether its jobs are stored beyond this process."""
        return isinstance(self.backend, DeviceBackend) and self.backend.journal is not None

    @property
    def has_room(self) -> bool:
        """Whether it can hold one more job."""
        return self.n_jobs < (QUEUE_LENGTH if self.is_concurrent else 1)

    def job_state(self, job: Job) -> SentState:
        """Return the known progress of exactly this job, sent by this or an earlier process; empty if unknown.

        Running a job of a known state reads it; it is not sent again.
        """
        return self.backend.job_state(job) if isinstance(self.backend, DeviceBackend) else ""

    def queue_seconds(self) -> float:
        """Return the expected wait of a job sent now."""
        return self.backend.status().queue_seconds

    def plan_seconds(self) -> float:
        """Return how many seconds of it may still be used."""
        return self.backend.status().plan_seconds

    def available_in(self, now: float) -> float:
        """Return the seconds until its backend takes jobs: 0 if it does now, infinite if that is unknown.

        Parameters
        ----------
        now
            Seconds since the scheduler's start.
        """
        if not self.backend.status().is_operational:
            return float(np.inf)
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
        return _RECHECK if now - self._blocked_since < self._grace else np.inf

    def opens_in(self, now: float) -> float:
        """Return the seconds until a job may be sent: 0 if now, infinite if only the end of a job can help."""
        job = self.rating.charged_seconds
        needed = (1 + self.n_jobs) * job if self.rating.n_done else self.n_jobs * _UNKNOWN_CHARGE
        if self.plan_seconds() <= needed or self.breaker.is_trying:
            return np.inf
        return max(self.available_in(now), self.breaker.opens_in(now))

    def take(self) -> None:
        """Count a job that is sent."""
        self.n_jobs += 1
        self.breaker.sent()

    async def run(self, job: Job) -> Execution:
        """Run a job. Cancelling it gives the job up: one that waits is withdrawn, one that has begun continues.

        Raises `ExecutionError` if there will be no result, `RuntimeError` if the backend raised an error that ends a
        process or an iteration.
        """
        thread, done = _started(f"{self.backend.name} {job.key}", lambda: self._run(job))
        try:
            return await done
        except asyncio.CancelledError:
            await self._give_up(job, thread)
            raise

    def _run(self, job: Job) -> Execution:
        if self.is_concurrent:  # its backend begins the job before it sends it
            return self.backend.run(job)
        with self._one_by_one:
            job.control.begin()
            return self.backend.run(job)

    async def _give_up(self, job: Job, thread: threading.Thread) -> None:
        """Withdraw a job if it still waits; otherwise note that it continues."""
        withdraw = job.control.give_up()
        if not job.control.has_begun:
            return
        self._given_up.append((job.control, thread))
        if withdraw is not None:
            _, withdrawn = _started(f"withdrawing {job.key}", withdraw)
            await asyncio.wait({withdrawn}, timeout=_WITHDRAWAL)
            if withdrawn.done() and withdrawn.exception() is None:
                job.control.is_withdrawn = withdrawn.result()


@dataclass(eq=False)
class _Waiting:
    """Candidates of a waiting task, and how often it was tried before."""

    candidates: tuple[Candidate, ...]
    n_tried: int
    granted: asyncio.Future[Candidate | None]


@dataclass(eq=False)
class PriorityQueue:
    """Queue of tasks for machines: those with the most failed attempts first, then in the order of arrival.

    A task that has failed would otherwise restart after all others, and be waited for alone. Nothing here awaits
    between looking at a machine and taking it, so callers of one event loop cannot interfere.
    """

    machines: Mapping[str, Machine]  # machines by name
    now: Callable[[], float]  # the scheduler's clock
    score: Callable[[Candidate], float]  # rates a candidate as of now
    _queue: list[_Waiting] = field(default_factory=list, init=False)
    _alarm: asyncio.TimerHandle | None = field(default=None, init=False)
    _closed: set[str] = field(default_factory=set, init=False)  # take no more jobs, as all waiting tasks know

    async def get(self, candidates: Sequence[Candidate], n_tried: int = 0) -> Candidate | None:
        """Wait until one of the candidates has room, and take it; None if all of them are closed for good."""
        waiting = _Waiting(tuple(candidates), n_tried, asyncio.get_running_loop().create_future())
        now = self.now()
        try:
            if not self._decide(waiting, self._openings(now), now):
                bisect.insort(self._queue, waiting, key=lambda other: -other.n_tried)
                self._closed.clear()  # the new task was not checked against them
                self._set_alarm(now)
            return await waiting.granted
        except BaseException:
            granted = waiting.granted
            if granted.done() and not granted.cancelled() and granted.exception() is None:
                self._give_back(granted.result())
            granted.cancel()  # so that it is granted no machine later
            raise

    def update(self) -> None:
        """Grant what is free; call it whenever a machine has changed.

        If a machine cannot report its state, all waiting tasks get the error: nothing else would wake them.
        """
        try:
            self._update()
        except Exception as error:
            queue, self._queue = self._queue, []
            for waiting in queue:
                if not waiting.granted.done():
                    waiting.granted.set_exception(error)

    def _update(self) -> None:
        now = self.now()
        opens = self._openings(now)
        closed = {name for name, wait in opens.items() if not np.isfinite(wait) and not self.machines[name].n_jobs}
        is_news = not closed <= self._closed
        self._closed = closed
        left = []
        for i, waiting in enumerate(self._queue):
            if not is_news and not any(wait <= 0 and self.machines[name].has_room for name, wait in opens.items()):
                left += self._queue[i:]
                break
            if not waiting.granted.done() and not self._decide(waiting, opens, now):  # done: cancelled
                left.append(waiting)
        self._queue = left
        self._set_alarm(now)

    def clear(self) -> None:
        """Drop all waiting tasks, whose event loop has ended."""
        self._queue, self._alarm, self._closed = [], None, set()

    def _openings(self, now: float) -> dict[str, float]:
        return {name: machine.opens_in(now) for name, machine in self.machines.items()}

    def _set_alarm(self, now: float) -> None:
        """Update again when a machine opens or a pause ends."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._queue:
            soonest = min((wait for wait in self._openings(now).values() if wait > 0), default=np.inf)
            if np.isfinite(soonest):
                self._alarm = asyncio.get_running_loop().call_later(max(soonest, _SHORTEST_WAIT), self.update)

    def _decide(self, waiting: _Waiting, opens: dict[str, float], now: float) -> bool:
        """Grant a machine, or report that there will be none; False if the task has to wait."""
        names = [candidate.backend for candidate in waiting.candidates]
        best = self._best(waiting.candidates, opens)
        if best is not None:
            self.machines[best.backend].take()
            waiting.granted.set_result(best)
            opens[best.backend] = self.machines[best.backend].opens_in(now)
            return True
        if any(np.isfinite(opens[name]) or self.machines[name].n_jobs for name in names):
            return False
        waiting.granted.set_result(None)
        return True

    def _best(self, candidates: Iterable[Candidate], opens: Mapping[str, float]) -> Candidate | None:
        """Return the best candidate with room in the lowest tier that takes jobs; None if all of it is full."""
        open_now = [candidate for candidate in candidates if opens[candidate.backend] <= 0]
        lowest = min((candidate.tier for candidate in open_now), default=0)
        ready = [own for own in open_now if own.tier == lowest and self.machines[own.backend].has_room]
        return max(ready, key=self.score, default=None)

    def _give_back(self, granted: Candidate | None) -> None:
        if granted is not None:
            machine = self.machines[granted.backend]
            machine.n_jobs -= 1
            machine.breaker.given_up()
            self.update()


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
