"""A process that ends in the middle of a bandit's step: the next one reads the jobs that were sent, and sends none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fake_service import FakePrimitives, FakeService
from small_knapsacks import knapsacks

from lagrl.quantum.bandit.arms import Arm
from lagrl.quantum.bandit.backend_qpu import BackendQPU
from lagrl.quantum.bandit.policies import StaticPolicy
from lagrl.quantum.bandit.sampler import BanditSampler
from lagrl.quantum.bandit.saving import keep_jobs
from lagrl.quantum.bandit.screening import Limits
from lagrl.quantum.journal import Journal
from lagrl.quantum.scheduling.dispatcher import Dispatcher
from lagrl.quantum.scheduling.scheduler import Scheduler, SchedulerOptions
from lagrl.relaxation.sampler import SampleContext, Samples

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("qiskit_ibm_runtime")

from lagrl.quantum.bandit.runtime_backend import RuntimeBackend

ARMS = tuple(Arm(name, "line0", "qaoa", layers) for name in ("ibm_a", "ibm_b") for layers in (1, 2))


class Killed(Exception):
    """The end of the process."""


class World:
    """Two devices of two services, which outlive processes, and a journal."""

    def __init__(self, path: Path, *faults: str) -> None:
        self.path = path / "journal.jsonl"
        self.services = [FakeService(list(faults), device="ibm_a"), FakeService(device="ibm_b")]
        self.problem = knapsacks(np.random.default_rng(3), n_vehicles=3, n_customers=12)

    def process(self, *preferred: Arm, is_killed: bool = False) -> Samples:
        """Ask a bandit of a process of its own; it may be killed before the first result is written."""
        backends = tuple(
            RuntimeBackend.of(
                service.device, service=service, primitives=FakePrimitives(service), sleep=lambda seconds: None
            )
            for service in self.services
        )
        options = SchedulerOptions(retries=0, backoff=0.0)
        bandit = BanditSampler(
            backends,
            StaticPolicy(preferred),
            ARMS,
            Limits(1000, 0.0, 100.0),
            epsilon=0.0,
            width=4,
            dispatcher=Dispatcher(Scheduler([BackendQPU(backend) for backend in backends], options)),
        )
        with Journal(self.path) as journal:
            keep_jobs(bandit, journal, "bandit")
            if is_killed:

                def die(*_: object) -> None:
                    raise Killed

                journal.finished_job = die
            try:
                return bandit.sample(*self.problem, 16, np.random.default_rng(5), SampleContext("run", 7))
            finally:
                bandit.close()

    def sent(self) -> list[int]:
        """Return how many jobs each device got."""
        return [len(service.submitted) for service in self.services]


def test_a_job_that_was_sent_is_read(tmp_path: Path) -> None:
    """Also by a bandit that would by now choose something else; its strings are those of an undisturbed run."""
    world = World(tmp_path)
    with pytest.raises(Killed):
        world.process(ARMS[0], is_killed=True)
    assert world.sent() == [1, 0]
    after = world.process(ARMS[3])
    assert world.sent() == [1, 0]
    assert "ibm_a" in after.cost.backend and not after.cost.fallback
    other = tmp_path / "other"
    other.mkdir()
    undisturbed = World(other).process(ARMS[0])
    np.testing.assert_array_equal(after.bitstrings, undisturbed.bitstrings)


def test_a_job_that_went_elsewhere_is_read_there(tmp_path: Path) -> None:
    """The device that refused the work before is not tried first: it might take it this time, and both be paid."""
    world = World(tmp_path, "refused")
    with pytest.raises(Killed):
        world.process(ARMS[0], is_killed=True)
    assert world.sent() == [0, 1]
    after = world.process(ARMS[0])
    assert world.sent() == [0, 1]
    assert "ibm_b for ibm_a" in after.cost.fallback


def test_nothing_is_repeated_after_the_end(tmp_path: Path) -> None:
    """A third process finds the results themselves."""
    world = World(tmp_path)
    first = world.process(ARMS[0])
    reads = world.services[0].reads
    again = world.process(ARMS[1])
    assert world.sent() == [1, 0] and world.services[0].reads == reads
    np.testing.assert_array_equal(first.bitstrings, again.bitstrings)
