"""A backend of arms as the scheduler sees it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lagrl.quantum.scheduling.qpu import in_thread, was_sent

if TYPE_CHECKING:
    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.features import BackendContext
    from lagrl.quantum.bandit.profile import Profile
    from lagrl.quantum.execution import CircuitExecutor, Execution
    from lagrl.quantum.scheduling.work import Job


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

    def plan_seconds(self) -> float:
        """Return how many seconds of it may still be used; infinite where nobody counts."""
        ...

    def is_operational(self) -> bool:
        """Whether it takes jobs at the moment, as far as it is known."""
        ...

    @property
    def remembers(self) -> bool:
        """Whether its jobs are kept beyond this process."""
        ...


@dataclass(frozen=True, eq=False)
class BackendQPU:
    """A device that arms name, a job at a time; see `QPU`.

    Attributes
    ----------
    backend
        The device.
    """

    backend: ArmBackend
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

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
        """One."""
        return 1

    def queue_seconds(self) -> float:
        """The backend's."""
        return self.backend.context().queue_seconds

    def plan_seconds(self) -> float:
        """The backend's."""
        return self.backend.plan_seconds()

    def opens_in(self, now: float) -> float:
        """Open if it is in operation; when it will be again, nobody knows."""
        del now
        return 0.0 if self.backend.is_operational() else float(np.inf)

    async def run(self, job: Job) -> Execution:
        """Run in a thread; see `QPU.run`."""
        return await in_thread(self.backend.executor(job.placement), job, self._turn)

    def is_running(self, key: str) -> bool:
        """A thread cannot be stopped, so nobody knows."""
        del key
        return True

    @property
    def remembers(self) -> bool:
        """The backend."""
        return self.backend.remembers

    def was_sent(self, job: Job) -> bool:
        """Ask the executor."""
        return was_sent(self.backend.executor(job.placement), job)
