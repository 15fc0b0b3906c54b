"""Slots of quantum computers, and the queue of tasks that wait for one."""

from __future__ import annotations

import asyncio
import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.scheduling.ratings import CircuitBreaker, Rating

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lagrl.quantum.scheduling.qpu import QPU
    from lagrl.quantum.scheduling.tasks import Candidate

_UNKNOWN_CHARGE = 10.0  # seconds assumed for a job until the first result is charged; one job is sent in any case
_SHORTEST_WAIT = 1e-3  # seconds between looks: two clocks never agree to the last digit


@dataclass(eq=False)
class Slot:
    """A quantum computer and the scheduler's records of it."""

    qpu: QPU
    breaker: CircuitBreaker
    rating: Rating = field(default_factory=Rating)
    n_jobs: int = 0  # that it holds now

    @property
    def is_affordable(self) -> bool:
        """Whether its plan has time for one more job after those that it holds."""
        if self.rating.n_done:
            return self.qpu.plan_seconds() > (1 + self.n_jobs) * self.rating.charged_seconds
        return self.qpu.plan_seconds() > self.n_jobs * _UNKNOWN_CHARGE

    def opens_in(self, now: float) -> float:
        """Return the seconds until it takes jobs: 0 if it does now, infinite if only the end of a job can help."""
        if not self.is_affordable or self.breaker.is_trying:
            return np.inf
        return max(self.qpu.opens_in(now), self.breaker.opens_in(now))

    def has_room(self, limit: int) -> bool:
        """Whether it holds fewer jobs than this limit, and than its own."""
        own = self.qpu.max_concurrent_jobs
        return self.n_jobs < (limit if own is None else min(limit, own))

    def take(self) -> None:
        """Count a job that is sent."""
        self.n_jobs += 1
        self.breaker.sent()


@dataclass(eq=False)
class _Waiting:
    """Candidates of a waiting task, and how often it was tried before."""

    candidates: tuple[Candidate, ...]
    n_tried: int
    granted: asyncio.Future[Candidate | None]


@dataclass(eq=False)
class PriorityQueue:
    """Queue of tasks for slots: those with the most failed attempts first, then in the order of arrival.

    A task that has failed would otherwise restart after all others, and be waited for alone. Nothing here awaits
    between looking at a slot and taking it, so callers of one event loop cannot interfere.

    Attributes
    ----------
    slots
        Slots by name of the quantum computer.
    limit
        Largest number of jobs in each slot.
    deadline
        Seconds after which no slot is granted.
    now
        The scheduler's clock.
    score
        Rates a candidate as of now.
    """

    slots: Mapping[str, Slot]
    limit: int
    deadline: float
    now: Callable[[], float]
    score: Callable[[Candidate], float]
    _queue: list[_Waiting] = field(default_factory=list, init=False)
    _alarm: asyncio.TimerHandle | None = field(default=None, init=False)
    _closed: set[str] = field(default_factory=set, init=False)  # take no more jobs, as all waiting tasks know

    async def get(self, candidates: Sequence[Candidate], n_tried: int = 0) -> Candidate | None:
        """Wait for a slot of one of the candidates, and take it.

        None if nothing more may be sent, or all of them are closed for good.
        """
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
            granted.cancel()  # so that it is granted no slot later
            raise

    def update(self) -> None:
        """Grant the free slots; call it whenever a quantum computer has changed.

        If a quantum computer cannot report its state, all waiting tasks get the error: nothing else would wake them.
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
        closed = {name for name, wait in opens.items() if not np.isfinite(wait) and not self.slots[name].n_jobs}
        is_news = now >= self.deadline or not closed <= self._closed
        self._closed = closed
        left = []
        for i, waiting in enumerate(self._queue):
            if not is_news and not any(
                wait <= 0 and self.slots[name].has_room(self.limit) for name, wait in opens.items()
            ):
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
        return {name: slot.opens_in(now) for name, slot in self.slots.items()}

    def _set_alarm(self, now: float) -> None:
        """Update again when a window opens, a pause ends, or the deadline is reached."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._queue:
            waits = (*self._openings(now).values(), self.deadline - now)
            soonest = min((wait for wait in waits if wait > 0), default=np.inf)
            if np.isfinite(soonest):
                self._alarm = asyncio.get_running_loop().call_later(max(soonest, _SHORTEST_WAIT), self.update)

    def _decide(self, waiting: _Waiting, opens: dict[str, float], now: float) -> bool:
        """Grant a slot, or report that there will be none; False if the task has to wait."""
        names = [candidate.backend for candidate in waiting.candidates]
        best = self._best(waiting.candidates, opens) if now < self.deadline else None
        if best is not None:
            self.slots[best.backend].take()
            waiting.granted.set_result(best)
            opens[best.backend] = self.slots[best.backend].opens_in(now)
            return True
        if now < self.deadline and any(np.isfinite(opens[name]) or self.slots[name].n_jobs for name in names):
            return False
        waiting.granted.set_result(None)
        return True

    def _best(self, candidates: Iterable[Candidate], opens: Mapping[str, float]) -> Candidate | None:
        """Return the best candidate with room in the lowest tier that takes jobs; None if all of it is full."""
        open_now = [candidate for candidate in candidates if opens[candidate.backend] <= 0]
        lowest = min((candidate.tier for candidate in open_now), default=0)
        ready = [own for own in open_now if own.tier == lowest and self.slots[own.backend].has_room(self.limit)]
        return max(ready, key=self.score, default=None)

    def _give_back(self, granted: Candidate | None) -> None:
        if granted is not None:
            slot = self.slots[granted.backend]
            slot.n_jobs -= 1
            slot.breaker.given_up()
            self.update()
