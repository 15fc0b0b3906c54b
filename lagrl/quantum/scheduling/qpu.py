"""A quantum computer as the scheduler sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from lagrl.quantum.scheduling.threads import JobThreads, job_state

if TYPE_CHECKING:
    from lagrl.quantum.circuits.execution import CircuitExecutor, Execution
    from lagrl.quantum.journal.job_journal import SentState
    from lagrl.quantum.scheduling.work import Job


@runtime_checkable
class QPU(Protocol):
    """Runs jobs, some time after it was asked."""

    @property
    def name(self) -> str:
        """As in `Option.backend`."""
        ...

    @property
    def max_width(self) -> int:
        """Most qubits of a circuit."""
        ...

    @property
    def places(self) -> int:
        """Most jobs it holds at once, waiting ones included."""
        ...

    def queue_seconds(self) -> float:
        """Return how long a job sent now is expected to wait before it begins."""
        ...

    def plan_seconds(self) -> float:
        """Return how many seconds of it may still be used; infinite where nobody counts."""
        ...

    def opens_in(self, now: float) -> float:
        """Return in how many seconds it takes jobs: 0 if it does now, infinite if never again.

        Parameters
        ----------
        now
            Seconds since the scheduler's start.
        """
        ...

    async def run(self, job: Job) -> Execution:
        """Run all circuits of a job.

        Whoever cancels it gives it up: one that still waits is taken back, one that runs goes on.

        Raises
        ------
        ExecutionError
            If there will be no result.
        """
        ...

    def is_running(self, key: str) -> bool:
        """Whether a job that was given up may have been executed, or still be: it was begun."""
        ...

    @property
    def has_journal(self) -> bool:
        """Whether it keeps jobs beyond this process."""
        ...

    def job_state(self, job: Job) -> SentState:
        """Return how far just this job, sent by this process or an earlier one, is known to be; empty if not at all.

        Where it is not empty, running the job again reads it, and does not send it again.
        """
        ...


@dataclass(frozen=True, eq=False)
class ExecutorQPU:
    """Any executor as a QPU: a simulator, or a device of an account; a job at a time, in a thread.

    Attributes
    ----------
    executor
        What runs circuits; a `RuntimeExecutor` keeps its own journal of jobs.
    threads
        That it runs in.
    """

    executor: CircuitExecutor
    threads: JobThreads = field(default_factory=JobThreads, repr=False)

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
        """One."""
        return 1

    def queue_seconds(self) -> float:
        """Not known: 0."""
        return 0.0

    def plan_seconds(self) -> float:
        """Not counted."""
        return np.inf

    def opens_in(self, now: float) -> float:
        """Open unless stuck; see `JobThreads`."""
        return self.threads.opens_in(now)

    async def run(self, job: Job) -> Execution:
        """Run in a thread; see `QPU.run`."""
        return await self.threads.run(self.executor, job)

    def is_running(self, key: str) -> bool:
        """Whether it was begun, as a thread cannot be stopped."""
        return self.threads.is_running(key)

    @property
    def has_journal(self) -> bool:
        """Whether the executor has a journal."""
        return getattr(self.executor, "journal", None) is not None

    def job_state(self, job: Job) -> SentState:
        """Ask the executor."""
        return job_state(self.executor, job)
