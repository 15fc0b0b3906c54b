"""Scheduler that runs tasks on several machines at once: none is lost, none is executed twice."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.backend import checked_execution
from lagrl.quantum.ibm.failures import (
    ExecutionError,
    JobTimeoutError,
    NoLineError,
    PlanExhaustedError,
    QueueTimeoutError,
    TokenError,
)
from lagrl.quantum.scheduling.machine import PriorityQueue
from lagrl.quantum.scheduling.tasks import Attempt, TaskResult, better_known
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.circuits.backend import Job
    from lagrl.quantum.scheduling.machine import Machine, Rating
    from lagrl.quantum.scheduling.tasks import Candidate, Task

TIMEOUT = 3600.0  # seconds after which a job is given up
PATIENCE = 5.0  # a job is given up earlier, after this multiple of its machine's expected time, once that is known
LEAST_TIMEOUT = 30.0  # fewest seconds after which it is given up so: simulators return at once, but compile first
RETRIES = 1  # further attempts on the same machine before the next candidate
BACKOFF = 1.0  # seconds before the first retry, doubled before each later one
_MEASURED = 3  # results of one machine after which service times count as known
_FINAL = (PlanExhaustedError, TokenError)  # a second attempt would fail in the same way
_PROGRESS = ("", "intended", "submitted", "finished")  # job states, in order


class Scheduler:
    """Runs every task once, on the best of its candidates that has room.

    Candidates are rated by priority, reliability, expected service and queue time, and fit of the circuits. Closed
    machines, failing ones and those with an exhausted plan are skipped. A task whose job fails, is refused, times out
    in the queue or finds no line goes to the next candidate. If a job may still be executed after its timeout, or was
    sent and cannot be read, it is not sent again, since that could be charged twice: if the machine has a journal the
    job is read once more, and after that the task has no result and the caller uses the product state. A job that an
    earlier process sent for this task is read first, even if its machine is closed.

    One event loop at a time; several callers in it may run tasks at once, with different keys. Raises `InputError` if
    two machines have the same name, or the timeout is not above 0.

    Parameters
    ----------
    machines
        The machines, of different names.
    timeout
        Seconds after which a job is given up; earlier once others have shown how long jobs take (`PATIENCE`). If
        infinite, every result is waited for without a limit: for simulators, which always return.
    """

    def __init__(self, machines: Sequence[Machine], timeout: float = TIMEOUT) -> None:
        if not timeout > 0:
            raise InputError(f"{timeout} given", field="timeout", remedy="give seconds above 0")
        self.timeout = timeout
        self._machines = {machine.name: machine for machine in machines}
        if len(self._machines) < len(machines):
            names = ", ".join(machine.name for machine in machines)
            raise InputError(names, field="quantum computers", remedy="give each another name")
        self._queue = PriorityQueue(self._machines, self._now, self._score)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began = self._seen = 0.0
        self._keys: set[str] = set()
        self._sent: set[_Sent] = set()

    def rating(self, backend: str) -> Rating:
        """Return a machine's record of jobs and times."""
        return self._machines[backend].rating

    async def run(self, tasks: Sequence[Task]) -> list[TaskResult]:
        """Run all tasks concurrently and return their results, in the order of the tasks.

        If it is cancelled, nothing more is sent and jobs that wait in queues are withdrawn.

        Raises
        ------
        InputError
            If two tasks have the same key, a task of this key runs already, or a candidate names an unknown
            machine or one too narrow; if another event loop is running tasks; if a circuit cannot be made, or a
            backend returns a wrong result. Errors of backends other than `ExecutionError` are passed on.
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
        for machine in self._machines.values():
            machine.n_jobs = 0
            machine.breaker.given_up()

    def _require(self, tasks: Sequence[Task]) -> None:
        keys = [task.key for task in tasks]
        if len(set(keys)) < len(keys):
            raise InputError("two tasks have the same key", field="tasks", remedy="give each another key")
        if not self._keys.isdisjoint(keys):
            raise InputError("a task of this key runs already", field="tasks", remedy="give each another key")
        for task in tasks:
            for candidate in task.candidates:
                machine = self._machines.get(candidate.backend)
                if machine is None or candidate.width > machine.backend.max_width:
                    reason = "is unknown" if machine is None else f"takes {machine.backend.max_width} qubits"
                    raise InputError(
                        f"{candidate.backend} {reason}",
                        field=f"task {task.key}",
                        remedy=f"choose among {', '.join(self._machines) or 'none'}, and circuits that fit",
                    )

    def _now(self) -> float:
        self._seen = asyncio.get_running_loop().time() - self._began
        return self._seen

    async def _run_one(self, task: Task) -> TaskResult:
        """Try the candidates until one returns a result, or none is left."""
        attempts: list[Attempt] = []
        costs: list[SamplingCost] = []  # of each job; one that is read again counts once
        is_same_job = False
        tries = dict.fromkeys((candidate.backend for candidate in task.candidates), 1 + RETRIES)
        candidate = self._sent_before(task)
        if candidate is not None:  # reading a job is free: it needs no room, window or plan
            self._machines[candidate.backend].take()
        while left := [other for other in task.candidates if tries[other.backend] > 0]:
            if candidate is None:
                candidate = await self._queue.get(left, len(attempts))
            if candidate is None:
                now = self._now()
                attempts.append(Attempt("scheduler", now, now, "nobody takes jobs"))
                break
            outcome = await self._try(task, candidate)
            attempts.append(outcome.attempt)
            costs.append(better_known(costs.pop(), outcome.cost) if is_same_job else outcome.cost)
            is_same_job = outcome.is_readable
            if outcome.codes is not None:
                return TaskResult(
                    task.key, candidate.backend, outcome.codes, sum(costs, SamplingCost()), tuple(attempts)
                )
            tries[candidate.backend] = 0 if outcome.is_final else tries[candidate.backend] - 1
            if outcome.is_open and not (outcome.is_readable and tries[candidate.backend] > 0):
                break
            if tries[candidate.backend] > 0:
                n_failed = sum(earlier.backend == candidate.backend for earlier in attempts)
                await asyncio.sleep(BACKOFF * 2.0 ** (n_failed - 1))
            if outcome.is_readable:
                self._machines[candidate.backend].take()
            else:
                candidate = None
        return TaskResult(task.key, "", None, sum(costs, SamplingCost()), tuple(attempts))

    def _sent_before(self, task: Task) -> Candidate | None:
        """Return the candidate whose job an earlier process sent; of several, the one with the most progress.

        Only machines with a journal are asked, so that no other circuits are made.
        """
        durable = [own for own in task.candidates if self._machines[own.backend].has_journal]
        states = [_PROGRESS.index(self._machines[own.backend].job_state(task.job(own))) for own in durable]
        return durable[int(np.argmax(states))] if any(states) else None

    def _score(self, candidate: Candidate) -> float:
        """Rate a candidate: priority × reliability × fit, over the seconds until its expected result."""
        machine = self._machines[candidate.backend]
        wait = machine.queue_seconds() + (1 + machine.n_jobs) * self._service_seconds(machine)
        fit = 0.5 + 0.5 * candidate.width / machine.backend.max_width
        return candidate.priority * machine.rating.reliability * fit / max(wait, 1e-9)

    def _service_seconds(self, machine: Machine) -> float:
        """Return the seconds from sending to result: measured here, else the mean of the others, else 1."""
        if machine.rating.service_seconds is not None:
            return machine.rating.service_seconds
        known = [own.rating.service_seconds for own in self._machines.values()]
        measured = [seconds for seconds in known if seconds is not None]
        return float(np.mean(measured)) if measured else 1.0

    def _set_alarm(self, sent: _Sent) -> None:
        """Set when a job is given up, by the times measured so far."""
        limit = self.timeout
        if np.isfinite(limit) and any(own.rating.n_done >= _MEASURED for own in self._machines.values()):
            expected = max(self._service_seconds(sent.machine), sent.machine.queue_seconds())
            limit = min(limit, max(PATIENCE * expected, LEAST_TIMEOUT))
        sent.alarm.reschedule(self._began + sent.began + limit if np.isfinite(limit) else None)

    async def _try(self, task: Task, candidate: Candidate) -> _Outcome:
        """Send a job and wait; free its place and update the records before any other task looks."""
        machine, began = self._machines[candidate.backend], self._now()
        try:
            outcome = await self._send(task.job(candidate), machine, began)
        except BaseException:  # cancelled, or a mistake: it says nothing about the machine
            machine.breaker.given_up()
            raise
        else:
            if outcome.codes is not None:
                machine.rating.succeeded(outcome.attempt.ended - began, outcome.cost.qpu_seconds)
                machine.breaker.succeeded()
            elif outcome.is_misfit:
                machine.breaker.given_up()
            else:
                machine.rating.n_failed += 1
                machine.breaker.failed(outcome.attempt.ended, is_final=outcome.is_final)
            for sent in self._sent:  # expected times have changed
                if not sent.alarm.expired():
                    self._set_alarm(sent)
            return outcome
        finally:
            machine.n_jobs -= 1
            self._queue.update()

    async def _send(self, job: Job, machine: Machine, began: float) -> _Outcome:
        alarm = asyncio.timeout(None)
        sent = _Sent(machine, began, alarm)
        name, problem, outcome = machine.name, "", _Outcome()
        try:
            async with alarm:
                self._sent.add(sent)
                self._set_alarm(sent)
                execution = await machine.run(job)
            done = checked_execution(execution, job.pubs, job.shots, name)
            outcome = _Outcome(codes=done.codes, cost=done.cost)
        except TimeoutError:
            if not alarm.expired():  # raised by the backend
                raise
            is_open = job.control.may_run or _is_stored(machine, job)
            fate = "it may still run" if is_open else "taken back from the queue"
            problem = f"no result after {self._now() - began:g} s, {fate}"
            outcome = _Outcome(is_open=is_open, cost=SamplingCost(jobs=1, backend=name))
        except NoLineError as error:
            problem, outcome = str(error), _Outcome(is_final=True, is_misfit=True)
        except ExecutionError as error:
            problem = error.problem
            is_over = isinstance(error, JobTimeoutError) and not isinstance(error, QueueTimeoutError)
            is_stored = _is_stored(machine, job)
            outcome = _Outcome(
                is_open=is_over or error.may_be_sent or is_stored,
                is_readable=is_stored and not is_over,
                is_final=isinstance(error, _FINAL),
                cost=error.cost,
            )
        finally:
            self._sent.discard(sent)
        return replace(outcome, attempt=Attempt(name, began, self._now(), problem, outcome.is_open))


def _is_stored(machine: Machine, job: Job) -> bool:
    """Whether a machine's journal says that this job was, or may have been, sent."""
    return machine.has_journal and machine.job_state(job) != ""


@dataclass(eq=False)
class _Sent:
    """A job that was sent, and the alarm that gives it up."""

    machine: Machine
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
    is_misfit: bool = False  # no fault of the machine


class Dispatcher:
    """Passes tasks to a scheduler and waits, also where an event loop runs already (a notebook).

    The thread starts with the first tasks and ends with `close`; tasks after that start another one.

    Parameters
    ----------
    scheduler
        Runs the tasks.
    make_loop
        Returns a new event loop; `VirtualLoop` for simulated time.
    """

    def __init__(
        self, scheduler: Scheduler, make_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    ) -> None:
        self.scheduler = scheduler
        self._make_loop = make_loop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._lock = threading.Lock()

    def run(self, tasks: Sequence[Task]) -> list[TaskResult]:
        """Run all tasks and return their results; may be called from several threads. Raises what `Scheduler.run` does.

        Raises `CancelledError` if another thread calls `close` meanwhile (of `concurrent.futures`).
        """
        self._forget_parent()
        with self._lock:
            future = asyncio.run_coroutine_threadsafe(self.scheduler.run(tasks), self._running_loop())
        try:
            return future.result()
        except BaseException:  # Ctrl-C: nothing more is sent
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel all unfinished tasks and end the thread; may be called twice."""
        self._forget_parent()
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            if loop is None or thread is None:
                return
            asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _forget_parent(self) -> None:
        """Forget the thread of the parent process after a fork: it does not exist here."""
        if self._process != os.getpid():
            self._process, self._lock, self._loop, self._thread = os.getpid(), threading.Lock(), None, None

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = self._make_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="lagrl scheduler", daemon=True)
            self._thread.start()
        return self._loop


async def _cancel_all() -> None:
    """Cancel all other coroutines of the loop, and wait until they have ended."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
