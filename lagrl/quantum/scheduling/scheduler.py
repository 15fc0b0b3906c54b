"""Sends subproblems to several quantum computers at once, and loses none of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.execution import checked_execution
from lagrl.quantum.ibm.failures import (
    ExecutionError,
    JobTimeoutError,
    NoLineError,
    PlanExhaustedError,
    QueueTimeoutError,
    TokenError,
)
from lagrl.quantum.scheduling.ratings import CircuitBreaker
from lagrl.quantum.scheduling.slots import Slot, WaitingRoom
from lagrl.quantum.scheduling.work import Answer, Attempt, Bill
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.scheduling.qpu import QPU
    from lagrl.quantum.scheduling.ratings import Rating
    from lagrl.quantum.scheduling.work import Job, Option, Work

_SHOWN = 3  # results of one quantum computer after which seconds are known
_FINAL = (PlanExhaustedError, TokenError)  # a second try would fail alike
_RANK = ("", "intended", "submitted", "finished")  # of what is known of a job, the least first


@dataclass(frozen=True)
class SchedulerOptions:
    """How patient a scheduler is.

    Attributes
    ----------
    queue_length
        Jobs a quantum computer may hold at once: those waiting there, and the one that runs.
    timeout
        Most seconds from sending a job to giving it up.
    patience
        A job is given up earlier after so many times the seconds that its quantum computer is expected to take, once
        three results of some came back; infinite to wait for `timeout` always.
    least_timeout
        Fewest seconds after which `patience` gives a job up: simulators answer in milliseconds, but for what they
        compile first.
    retries
        How often more a job is sent to the same quantum computer before the next one gets it.
    backoff
        Seconds before the first retry; twice as many before each later one.
    deadline
        Seconds since the scheduler's start after which nothing more is sent or waited for; infinite for no end.
    threshold, pause
        See `CircuitBreaker`.

    Where both `timeout` and `patience` are infinite a quantum computer that never answers is waited for without end.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    queue_length: int = 6
    timeout: float = 3600.0
    patience: float = 5.0
    least_timeout: float = 30.0
    retries: int = 1
    backoff: float = 1.0
    deadline: float = np.inf
    threshold: int = 3
    pause: float = 30.0

    def __post_init__(self) -> None:
        if self.queue_length < 1 or self.retries < 0 or self.threshold < 1:
            raise InputError(
                f"{self}", field="scheduler", remedy="give 1 or more places and failures, 0 or more retries"
            )
        if not (self.timeout > 0 and self.backoff >= 0 and self.deadline > 0 and self.pause > 0 and self.patience > 1):
            raise InputError(f"{self}", field="scheduler", remedy="give times above 0, and a patience above 1")
        if not (self.least_timeout >= 0 and np.isfinite(self.least_timeout) and np.isfinite(self.backoff)):
            raise InputError(f"{self}", field="scheduler", remedy="give a least timeout and a backoff of 0 or more")


WAIT = SchedulerOptions(timeout=np.inf, patience=np.inf)
"""Waits for every result as long as it takes: for simulators, which answer in the end."""


class Scheduler:
    """Answers every piece of work once, by the best quantum computer that has room for it.

    Which one is best depends on how much it is wanted, how reliable it was, how long its results take, how long its
    queue is, and how well the circuits fit; closed ones, failing ones and those whose plan is used up are passed over.
    Work whose job fails, is refused, waits too long or finds no line goes on to the next option. If a job may still be
    executed when its time is over, or was sent and cannot be read, it is not sent again, since that could be paid
    twice: where jobs are remembered it is read once more, and at last the asker falls back on the product state. So no
    work is lost, and none executed twice. Where an earlier process has sent a job of this work, that is asked for
    first, wherever it is and whether or not more is sent there now.

    One event loop at a time; several callers in it may ask at once, each for work of keys of its own.

    Parameters
    ----------
    qpus
        Quantum computers.
    options
        Patience.

    Raises
    ------
    InputError
        If two have the same name.
    """

    def __init__(self, qpus: Sequence[QPU], options: SchedulerOptions | None = None) -> None:
        self.options = options or SchedulerOptions()
        self._slots = {qpu.name: Slot(qpu, CircuitBreaker(self.options.threshold, self.options.pause)) for qpu in qpus}
        if len(self._slots) < len(qpus):
            raise InputError(
                ", ".join(qpu.name for qpu in qpus), field="quantum computers", remedy="give each a name of its own"
            )
        self._room = WaitingRoom(self._slots, self.options.queue_length, self.options.deadline, self._now, self._score)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began = self._seen = 0.0
        self._asked: set[str] = set()
        self._sent: set[_Sent] = set()

    def rating(self, backend: str) -> Rating:
        """Return a quantum computer's record."""
        return self._slots[backend].rating

    async def answer(self, work: Sequence[Work]) -> list[Answer]:
        """Answer all pieces of work, several at once; the answers are in the order of the work.

        Where it is cancelled nothing more is sent, and what waits in queues is taken back.

        Raises
        ------
        InputError
            If two pieces have the same key, one of them is asked for already, or one names a quantum computer that is
            not there or too narrow; if another event loop is at work; if a circuit cannot be made, or an executor
            gives something else than was asked for. Other errors of quantum computers than `ExecutionError`
            come out as they are. All other work of the call is cancelled then.
        """
        self._enter()
        self._require(work)
        self._asked.update(piece.key for piece in work)
        tasks = [asyncio.ensure_future(self._one(piece)) for piece in work]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._asked.difference_update(piece.key for piece in work)

    def _enter(self) -> None:
        """Begin with the running event loop; what another one has left behind is forgotten, but not its time."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._asked and self._loop is not None and self._loop.is_running():
            raise InputError("another event loop is at work", field="scheduler", remedy="take a scheduler for each")
        self._loop, self._began = loop, loop.time() - self._seen
        self._asked.clear()
        self._sent.clear()
        self._room.forget()
        for slot in self._slots.values():
            slot.n_inside = 0
            slot.breaker.given_up()

    def _require(self, work: Sequence[Work]) -> None:
        keys = [piece.key for piece in work]
        if len(set(keys)) < len(keys):
            raise InputError("two pieces of work have the same key", field="work", remedy="give each its own")
        if not self._asked.isdisjoint(keys):
            raise InputError("work of this key is asked for already", field="work", remedy="give each a key of its own")
        for piece in work:
            for option in piece.options:
                slot = self._slots.get(option.backend)
                if slot is None or option.width > slot.qpu.max_width:
                    told = "is not there" if slot is None else f"takes {slot.qpu.max_width} qubits"
                    raise InputError(
                        f"{option.backend} {told}",
                        field=f"work {piece.key}",
                        remedy=f"choose among {', '.join(self._slots) or 'none'}, and circuits that fit",
                    )

    def _now(self) -> float:
        self._seen = asyncio.get_running_loop().time() - self._began
        return self._seen

    async def _one(self, piece: Work) -> Answer:
        """Try the options until one answers, none is left, or the time is over."""
        attempts: list[Attempt] = []
        bill = Bill()
        tries = dict.fromkeys((option.backend for option in piece.options), 1 + self.options.retries)
        option = self._sent_before(piece)
        if option is not None:  # to ask for what is there costs nothing: no room, window or plan is needed
            self._room.take(option)
        while left := [other for other in piece.options if tries[other.backend] > 0]:
            if option is None:
                option = await self._room.place(left, len(attempts))
            if option is None:
                now = self._now()
                attempts.append(Attempt("scheduler", now, now, "no time left, or nobody takes jobs"))
                break
            tried = await self._try(piece, option)
            attempts.append(tried.attempt)
            bill.add(tried.cost, is_same_job=tried.is_readable)
            if tried.codes is not None:
                return Answer(piece.key, option.backend, tried.codes, bill.total, tuple(attempts))
            tries[option.backend] = 0 if tried.is_final else tries[option.backend] - 1
            if tried.attempt.is_open and not (tried.is_readable and tries[option.backend] > 0):
                break
            if tries[option.backend] > 0:
                n_failed = sum(earlier.backend == option.backend for earlier in attempts)
                await asyncio.sleep(self.options.backoff * 2.0 ** (n_failed - 1))
            if tried.is_readable:
                self._room.take(option)
            else:
                option = None
        return Answer(piece.key, "", None, bill.total, tuple(attempts))

    def _sent_before(self, piece: Work) -> Option | None:
        """Return the option whose job an earlier process sent, if there is one; where none remembers, none is made.

        Of several, the one that is furthest: another may have been left for it.
        """
        durable = [option for option in piece.options if self._slots[option.backend].qpu.has_journal]
        states = [_RANK.index(self._slots[own.backend].qpu.job_state(piece.job(own))) for own in durable]
        return durable[int(np.argmax(states))] if any(states) else None

    def _score(self, option: Option) -> float:
        """Rate an option: wish × reliability × fit, over the seconds until its result is expected."""
        slot = self._slots[option.backend]
        wait = slot.qpu.queue_seconds() + (1 + slot.n_inside) * self._service_seconds(slot)
        fit = 0.5 + 0.5 * option.width / slot.qpu.max_width
        return option.priority * slot.rating.reliability * fit / max(wait, 1e-9)

    def _service_seconds(self, slot: Slot) -> float:
        """Seconds from sending to result: its own, or else as others have shown, or else one."""
        if slot.rating.service_seconds is not None:
            return slot.rating.service_seconds
        known = [s.rating.service_seconds for s in self._slots.values() if s.rating.service_seconds is not None]
        return float(np.mean(known)) if known else 1.0

    def _gives_up_at(self, sent: _Sent) -> float:
        """When a job is given up; infinite for never."""
        limit = self.options.timeout
        if any(other.rating.n_done >= _SHOWN for other in self._slots.values()):
            expected = max(self._service_seconds(sent.slot), sent.slot.qpu.queue_seconds())
            limit = min(limit, max(self.options.patience * expected, self.options.least_timeout))
        return min(sent.began + limit, self.options.deadline)

    def _set_alarms(self) -> None:
        """Say anew when jobs under way are given up: what is expected has changed."""
        for sent in self._sent:
            if not sent.alarm.expired():
                self._set_alarm(sent)

    def _set_alarm(self, sent: _Sent) -> None:
        until = self._gives_up_at(sent)
        sent.alarm.reschedule(self._began + until if np.isfinite(until) else None)

    async def _try(self, piece: Work, option: Option) -> _Tried:
        """Send a job and wait; the place is left, and the record kept, before anybody else looks."""
        slot, began = self._slots[option.backend], self._now()
        try:
            tried = await self._send(piece.job(option), option, slot, began)
        except BaseException:  # given up by the asker, or a mistake: it says nothing about the quantum computer
            slot.breaker.given_up()
            raise
        else:
            if tried.codes is not None:
                slot.rating.succeeded(tried.attempt.ended - began, tried.cost.qpu_seconds)
                slot.breaker.succeeded()
            elif tried.is_misfit:
                slot.breaker.given_up()
            else:
                slot.rating.failed()
                slot.breaker.failed(tried.attempt.ended, is_final=tried.is_final)
            self._set_alarms()
            return tried
        finally:
            slot.n_inside -= 1
            self._room.look()

    async def _send(self, job: Job, option: Option, slot: Slot, began: float) -> _Tried:
        alarm = asyncio.timeout(None)
        sent = _Sent(slot, began, alarm)
        problem, tried = "", _Tried()
        try:
            async with alarm:
                self._sent.add(sent)
                self._set_alarm(sent)
                given = await slot.qpu.run(job)
            done = checked_execution(given, job.pubs, job.shots, option.backend)
            tried = _Tried(codes=done.codes, cost=done.cost)
        except TimeoutError:
            if not alarm.expired():  # the executor's own
                raise
            is_open = slot.qpu.is_running(job.key) or _is_remembered(slot.qpu, job)
            fate = "it may still run" if is_open else "taken back from the queue"
            problem = f"no result after {self._now() - began:g} s, {fate}"
            tried = _Tried(is_open=is_open, cost=SamplingCost(jobs=1, backend=option.backend))
        except NoLineError as error:
            problem, tried = str(error), _Tried(is_final=True, is_misfit=True)
        except ExecutionError as error:
            problem = error.problem
            is_over = isinstance(error, JobTimeoutError) and not isinstance(error, QueueTimeoutError)
            is_remembered = _is_remembered(slot.qpu, job)
            tried = _Tried(
                is_open=is_over or error.may_be_sent or is_remembered,
                is_readable=is_remembered and not is_over,
                is_final=isinstance(error, _FINAL),
                cost=error.cost,
            )
        finally:
            self._sent.discard(sent)
        return replace(tried, attempt=Attempt(option.backend, began, self._now(), problem, tried.is_open))


def _is_remembered(qpu: QPU, job: Job) -> bool:
    """Whether a quantum computer has kept that it was, or may have been, sent this job."""
    return qpu.has_journal and qpu.job_state(job) != ""


@dataclass(eq=False)
class _Sent:
    """A job under way, and when it is given up."""

    slot: Slot
    began: float
    alarm: asyncio.Timeout


@dataclass(frozen=True, eq=False)
class _Tried:
    """What came of one try."""

    attempt: Attempt = field(default_factory=lambda: Attempt("", 0.0, 0.0))
    codes: list[NDArray[np.int64]] | None = None
    cost: SamplingCost = field(default_factory=SamplingCost)
    is_open: bool = False
    is_readable: bool = False  # another try reads the same job
    is_final: bool = False
    is_misfit: bool = False  # no fault of the quantum computer
