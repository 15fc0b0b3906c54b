"""A bandit on two devices of two services, which outlive the processes that use it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fake_service import FakePrimitives, FakeService
from small_knapsacks import knapsacks

from lagrl.quantum.bandit.arm_policies import StaticPolicy
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import Arm
from lagrl.quantum.bandit.profile import Limits
from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.scheduling import scheduler
from lagrl.quantum.scheduling.machine import Machine
from lagrl.quantum.scheduling.scheduler import TIMEOUT, Dispatcher, Scheduler
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ARMS = tuple(Arm(name, "line0", "qaoa", layers) for name in ("ibm_a", "ibm_b") for layers in (1, 2))


class Killed(Exception):
    """Stands for the end of the process."""


class World:
    """Two devices of two services, and a journal or none."""

    def __init__(self, path: Path | None, *faults: str) -> None:
        self.path = None if path is None else path / "journal.sqlite"
        self.services = [FakeService(list(faults), device="ibm_a"), FakeService(device="ibm_b")]
        self.primitives: type[FakePrimitives] = FakePrimitives
        self.problem = knapsacks(np.random.default_rng(3), n_vehicles=3, n_customers=12)
        self.timeout = TIMEOUT
        self.retries = 0
        self.arms, self.policy = ARMS, None
        self.refresh_seconds = 60.0

    def bandit(self, *preferred: Arm) -> BanditSampler:
        """Make a bandit with these preferred arms."""
        backends = {
            service.device: DeviceBackend.of(
                service.device, service=service, primitives=self.primitives(service), sleep=lambda seconds: None
            )
            for service in self.services
        }
        for backend in backends.values():
            backend.reader.refresh_seconds = self.refresh_seconds
        return BanditSampler(
            backends,
            self.policy or StaticPolicy(preferred),
            self.arms,
            Limits(1000, 0.0, 100.0),
            epsilon=0.0,
            width=4,
            dispatcher=Dispatcher(Scheduler([Machine(*own) for own in backends.items()], self.timeout)),
        )

    def process(self, *preferred: Arm, hook: Callable[[Journal], None] | None = None) -> Samples:
        """Run the step in a new process; the hook may change its journal."""
        bandit = self.bandit(*preferred)
        try:
            if self.path is None:
                return self.sample(bandit)
            with Journal(self.path) as journal:
                bandit.keep_jobs(journal, "bandit")
                if hook is not None:
                    hook(journal)
                try:
                    return self.sample(bandit)
                finally:
                    bandit.close()
        finally:
            bandit.close()

    def sample(self, bandit: BanditSampler) -> Samples:
        """Sample the only step of this world."""
        query = SampleQuery(*self.problem, 16, np.random.default_rng(5), SampleContext("run", 7))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scheduler, "RETRIES", self.retries)
            patch.setattr(scheduler, "BACKOFF", 0.0)
            return bandit.sample(query)

    def sent(self) -> list[int]:
        """Return the number of jobs each device received."""
        return [len(service.submitted) for service in self.services]


def killed_before_the_end(journal: Journal) -> None:
    """Kill the process before the first result is written."""

    def die(*_: object) -> None:
        raise Killed

    journal.finished_job = die


class HangingAtA(FakePrimitives):
    """Primitives that hang when sending to the first device, until the test ends."""

    goes = threading.Event()

    def _run(self, pubs: list[Any], shots: int, options: Any) -> Any:
        if self.service.device == "ibm_a":
            self.goes.wait()
            raise Killed
        return super()._run(pubs, shots, options)
