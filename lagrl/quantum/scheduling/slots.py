"""Who has room for a job, and who waits for it."""

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
    from lagrl.quantum.scheduling.work import Option

_UNKNOWN_CHARGE = 10.0  # seconds that a job is taken for until one has shown what it takes; the first is let through
_SOONEST = 1e-3  # seconds between looks at clocks: two clocks never agree to the last digit


@dataclass(eq=False)
class Slot:
    """A quantum computer and what the scheduler knows of it.

    Attributes
    ----------
    qpu
        The quantum computer.
    breaker, rating
        Its record.
    n_inside
        Jobs that it holds now.
    """

    qpu: QPU
    breaker: CircuitBreaker
    rating: Rating = field(default_factory=Rating)
    n_inside: int = 0

    @property
    def is_affordable(self) -> bool:
        """Whether its plan has time for one more job, after those that it holds."""
        if self.rating.n_done:
            return self.qpu.plan_seconds() > (1 + self.n_inside) * self.rating.charged_seconds
        return self.qpu.plan_seconds() > self.n_inside * _UNKNOWN_CHARGE

    def opens_in(self, now: float) -> float:
        """Seconds until it takes jobs; 0 if it does now, infinite if there is nothing to wait for
        but the end of a job."""
        if not self.is_affordable or self.breaker.is_trying:
            return np.inf
        return max(self.qpu.opens_in(now), self.breaker.opens_in(now))


@dataclass(eq=False)
class _Waiting:
    """A piece of work that wants one of these options, and how often it was tried before."""

    options: tuple[Option, ...]
    n_tried: int
    answer: asyncio.Future[Option | None]


class WaitingRoom:
    """Gives places to those who wait: those who have failed most often first, else in the order of their coming.

    Work that has failed would otherwise begin anew when all else is done, and be waited for alone. Nothing here waits
    between looking at a slot and taking it, so that callers of one event loop cannot disturb each other.

    Parameters
    ----------
    slots
        By name of the quantum computer.
    most
        Most jobs inside each.
    deadline
        Seconds after which nobody gets a place.
    now
        The scheduler's clock.
    score
        How good an option is now.
    """

    def __init__(
        self,
        slots: Mapping[str, Slot],
        most: int,
        deadline: float,
        now: Callable[[], float],
        score: Callable[[Option], float],
    ) -> None:
        self._slots, self._most, self._deadline, self._now, self._score = slots, most, deadline, now, score
        self._queue: list[_Waiting] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._shut: set[str] = set()  # take no more: told to all who wait

    async def place(self, options: Sequence[Option], n_tried: int = 0) -> Option | None:
        """Wait for a place, and take it; None once nothing more may be sent, or nobody will take any."""
        waiting = _Waiting(tuple(options), n_tried, asyncio.get_running_loop().create_future())
        now = self._now()
        try:
            if not self._decide(waiting, self._openings(now), now):
                bisect.insort(self._queue, waiting, key=lambda other: -other.n_tried)
                self._shut.clear()  # to be looked at anew
                self._set_alarm(now)
            return await waiting.answer
        except BaseException:
            answer = waiting.answer
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self._give_back(answer.result())
            answer.cancel()  # nobody gives it a place any more
            raise

    def take(self, option: Option) -> None:
        """Take a place without asking for it."""
        slot = self._slots[option.backend]
        slot.n_inside += 1
        slot.breaker.sent()

    def look(self) -> None:
        """Give out the places there are; to be called whenever a quantum computer has changed.

        If one cannot tell how it is, everybody who waits is told so: none of them would be looked at again.
        """
        try:
            self._look()
        except Exception as error:
            queue, self._queue = self._queue, []
            for waiting in queue:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)

    def _look(self) -> None:
        now = self._now()
        opens = self._openings(now)
        shut = {name for name, wait in opens.items() if not np.isfinite(wait) and not self._slots[name].n_inside}
        is_of_use = now >= self._deadline or not shut <= self._shut
        self._shut = shut
        left = []
        for i, waiting in enumerate(self._queue):
            if not is_of_use and not any(wait <= 0 and self._is_free(name) for name, wait in opens.items()):
                left += self._queue[i:]
                break
            if not waiting.answer.done() and not self._decide(waiting, opens, now):  # done: cancelled
                left.append(waiting)
        self._queue = left
        self._set_alarm(now)

    def forget(self) -> None:
        """Drop everybody: their event loop is gone."""
        self._queue, self._alarm, self._shut = [], None, set()

    def _openings(self, now: float) -> dict[str, float]:
        return {name: slot.opens_in(now) for name, slot in self._slots.items()}

    def _set_alarm(self, now: float) -> None:
        """Look again when a window opens, a pause or the time is over."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._queue:
            waits = (*self._openings(now).values(), self._deadline - now)
            soonest = min((wait for wait in waits if wait > 0), default=np.inf)
            if np.isfinite(soonest):
                self._alarm = asyncio.get_running_loop().call_later(max(soonest, _SOONEST), self.look)

    def _decide(self, waiting: _Waiting, opens: dict[str, float], now: float) -> bool:
        """Give a place, or tell that there will be none; False if it has to wait."""
        names = [option.backend for option in waiting.options]
        best = self._best(waiting.options, opens) if now < self._deadline else None
        if best is not None:
            self.take(best)
            waiting.answer.set_result(best)
            opens[best.backend] = self._slots[best.backend].opens_in(now)
            return True
        if now < self._deadline and any(np.isfinite(opens[name]) or self._slots[name].n_inside for name in names):
            return False
        waiting.answer.set_result(None)
        return True

    def _best(self, options: Iterable[Option], opens: Mapping[str, float]) -> Option | None:
        """Return the best option with room of the lowest tier in which anybody takes jobs; None if all are full."""
        willing = [option for option in options if opens[option.backend] <= 0]
        lowest = min((option.tier for option in willing), default=0)
        ready = [option for option in willing if option.tier == lowest and self._is_free(option.backend)]
        return max(ready, key=self._score, default=None)

    def _is_free(self, name: str) -> bool:
        slot = self._slots[name]
        return slot.n_inside < min(self._most, slot.qpu.places)

    def _give_back(self, taken: Option | None) -> None:
        if taken is not None:
            slot = self._slots[taken.backend]
            slot.n_inside -= 1
            slot.breaker.given_up()
            self.look()
