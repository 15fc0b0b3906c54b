"""Devices of an account that fail, hang, or get a new calibration in the middle of a step."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import CancelledError
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("qiskit_ibm_runtime")

import fake_service
from bandit_world import ARMS, HangingAtA, Killed, World, killed_before_the_end

from lagrl.quantum.bandit.features import Arm
from lagrl.quantum.circuits.backend import JobControl
from lagrl.quantum.devices.fakes import fake_backend
from lagrl.quantum.ibm import runtime
from lagrl.quantum.journal.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("has_journal", [True, False])
@pytest.mark.parametrize(
    ("fault", "times"), [("lost while reading", 12), ("undecodable", 2), ("timeout", 2), ("empty", 2)]
)
def test_a_job_that_cannot_be_read_is_not_sent_elsewhere(
    fault: str, times: int, has_journal: bool, tmp_path: Path
) -> None:
    """A job that cannot be read is read once more if there is a journal, and then the product state is used."""
    world = World(tmp_path if has_journal else None, *[fault] * times)
    world.retries = 1
    samples = world.process(ARMS[0])
    assert world.sent() == [1, 0]
    assert samples.cost.fallback.startswith("product: ibm_a: ")
    assert samples.cost.jobs == 1 and "ibm_a" in samples.cost.backend


@pytest.mark.parametrize(("fault", "times"), [("lost while reading", 6), ("undecodable", 1)])
def test_a_job_that_is_read_late_is_charged_once(fault: str, times: int, tmp_path: Path) -> None:
    """A job that is read after several attempts is charged once."""
    world = World(tmp_path, *[fault] * times)
    world.retries = 1
    cost = world.process(ARMS[0]).cost
    assert world.sent() == [1, 0] and not cost.fallback
    assert (cost.jobs, cost.qpu_seconds) == (1, 3.0)


def test_a_job_that_failed_is_sent_elsewhere_and_both_are_charged(tmp_path: Path) -> None:
    """A failed job has ended without a result, so another is sent."""
    cost = (world := World(tmp_path, "failed")).process(ARMS[0]).cost
    assert world.sent() == [1, 1]
    assert (cost.jobs, cost.qpu_seconds) == (2, 6.0)


@pytest.mark.parametrize("has_journal", [True, False])
def test_if_its_arrival_is_unknown_no_other_job_is_sent(
    has_journal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost while sending, and while asking for the job: no other is sent."""
    world = World(tmp_path if has_journal else None, "lost after submission")
    lost = fake_service.ibm_error("RequestsApiError", "Connection reset", -1)

    def jobs(**_: Any) -> None:
        raise lost

    monkeypatch.setattr(world.services[0], "jobs", jobs)
    assert world.process(ARMS[0]).cost.fallback.startswith("product: ")
    assert world.sent() == [1, 0]


def test_a_hanging_device_blocks_no_other() -> None:
    """A submission that hangs blocks neither status requests nor the other device."""
    world = World(None)
    world.primitives, world.refresh_seconds = HangingAtA, 0.0
    world.timeout = 0.3
    samples = world.process(ARMS[0])
    assert samples.cost.fallback.startswith("product: ibm_a: no result after 0.3")
    assert (samples.cost.jobs, world.sent()) == (1, [0, 0])
    assert not world.process(ARMS[2]).cost.fallback
    assert world.sent() == [0, 1]
    HangingAtA.goes.set()


def held_up(monkeypatch: pytest.MonkeyPatch, device: str) -> threading.Event:
    """Make results of one device wait for an event."""
    goes, read = threading.Event(), fake_service.FakeJob.result

    def waiting(self: Any, timeout: float | None = None) -> Any:
        if self.service.device == device:
            goes.wait(10.0)
            if self.cancelled:
                raise fake_service.ibm_error("RuntimeInvalidStateError", "Job was cancelled")
        return read(self, timeout)

    monkeypatch.setattr(fake_service.FakeJob, "result", waiting)
    return goes


@pytest.mark.parametrize(("status", "is_taken_back"), [("QUEUED", True), ("RUNNING", False)])
def test_a_job_given_up_in_the_queue_is_cancelled(
    status: str, is_taken_back: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job given up in the queue is cancelled and sent elsewhere; one that runs is not."""
    goes = held_up(monkeypatch, "ibm_a")
    world = World(tmp_path)
    world.services[0].job_status = status
    world.timeout = 0.3
    cost = world.process(ARMS[0]).cost
    goes.set()
    assert world.services[0].submitted[0].cancelled is is_taken_back
    assert world.sent() == [1, int(is_taken_back)]
    assert ("taken back from the queue" in cost.fallback) is is_taken_back
    assert cost.jobs == 1 + is_taken_back
    with Journal(tmp_path / "journal.sqlite", read_only=True) as journal:
        assert len(journal.pending()) == 1 - is_taken_back


def test_several_jobs_wait_at_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The jobs of all vehicles, each on another line, are sent before the first result is read."""
    all_there, read = threading.Barrier(3), fake_service.FakeJob.result

    def waiting(self: Any, timeout: float | None = None) -> Any:
        all_there.wait(10.0)
        return read(self, timeout)

    monkeypatch.setattr(fake_service.FakeJob, "result", waiting)
    world = World(tmp_path)
    world.problem = fake_knapsacks()
    world.arms = tuple(Arm("ibm_a", line, "qaoa", 1) for line in ("line0", "line1", "default"))

    class ByTurns:
        """Policy that prefers another line for each vehicle."""

        name, turn = "turns", 0

        def scores(self, features: Any, arms: Any) -> Any:
            self.turn += 1
            return np.array([float(arm == world.arms[self.turn % 3]) for arm in arms])

        def learn(self, features: Any, reward: float) -> None:
            """Ignore the reward of the arm."""

    world.policy = ByTurns()
    cost = world.process(ARMS[0]).cost
    assert (cost.jobs, cost.fallback) == (3, "")


def fake_knapsacks() -> Any:
    """Return three knapsacks that presolve does not solve."""
    cost = -np.random.default_rng(0).uniform(0.5, 1.0, size=(3, 4))
    return cost, np.array([7, 9, 11, 6]), np.full(3, 22)


def test_an_interruption_sends_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that is being compiled at the interruption is not sent."""
    begun, goes, ended = (threading.Event() for _ in range(3))
    compile_template = runtime.compile_template

    def slow(*args: Any) -> Any:
        begun.set()
        goes.wait(10.0)
        return compile_template(*args)

    world = World(None)
    bandit = world.bandit(ARMS[0])
    monkeypatch.setattr(runtime, "compile_template", slow)
    begin = JobControl.begin

    def beginning(self: JobControl) -> None:
        try:
            begin(self)
        finally:
            ended.set()

    monkeypatch.setattr(JobControl, "begin", beginning)

    def close() -> None:
        begun.wait(10.0)
        bandit.dispatcher.close()

    closing = threading.Thread(target=close)
    closing.start()
    with pytest.raises(CancelledError):
        world.sample(bandit)
    closing.join()
    goes.set()
    assert ended.wait(10.0)
    assert world.sent() == [0, 0]


def with_one_coupling() -> Any:
    """Return a calibration with only one working coupling."""
    target = copy.deepcopy(fake_backend("FakeHanoi").target)
    for name in target.operation_names:
        for where, known in list((target[name] or {}).items()):
            if where is not None and len(where) == 2 and set(where) != {0, 1} and known is not None:
                worse = copy.copy(known)
                worse.error = 1.0
                target.update_instruction_properties(name, where, worse)
    return target


def test_a_calibration_between_plan_and_execution(tmp_path: Path) -> None:
    """If the planned line no longer works, the next device is used; the first one's reliability is unchanged."""
    world = World(tmp_path)
    world.refresh_seconds = 0.0
    service = world.services[0]
    service.calibrated, service.fresh = datetime(2026, 1, 1, tzinfo=UTC), with_one_coupling()

    def hook(journal: Journal) -> None:
        keep = journal.keep_plan

        def keeping(call: str, plan: Any) -> None:
            keep(call, plan)
            service.calibrated = datetime(2026, 1, 2, tzinfo=UTC)
            bandit_refreshes()

        def bandit_refreshes() -> None:
            for backend in bandits[0].backends.values():
                backend.status(wait=True)

        journal.keep_plan = keeping

    bandits = []
    make = world.bandit
    world.bandit = lambda *arms: bandits.append(make(*arms)) or bandits[-1]
    cost = world.process(ARMS[0], hook=hook).cost
    assert world.sent() == [0, 1]
    assert "no line of 4 working qubits" in cost.fallback
    assert bandits[0].dispatcher.scheduler.rating("ibm_a").n_failed == 0
    with Journal(tmp_path / "journal.sqlite", read_only=True) as journal:
        assert not journal.pending()


def test_a_job_whose_line_no_longer_works_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job sent before the calibration is read although its line no longer works."""
    world = World(tmp_path)
    with pytest.raises(Killed):
        world.process(ARMS[0], hook=killed_before_the_end)
    backend = world.services[0].backend

    def worse(name: str) -> Any:
        made = backend(name)
        made.target = with_one_coupling()
        return made

    monkeypatch.setattr(world.services[0], "backend", worse)
    cost = world.process(ARMS[0]).cost
    assert world.sent() == [1, 0]
    assert not cost.fallback and cost.two_qubit_gates > 0
