"""Simulated machines of the scheduler with queues and failures, drawn from a seed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.backend import BackendStatus, Execution
from lagrl.quantum.ibm.failures import BackendDownError, JobFailedError, PlanExhaustedError
from lagrl.quantum.scheduling.machine import Machine
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from lagrl.quantum.circuits.backend import Backend, Job


@dataclass(frozen=True)
class Behaviour:
    """Times and faults of a simulated quantum computer.

    Raises `InputError` if a time is negative, a share is not in [0, 1], or a window is empty.
    """

    submit_seconds: float = 1.0  # from sending a job until it stands in the queue
    queue_seconds: float = 2.0  # median wait behind jobs of other users
    queue_spread: float = 0.5  # σ of the logarithm of that wait
    overhead_seconds: float = 2.0  # fixed time of a job on the machine
    shot_seconds: float = 0.00025  # time of one shot of one circuit, reset included
    failures: float = 0.0  # share of jobs that fail after their time on the machine
    hangs: bool = False  # jobs are accepted and never begun
    is_dead: bool = False  # jobs are refused
    windows: tuple[tuple[float, float], ...] = ()  # (from, to) when jobs are taken, scheduler's seconds; empty: always
    plan_seconds: float = np.inf  # on the machine that may be used in all; later jobs are refused

    def __post_init__(self) -> None:
        times = (self.submit_seconds, self.queue_seconds, self.queue_spread, self.overhead_seconds, self.shot_seconds)
        if min(times) < 0 or not 0.0 <= self.failures <= 1.0 or any(a >= b for a, b in self.windows):
            remedy = "give times of 0 or more, a share, windows (from, to)"
            raise InputError(f"{self}", field="behaviour", remedy=remedy)


@dataclass(frozen=True)
class RandomStrings:
    """Backend that returns random strings at once, where only times matter."""

    name: str
    max_width: int = 12
    target: ClassVar[None] = None

    def status(self, *, wait: bool = False) -> BackendStatus:
        """Return that it takes jobs."""
        del wait
        return BackendStatus()

    def run(self, job: Job) -> Execution:
        """Draw the strings; see `Backend.run`."""
        rng = job.rng
        codes = [rng.integers(0, 2**pub.template.n_qubits, (len(pub.values), job.shots)) for pub in job.pubs]
        return Execution(codes, SamplingCost(circuits=len(job.pubs), backend=self.name))


class SimulatedMachine(Machine):
    """Machine that runs a backend behind a simulated queue, one job after the other; for event loops in virtual time.

    Parameters
    ----------
    backend
        Runs the circuits, at once.
    behaviour
        Times and faults.
    rng
        Draws waits and failures.
    name
        Name, as in `Candidate.backend`; that of the backend if None.

    Attributes
    ----------
    executed
        How often each key was executed to its end, to prove that no job runs twice.
    used_seconds
        Seconds on the machine so far, failed jobs included.
    """

    is_concurrent = True  # jobs wait in its queue

    def __init__(
        self, backend: Backend, behaviour: Behaviour, rng: np.random.Generator, name: str | None = None
    ) -> None:
        super().__init__(backend.name if name is None else name, backend)
        self.behaviour = behaviour
        self.rng = rng
        self.executed: dict[str, int] = {}
        self.used_seconds = 0.0
        self._machine: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    def queue_seconds(self) -> float:
        """Return the median wait in the queue."""
        return self.behaviour.queue_seconds

    def plan_seconds(self) -> float:
        """Return the seconds left of the plan."""
        return self.behaviour.plan_seconds - self.used_seconds

    def available_in(self, now: float) -> float:
        """Return the seconds until the next window; see `Machine.available_in`."""
        if not self.behaviour.windows:
            return 0.0
        waits = [max(begin - now, 0.0) for begin, end in self.behaviour.windows if now < end]
        return min(waits, default=np.inf)

    async def run(self, job: Job) -> Execution:
        """Wait in the queue, then execute; see `Machine.run`."""
        own = self.behaviour
        await asyncio.sleep(own.submit_seconds)
        if own.is_dead:
            raise BackendDownError("does not answer", backend=self.name)
        if own.hangs:
            await asyncio.Event().wait()
        waited = own.queue_seconds * float(np.exp(own.queue_spread * self.rng.standard_normal()))
        await asyncio.sleep(waited)
        machine = self._lock()
        await machine.acquire()
        if self.plan_seconds() <= 0:  # used up by earlier jobs, perhaps
            machine.release()
            raise PlanExhaustedError("no time left", backend=self.name)
        # a job that has begun keeps the machine, even if it is given up
        done = asyncio.ensure_future(self._execute(job))
        done.add_done_callback(lambda _: machine.release())
        done.add_done_callback(lambda finished: finished.cancelled() or finished.exception())
        job.control.begin()
        execution, busy = await asyncio.shield(done)
        return replace(
            execution, cost=replace(execution.cost, jobs=1, qpu_seconds=busy, queue_seconds=waited, backend=self.name)
        )

    def _lock(self) -> asyncio.Lock:
        """Return the machine's lock, one for each event loop."""
        loop = asyncio.get_running_loop()
        if self._machine is None or self._machine[0] is not loop:
            self._machine = loop, asyncio.Lock()
        return self._machine[1]

    async def _execute(self, job: Job) -> tuple[Execution, float]:
        own = self.behaviour
        busy = own.overhead_seconds + own.shot_seconds * job.shots * job.n_circuits
        await asyncio.sleep(busy)
        self.used_seconds += busy
        if self.rng.random() < own.failures:
            charged = SamplingCost(jobs=1, qpu_seconds=busy, backend=self.name)
            raise JobFailedError("failed on the machine", backend=self.name, job=job.key, cost=charged)
        self.executed[job.key] = self.executed.get(job.key, 0) + 1
        return self.backend.run(job), busy
