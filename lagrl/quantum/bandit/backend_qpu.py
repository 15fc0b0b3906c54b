"""Backends of arms, and their adapter for the scheduler."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lagrl.quantum.bandit.features import BackendContext
from lagrl.quantum.scheduling.threads import JobThreads, job_state

if TYPE_CHECKING:
    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.profile import Profile
    from lagrl.quantum.circuits.execution import CircuitExecutor, Execution
    from lagrl.quantum.journal.job_journal import SentState
    from lagrl.quantum.scheduling.tasks import Job


@dataclass(frozen=True)
class BackendStatus:
    """Last known status of a device."""

    context: BackendContext = field(default_factory=BackendContext)
    is_operational: bool = True  # takes jobs
    plan_seconds: float = np.inf  # that may still be used; infinite if nothing limits them
    problem: str = ""  # why its service did not respond to the last request; empty if it did


class ArmBackend(Protocol):
    """A device that arms name."""

    @property
    def name(self) -> str:
        """Name, as in `Arm.backend`."""
        ...

    @property
    def max_width(self) -> int:
        """Largest number of qubits of a circuit."""
        ...

    @property
    def max_concurrent_jobs(self) -> int | None:
        """Largest number of jobs it holds; None for no limit, where jobs wait at a service. See `JobThreads`."""
        ...

    @property
    def has_journal(self) -> bool:
        """Whether its jobs are stored beyond this process."""
        ...

    def profile(self, arm: Arm, width: int) -> Profile | None:
        """Return the profile of an arm's circuit on this device; None if no line of qubits fits."""
        ...

    def context(self) -> BackendContext:
        """Return queue and calibration as of now; may wait for a service."""
        ...

    def status(self) -> BackendStatus:
        """Return the last known status without waiting: an event loop must not block."""
        ...

    def executor(self, placement: str) -> CircuitExecutor:
        """Return the executor of circuits on one of its lines of qubits."""
        ...


class BackendQPU:
    """Adapter that runs jobs of an `ArmBackend` in threads; see `QPU`."""

    def __init__(self, backend: ArmBackend) -> None:
        self.backend = backend
        self.name = backend.name
        self.max_concurrent_jobs = backend.max_concurrent_jobs
        self.threads = JobThreads(is_concurrent=self.max_concurrent_jobs != 1)

    @property
    def max_width(self) -> int:
        """Largest number of qubits of a circuit."""
        return self.backend.max_width

    @property
    def has_journal(self) -> bool:
        """Whether the backend has a journal."""
        return self.backend.has_journal

    def queue_seconds(self) -> float:
        """Return the backend's expected wait."""
        return self.backend.status().context.queue_seconds

    def plan_seconds(self) -> float:
        """Return the seconds left of the backend's plan."""
        return self.backend.status().plan_seconds

    def opens_in(self, now: float) -> float:
        """Return the seconds until it takes jobs; infinite if not in operation, as the end of that is unknown."""
        return self.threads.opens_in(now) if self.backend.status().is_operational else float(np.inf)

    async def run(self, job: Job) -> Execution:
        """Run a job in a thread; see `QPU.run`."""
        return await self.threads.run(self.backend.executor(job.placement), job)

    def is_running(self, key: str) -> bool:
        """Whether a job was given up after it had begun, and could not be withdrawn."""
        return self.threads.is_running(key)

    def job_state(self, job: Job) -> SentState:
        """Return the executor's known progress of a job."""
        return job_state(self.backend.executor(job.placement), job)
