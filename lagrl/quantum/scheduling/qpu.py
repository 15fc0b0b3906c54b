"""The interface of a quantum computer to the scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from lagrl.quantum.circuits.execution import Execution
    from lagrl.quantum.journal.job_journal import SentState
    from lagrl.quantum.scheduling.tasks import Job


@runtime_checkable
class QPU(Protocol):
    """A quantum computer, or a simulator, that runs jobs asynchronously."""

    @property
    def name(self) -> str:
        """Name, as in `Candidate.backend`."""
        ...

    @property
    def max_width(self) -> int:
        """Largest number of qubits of a circuit."""
        ...

    @property
    def max_concurrent_jobs(self) -> int | None:
        """Largest number of jobs it holds, waiting ones included; None for no limit."""
        ...

    @property
    def has_journal(self) -> bool:
        """Whether its jobs are stored beyond this process."""
        ...

    def queue_seconds(self) -> float:
        """Return the expected wait of a job sent now, in seconds."""
        ...

    def plan_seconds(self) -> float:
        """Return how many seconds of it may still be used; infinite if nothing limits them."""
        ...

    def opens_in(self, now: float) -> float:
        """Return the seconds until it takes jobs: 0 if it does now, infinite if never again.

        Parameters
        ----------
        now
            Seconds since the scheduler's start.
        """
        ...

    async def run(self, job: Job) -> Execution:
        """Run all circuits of a job.

        Cancelling it gives the job up: a job that still waits is withdrawn, one that has begun continues. Raises
        `ExecutionError` if there will be no result.
        """
        ...

    def is_running(self, key: str) -> bool:
        """Whether a job that was given up had begun, so that it may be executed all the same."""
        ...

    def job_state(self, job: Job) -> SentState:
        """Return the known progress of exactly this job, sent by this or an earlier process; empty if unknown.

        Running a job of a known state reads it; it is not sent again.
        """
        ...
