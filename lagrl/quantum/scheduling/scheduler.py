"""Scheduler that runs tasks on several quantum computers at once: none is lost, none is executed twice."""

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
from lagrl.quantum.scheduling.slots import PriorityQueue, Slot
from lagrl.quantum.scheduling.tasks import Attempt, TaskResult, Usage
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.scheduling.qpu import QPU
    from lagrl.quantum.scheduling.ratings import Rating
    from lagrl.quantum.scheduling.tasks import Candidate, Job, Task

_MEASURED = 3  # results of one quantum computer after which service times count as known
_FINAL = (PlanExhaustedError, TokenError)  # a second attempt would fail in the same way
_PROGRESS = ("", "intended", "submitted", "finished")  # job states, in order


@dataclass(frozen=True)
class SchedulerOptions:
    """Timeouts, retries and limits of a scheduler. Raises `InputError` if a number is out of range.

    Attributes
    ----------
    queue_length
        Largest number of jobs a quantum computer holds, the running one included.
    timeout
        Seconds after which a job is given up.
    patience
        A job is given up earlier, after this multiple of its quantum computer's expected time, once one of them
        has returned three results; infinite for `timeout` alone.
    least_timeout
        Fewest seconds after which `patience` gives a job up: simulators return in milliseconds, but compile first.
    retries
        Number of further attempts on the same quantum computer before the next candidate.
    backoff
        Seconds before the first retry, doubled before each later one.
    deadline
        Seconds since the scheduler's start after which nothing is sent or waited for; infinite for no deadline.
    threshold, pause
        See `CircuitBreaker`.

    If `timeout` and `patience` are infinite, a quantum computer that never returns is waited for without end.
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
            remedy = "give a queue length and a threshold of 1 or more, and 0 or more retries"
        elif not (min(self.timeout, self.deadline, self.pause) > 0 and self.backoff >= 0 and self.patience > 1):
            remedy = "give times above 0, and a patience above 1"
        elif not (self.least_timeout >= 0 and np.isfinite([self.least_timeout, self.backoff]).all()):
            remedy = "give a finite least timeout and backoff of 0 or more"
        else:
            return
        raise InputError(f"{self}", field="scheduler", remedy=remedy)


WAIT = SchedulerOptions(timeout=np.inf, patience=np.inf)
"""Options that wait for every result without a limit: for simulators, which always return."""


class Scheduler:
    """Runs every task once, on the best of its candidates that has room.

    Candidates are rated by priority, reliability, expected service and queue time, and fit of the circuits. Closed
    quantum computers, failing ones and those with an exhausted plan are skipped. A task whose job fails, is refused,
    times out in the queue or finds no line goes to the next candidate. If a job may still be executed after its
    timeout, or was sent and cannot be read, it is not sent again, since that could be charged twice: if the quantum
    computer has a journal the job is read once more, and after that the task has no result and the caller uses the
    product state. A job that an earlier process sent for this task is read first, even if its backend is closed.

    One event loop at a time; several callers in it may run tasks at once, with different keys. Raises `InputError` if
    two quantum computers have the same name.

    Parameters
    ----------
    qpus
        Quantum computers, of different names.
    options
        Timeouts and limits.
    """

    def __init__(self, qpus: Sequence[QPU], options: SchedulerOptions | None = None) -> None:
        self.options = options or SchedulerOptions()
        self._slots = {qpu.name: Slot(qpu, CircuitBreaker(self.options.threshold, self.options.pause)) for qpu in qpus}
        if len(self._slots) < len(qpus):
            names = ", ".join(qpu.name for qpu in qpus)
            raise InputError(names, field="quantum computers", remedy="give each another name")
        self._queue = PriorityQueue(
            self._slots, self.options.queue_length, self.options.deadline, self._now, self._score
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began = self._seen = 0.0
        self._keys: set[str] = set()
        self._sent: set[_Sent] = set()

    def rating(self, backend: str) -> Rating:
        """Return a quantum computer's record of jobs and times."""
        return self._slots[backend].rating

    async def run(self, tasks: Sequence[Task]) -> list[TaskResult]:
        """Run all tasks concurrently and return their results, in the order of the tasks.

        If it is cancelled, nothing more is sent and jobs that wait in queues are withdrawn.

        Raises
        ------
        InputError
            If two tasks have the same key, a task of this key runs already, or a candidate names an unknown quantum
            computer or one too narrow; if another event loop is running tasks; if a circuit cannot be made, or an
            executor returns a wrong result. Errors of quantum computers other than `ExecutionError` are passed on.
            All other tasks of the call are cancelled then.
        """
        self._enter()
        self._require(tasks)
        self._keys.update(task.key for task in tasks)
        futures = [asyncio.ensure_future(self._run_one(task)) for task in tasks]
        try:
            return list(await asyncio.gather(*futures))
        finally:
            for future in futures:
                future.cancel()
            await asyncio.gather(*futures, return_exceptions=True)
            self._keys.difference_update(task.key for task in tasks)

    def _enter(self) -> None:
        """Use the running event loop; forget the tasks of an earlier one, but keep its time."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._keys and self._loop is not None and self._loop.is_running():
            raise InputError("another event loop is running tasks", field="scheduler", remedy="use one for each loop")
        self._loop, self._began = loop, loop.time() - self._seen
        self._keys.clear()
        self._sent.clear()
        self._queue.clear()
        for slot in self._slots.values():
            slot.n_jobs = 0
            slot.breaker.given_up()

    def _require(self, tasks: Sequence[Task]) -> None:
        keys = [task.key for task in tasks]
        if len(set(keys)) < len(keys):
            raise InputError("two tasks have the same key", field="tasks", remedy="give each another key")
        if not self._keys.isdisjoint(keys):
            raise InputError("a task of this key runs already", field="tasks", remedy="give each another key")
        for task in tasks:
            for candidate in task.candidates:
                slot = self._slots.get(candidate.backend)
                if slot is None or candidate.width > slot.qpu.max_width:
                    reason = "is unknown" if slot is None else f"takes {slot.qpu.max_width} qubits"
                    raise InputError(
                        f"{candidate.backend} {reason}",
                        field=f"task {task.key}",
                        remedy=f"choose among {', '.join(self._slots) or 'none'}, and circuits that fit",
                    )

    def _now(self) -> float:
        self._seen = asyncio.get_running_loop().time() - self._began
        return self._seen

    async def _run_one(self, task: Task) -> TaskResult:
        """Try the candidates until one returns a result, none is left, or the deadline is reached."""
        attempts: list[Attempt] = []
        usage = Usage()
        tries = dict.fromkeys((candidate.backend for candidate in task.candidates), 1 + self.options.retries)
        candidate = self._sent_before(task)
        if candidate is not None:  # reading a job is free: it needs no room, window or plan
            self._slots[candidate.backend].take()
        while left := [other for other in task.candidates if tries[other.backend] > 0]:
            if candidate is None:
                candidate = await self._queue.get(left, len(attempts))
            if candidate is None:
                now = self._now()
                attempts.append(Attempt("scheduler", now, now, "no time left, or nobody takes jobs"))
                break
            outcome = await self._try(task, candidate)
            attempts.append(outcome.attempt)
            usage.add(outcome.cost, is_same_job=outcome.is_readable)
            if outcome.codes is not None:
                return TaskResult(task.key, candidate.backend, outcome.codes, usage.total, tuple(attempts))
            tries[candidate.backend] = 0 if outcome.is_final else tries[candidate.backend] - 1
            if outcome.is_open and not (outcome.is_readable and tries[candidate.backend] > 0):
                break
            if tries[candidate.backend] > 0:
                n_failed = sum(earlier.backend == candidate.backend for earlier in attempts)
                await asyncio.sleep(self.options.backoff * 2.0 ** (n_failed - 1))
            if outcome.is_readable:
                self._slots[candidate.backend].take()
            else:
                candidate = None
        return TaskResult(task.key, "", None, usage.total, tuple(attempts))

    def _sent_before(self, task: Task) -> Candidate | None:
        """Return the candidate whose job an earlier process sent; of several, the one with the most progress.

        Only quantum computers with a journal are asked, so that no other circuits are made.
        """
        durable = [own for own in task.candidates if self._slots[own.backend].qpu.has_journal]
        states = [_PROGRESS.index(self._slots[own.backend].qpu.job_state(task.job(own))) for own in durable]
        return durable[int(np.argmax(states))] if any(states) else None

    def _score(self, candidate: Candidate) -> float:
        """Rate a candidate: priority × reliability × fit, over the seconds until its expected result."""
        slot = self._slots[candidate.backend]
        wait = slot.qpu.queue_seconds() + (1 + slot.n_jobs) * self._service_seconds(slot)
        fit = 0.5 + 0.5 * candidate.width / slot.qpu.max_width
        return candidate.priority * slot.rating.reliability * fit / max(wait, 1e-9)

    def _service_seconds(self, slot: Slot) -> float:
        """Return the seconds from sending to result: measured here, else the mean of the others, else 1."""
        if slot.rating.service_seconds is not None:
            return slot.rating.service_seconds
        known = [s.rating.service_seconds for s in self._slots.values() if s.rating.service_seconds is not None]
        return float(np.mean(known)) if known else 1.0

    def _set_alarm(self, sent: _Sent) -> None:
        """Set when a job is given up, by the times measured so far."""
        limit = self.options.timeout
        if any(other.rating.n_done >= _MEASURED for other in self._slots.values()):
            expected = max(self._service_seconds(sent.slot), sent.slot.qpu.queue_seconds())
            limit = min(limit, max(self.options.patience * expected, self.options.least_timeout))
        until = min(sent.began + limit, self.options.deadline)
        sent.alarm.reschedule(self._began + until if np.isfinite(until) else None)

    async def _try(self, task: Task, candidate: Candidate) -> _Outcome:
        """Send a job and wait; free the slot and update its records before any other task looks."""
        slot, began = self._slots[candidate.backend], self._now()
        try:
            outcome = await self._send(task.job(candidate), candidate, slot, began)
        except BaseException:  # cancelled, or a mistake: it says nothing about the quantum computer
            slot.breaker.given_up()
            raise
        else:
            if outcome.codes is not None:
                slot.rating.succeeded(outcome.attempt.ended - began, outcome.cost.qpu_seconds)
                slot.breaker.succeeded()
            elif outcome.is_misfit:
                slot.breaker.given_up()
            else:
                slot.rating.failed()
                slot.breaker.failed(outcome.attempt.ended, is_final=outcome.is_final)
            for sent in self._sent:  # expected times have changed
                if not sent.alarm.expired():
                    self._set_alarm(sent)
            return outcome
        finally:
            slot.n_jobs -= 1
            self._queue.update()

    async def _send(self, job: Job, candidate: Candidate, slot: Slot, began: float) -> _Outcome:
        alarm = asyncio.timeout(None)
        sent = _Sent(slot, began, alarm)
        problem, outcome = "", _Outcome()
        try:
            async with alarm:
                self._sent.add(sent)
                self._set_alarm(sent)
                execution = await slot.qpu.run(job)
            done = checked_execution(execution, job.pubs, job.shots, candidate.backend)
            outcome = _Outcome(codes=done.codes, cost=done.cost)
        except TimeoutError:
            if not alarm.expired():  # raised by the executor
                raise
            is_open = slot.qpu.is_running(job.key) or _is_stored(slot.qpu, job)
            fate = "it may still run" if is_open else "taken back from the queue"
            problem = f"no result after {self._now() - began:g} s, {fate}"
            outcome = _Outcome(is_open=is_open, cost=SamplingCost(jobs=1, backend=candidate.backend))
        except NoLineError as error:
            problem, outcome = str(error), _Outcome(is_final=True, is_misfit=True)
        except ExecutionError as error:
            problem = error.problem
            is_over = isinstance(error, JobTimeoutError) and not isinstance(error, QueueTimeoutError)
            is_stored = _is_stored(slot.qpu, job)
            outcome = _Outcome(
                is_open=is_over or error.may_be_sent or is_stored,
                is_readable=is_stored and not is_over,
                is_final=isinstance(error, _FINAL),
                cost=error.cost,
            )
        finally:
            self._sent.discard(sent)
        return replace(outcome, attempt=Attempt(candidate.backend, began, self._now(), problem, outcome.is_open))


def _is_stored(qpu: QPU, job: Job) -> bool:
    """Whether a quantum computer's journal says that this job was, or may have been, sent."""
    return qpu.has_journal and qpu.job_state(job) != ""


@dataclass(eq=False)
class _Sent:
    """A job that was sent, and the alarm that gives it up."""

    slot: Slot
    began: float
    alarm: asyncio.Timeout


@dataclass(frozen=True, eq=False)
class _Outcome:
    """Outcome of one attempt to run a task."""

    attempt: Attempt = field(default_factory=lambda: Attempt("", 0.0, 0.0))
    codes: list[NDArray[np.int64]] | None = None
    cost: SamplingCost = field(default_factory=SamplingCost)
    is_open: bool = False
    is_readable: bool = False  # another attempt reads the same job
    is_final: bool = False
    is_misfit: bool = False  # no fault of the quantum computer
