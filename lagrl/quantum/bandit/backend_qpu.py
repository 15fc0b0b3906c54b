"""A backend of arms as the scheduler sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lagrl.quantum.bandit.features import BackendContext
from lagrl.quantum.scheduling.threads import JobThreads, job_state

if TYPE_CHECKING:
    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.profile import Profile
    from lagrl.quantum.circuits.execution import CircuitExecutor, Execution
    from lagrl.quantum.journal.job_journal import SentState
    from lagrl.quantum.scheduling.work import Job


@dataclass(frozen=True)
class BackendStatus:
    """How a device is.

    Attributes
    ----------
    context
        Queue and calibration.
    is_operational
        Whether it takes jobs.
    plan_seconds
        Seconds of it that may still be used; infinite where nobody counts.
    problem
        Why it did not answer when it was asked last; empty if it did.
    """

    context: BackendContext = field(default_factory=BackendContext)
    is_operational: bool = True
    plan_seconds: float = np.inf
    problem: str = ""


class ArmBackend(Protocol):
    """A device that arms name."""

    @property
    def name(self) -> str:
        """As in `Arm.backend`."""
        ...

    @property
    def max_width(self) -> int:
        """Most qubits of a circuit."""
        ...

    def profile(self, arm: Arm, width: int) -> Profile | None:
        """Describe an arm's circuit here; None where the device has no room for it."""
        ...

    def context(self) -> BackendContext:
        """Return how it is at the moment."""
        ...

    def executor(self, placement: str) -> CircuitExecutor:
        """Return what runs circuits on a place of it."""
        ...

    def status(self) -> BackendStatus:
        """Return how it was when it was asked last, at once: an event loop must not wait for a service."""
        ...

    @property
    def at_once(self) -> bool:
        """Whether it takes several jobs at once, in threads of their own: they wait at a service; see `JobThreads`."""
        ...

    @property
    def has_journal(self) -> bool:
        """Whether its jobs are kept beyond this process."""
        ...


@dataclass(frozen=True, eq=False)
class BackendQPU:
    """A device that arms name; see `QPU`. One of an account holds several jobs, others run one after the other.

    Attributes
    ----------
    backend
        The device.
    """

    backend: ArmBackend

    @cached_property
    def threads(self) -> JobThreads:
        """That jobs run in."""
        return JobThreads(at_once=self.backend.at_once)

    @property
    def name(self) -> str:
        """The backend's."""
        return self.backend.name

    @property
    def max_width(self) -> int:
        """The backend's."""
        return self.backend.max_width

    @property
    def places(self) -> int:
        """As many as the scheduler will where jobs wait at a service, else one."""
        return 1_000_000 if self.backend.at_once else 1

    def queue_seconds(self) -> float:
        """The backend's."""
        return self.backend.status().context.queue_seconds

    def plan_seconds(self) -> float:
        """The backend's."""
        return self.backend.status().plan_seconds

    def opens_in(self, now: float) -> float:
        """Open if it is in operation, and not stuck; when it will be in operation again, nobody knows."""
        return self.threads.opens_in(now) if self.backend.status().is_operational else float(np.inf)

    async def run(self, job: Job) -> Execution:
        """Run in a thread; see `QPU.run`."""
        return await self.threads.run(self.backend.executor(job.placement), job)

    def is_running(self, key: str) -> bool:
        """Whether it was begun and not taken back."""
        return self.threads.is_running(key)

    @property
    def has_journal(self) -> bool:
        """The backend."""
        return self.backend.has_journal

    def job_state(self, job: Job) -> SentState:
        """Ask the executor."""
        return job_state(self.backend.executor(job.placement), job)
