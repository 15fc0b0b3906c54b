"""A quantum computer with a queue, failures and drift, all of them drawn from a seed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.ibm.failures import BackendDownError, JobFailedError, PlanExhaustedError
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from lagrl.quantum.circuits.execution import CircuitExecutor, Execution
    from lagrl.quantum.journal.job_journal import SentState
    from lagrl.quantum.scheduling.work import Job


@dataclass(frozen=True)
class Behaviour:
    """How a simulated quantum computer behaves.

    Attributes
    ----------
    submit_seconds
        From sending to standing in the queue.
    queue_seconds, queue_spread
        Median wait behind other people's jobs, and σ of its logarithm.
    overhead_seconds
        A job's fixed time on the machine.
    shot_seconds
        Of one shot of one circuit, reset included.
    failures
        Share of jobs that fail after their time on the machine.
    hangs
        Whether jobs are taken and never begun.
    is_dead
        Whether jobs are refused.
    windows
        Times (from, to) when jobs are taken, seconds since the scheduler's start; always if empty.
    drift_at
        When the calibration changes to `SimulatedQPU.drifted`, seconds of the event loop's clock; never if infinite.
    plan_seconds
        Seconds on the machine that may be used in all; jobs are refused after that.

    Raises
    ------
    InputError
        If a time is negative or a share is none.
    """

    submit_seconds: float = 1.0
    queue_seconds: float = 2.0
    queue_spread: float = 0.5
    overhead_seconds: float = 2.0
    shot_seconds: float = 0.00025
    failures: float = 0.0
    hangs: bool = False
    is_dead: bool = False
    windows: tuple[tuple[float, float], ...] = ()
    drift_at: float = np.inf
    plan_seconds: float = np.inf

    def __post_init__(self) -> None:
        times = (self.submit_seconds, self.queue_seconds, self.queue_spread, self.overhead_seconds, self.shot_seconds)
        if min(times) < 0 or not 0.0 <= self.failures <= 1.0 or any(a >= b for a, b in self.windows):
            raise InputError(
                f"{self}", field="behaviour", remedy="give times of 0 or more, a share, windows (from, to)"
            )


@dataclass(eq=False)
class SimulatedQPU:
    """Executes on one executor what a queue in front of it lets through, one job after the other.

    Attributes
    ----------
    executor
        What runs circuits.
    behaviour
        Of the machine.
    rng
        Of waits and failures.
    drifted
        The executor after `drift_at`.
    executed
        How often each key was executed to its end: the proof that nothing is twice.
    used_seconds
        Seconds on the machine so far, failed jobs included.
    """

    executor: CircuitExecutor
    behaviour: Behaviour
    rng: np.random.Generator
    drifted: CircuitExecutor | None = None
    executed: dict[str, int] = field(default_factory=dict, init=False)
    used_seconds: float = field(default=0.0, init=False)
    _begun: set[str] = field(default_factory=set, init=False, repr=False)
    _machine: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = field(default=None, init=False, repr=False)

    @property
    def name(self) -> str:
        """The executor's."""
        return self.executor.name

    @property
    def max_width(self) -> int:
        """The executor's."""
        return self.executor.max_width

    @property
    def places(self) -> int:
        """As many as the scheduler will."""
        return 1_000_000

    @property
    def has_journal(self) -> bool:
        """No."""
        return False

    def job_state(self, job: Job) -> SentState:
        """Not known."""
        del job
        return ""

    def queue_seconds(self) -> float:
        """The median."""
        return self.behaviour.queue_seconds

    def plan_seconds(self) -> float:
        """What is left."""
        return self.behaviour.plan_seconds - self.used_seconds

    def opens_in(self, now: float) -> float:
        """See `QPU.opens_in`."""
        if not self.behaviour.windows:
            return 0.0
        waits = [max(begin - now, 0.0) for begin, end in self.behaviour.windows if now < end]
        return min(waits, default=np.inf)

    async def run(self, job: Job) -> Execution:
        """Wait, then execute; see `QPU.run`."""
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
        if self.plan_seconds() <= 0:  # used up by those before it, perhaps
            machine.release()
            raise PlanExhaustedError("no time left", backend=self.name)
        # what has begun cannot be taken back, and keeps the machine, whoever stops waiting for it
        done = asyncio.ensure_future(self._execute(job))
        done.add_done_callback(lambda _: machine.release())
        done.add_done_callback(lambda finished: finished.cancelled() or finished.exception())
        self._begun.add(job.key)
        try:
            execution, busy = await asyncio.shield(done)
        except JobFailedError:
            self._begun.discard(job.key)
            raise
        self._begun.discard(job.key)
        return replace(
            execution, cost=replace(execution.cost, jobs=1, qpu_seconds=busy, queue_seconds=waited, backend=self.name)
        )

    def is_running(self, key: str) -> bool:
        """Whether it was begun, and its result did not come back."""
        return key in self._begun

    def _lock(self) -> asyncio.Lock:
        """One for each event loop."""
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
        has_drifted = self.drifted is not None and asyncio.get_running_loop().time() >= own.drift_at
        executor = self.drifted if self.drifted is not None and has_drifted else self.executor
        return executor.execute(job.pubs, job.shots, np.random.default_rng(job.seed), job.context), busy
