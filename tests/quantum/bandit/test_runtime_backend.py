"""Devices of an account as arms see them: queue, age, new calibrations, silence; and fake backends by the same path."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fake_service import TOKEN, FakePrimitives, FakeService, ibm_error
from small_executions import basis_pub

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.bandit.arms import Arm
from lagrl.quantum.bandit.features import BackendContext
from lagrl.quantum.ibm.runtime_options import RuntimeOptions
from lagrl.quantum.journal.journal import Journal
from lagrl.relaxation.sampler import SampleContext

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.quantum.bandit.backend_qpu import BackendStatus

pytest.importorskip("qiskit_ibm_runtime")

from lagrl.quantum.bandit.fake_backends import NoisyBackend
from lagrl.quantum.bandit.runtime_backend import RuntimeBackend
from lagrl.quantum.devices.fakes import fake_backend

HERE = SampleContext("test", 0)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def arm(placement: str = "line0", backend: str = "ibm_fake") -> Arm:
    return Arm(backend, placement, "qaoa", 1)


def told(backend: RuntimeBackend) -> BackendStatus:
    """Ask how a device is, and wait for the answer."""
    backend.context()
    return backend.status()


class Call:
    """A backend on the double, and its clock, which says 18:00 at first."""

    def __init__(self, *faults: str, **service: Any) -> None:
        self.time = NOON.timestamp() + 6 * 3600.0
        self.service = FakeService(list(faults), **service)
        self.backend = RuntimeBackend.of(
            "ibm_fake",
            RuntimeOptions(mode="batch"),
            service=self.service,
            primitives=FakePrimitives(self.service),
            sleep=lambda seconds: None,
            clock=lambda: self.time,
        )
        self.service.asked.clear()


def test_the_context_is_the_services() -> None:
    """Expected wait: jobs in the queue times the assumed length; age: days since the last calibration."""
    call = Call(pending_jobs=12, calibrated=NOON)
    assert call.backend.context() == BackendContext(queue_seconds=60.0, age_days=0.25)
    assert told(call.backend).is_operational and not call.backend.problem
    assert told(call.backend).plan_seconds == 600.0
    call.backend.job_seconds = 7.0
    call.time += 61.0
    assert call.backend.context().queue_seconds == 84.0


def test_the_service_is_asked_once_in_a_while() -> None:
    """However often arms are ranked, there is one reading of each kind in `refresh_seconds`."""
    call = Call(pending_jobs=1, calibrated=NOON)
    for _ in range(3):
        call.backend.context(), told(call.backend).is_operational, told(call.backend).plan_seconds
    assert call.service.asked == ["status", "properties", "usage"]
    call.service.pending_jobs = 2
    call.time += 59.9
    assert call.backend.context().queue_seconds == 5.0
    call.time += 0.2
    assert call.backend.context().queue_seconds == 10.0
    assert len(call.service.asked) == 6
    call.time -= 3600.0
    call.backend.context()
    assert len(call.service.asked) == 9, "a clock that was set back must not silence it for an hour"


@pytest.mark.parametrize(
    ("plan", "left"),
    [({}, np.inf), ({"usage_remaining_seconds": 17}, 17.0), ({"usage_limit_reached": True}, 0.0)],
)
def test_the_plan_is_told(plan: dict[str, Any], left: float) -> None:
    """Infinite where the service tells no limit, nothing where it is reached."""
    assert told(Call(plan=plan).backend).plan_seconds == left


def test_what_is_not_told_is_finite() -> None:
    """An unknown or future calibration is of today: features are never infinite or not a number."""
    assert Call().backend.context() == BackendContext(0.0, 0.0)
    ahead = Call(calibrated=NOON)
    ahead.time = NOON.timestamp() - 100.0
    assert ahead.backend.context().age_days == 0.0


def test_profiles_are_made_anew_after_a_calibration() -> None:
    """A newer date fetches the new target once: other profiles, and the executor's lines with them."""
    other = fake_backend("FakeCairo").target
    call = Call(calibrated=NOON, fresh=other)
    call.backend.context()
    before, line = call.backend.profile(arm(), 4), call.backend.executor("line0").line(4)
    assert before == NoisyBackend.of("FakeHanoi").profile(arm(), 4)
    assert call.backend.profile(arm(), 4) is before
    call.time += 100.0
    call.backend.context()
    assert "refresh" not in call.service.asked and call.backend.profile(arm(), 4) is before
    call.service.calibrated = NOON.replace(hour=17)
    call.time += 100.0
    assert call.backend.context().age_days == pytest.approx((3600.0 + 200.0) / 86400.0)
    call.backend.context()
    assert call.service.asked.count("refresh") == 1
    after = call.backend.profile(arm(), 4)
    assert after == NoisyBackend.of("FakeCairo").profile(arm(), 4) != before
    assert call.backend.executor("line0").line(4) != line
    assert call.backend.device.target is other


def test_a_lost_calibration_is_fetched_again() -> None:
    """If the new target cannot be read, the old one counts, and it is tried again."""
    call = Call("lost while refreshing", calibrated=NOON, fresh=fake_backend("FakeCairo").target)
    call.backend.context()
    before = call.backend.profile(arm(), 4)
    call.service.calibrated = NOON.replace(hour=17)
    call.time += 100.0
    assert not told(call.backend).is_operational and "cannot be reached" in call.backend.problem
    assert call.backend.profile(arm(), 4) == before
    call.time += 100.0
    assert told(call.backend).is_operational and not call.backend.problem
    assert call.backend.profile(arm(), 4) != before


def test_a_device_without_refresh_keeps_its_target() -> None:
    """Older services cannot fetch one target anew; that is no failure."""
    call = Call(calibrated=NOON)
    del call.backend.device.backend.refresh
    call.backend.context()
    call.service.calibrated = NOON.replace(hour=17)
    call.time += 100.0
    call.backend.context()
    assert told(call.backend).is_operational


@pytest.mark.parametrize("fault", ["down", "silent"])
def test_a_device_that_is_away_takes_no_jobs(fault: str) -> None:
    """Not in operation, or the service silent: no jobs until it is asked again, and what was known stays known."""
    call = Call(pending_jobs=3, calibrated=NOON)
    known = call.backend.context()
    call.service.faults.append(fault)
    call.time += 100.0
    assert not told(call.backend).is_operational
    assert call.backend.context().queue_seconds == known.queue_seconds
    assert bool(call.backend.problem) is (fault == "silent")
    assert TOKEN not in call.backend.problem
    n_asked = len(call.service.asked)
    call.backend.context()
    assert len(call.service.asked) == n_asked, "a silent service is not asked at every step"
    call.time += 100.0
    assert told(call.backend).is_operational


def test_a_service_silent_from_the_start() -> None:
    """There is a context all the same: arms are ranked, and sent elsewhere."""
    call = Call("silent")
    assert call.backend.context() == BackendContext()
    assert not told(call.backend).is_operational and "ibm_fake" in call.backend.problem
    assert told(call.backend).plan_seconds == np.inf


def test_placements_share_device_and_journal(tmp_path: Path) -> None:
    """One executor for each placement, one batch for all, one journal; `close` closes the batch."""
    call = Call()
    with Journal(tmp_path / "j.jsonl") as journal:
        call.backend.journal = journal
        first, second = (call.backend.executor(name) for name in ("line0", "line1"))
        assert call.backend.executor("line0") is first is not second
        for executor in (first, second):
            executor.execute([basis_pub(3, [5])], 16, np.random.default_rng(0), HERE)
            assert executor.job_state([basis_pub(3, [5])], 16, 0, HERE) == "finished"
        assert journal.summary().jobs == 2
    assert len(call.service.opened) == 1 and not call.service.opened[0].closed
    call.backend.close()
    assert call.service.opened[0].closed
    with pytest.raises(UnknownNameError, match="placement"):
        call.backend.executor("")


def test_several_backends_at_once_keep_one_journal(tmp_path: Path) -> None:
    """One thread for each device, real jobs of a simulator and a real file: all finished, all paid once."""
    pytest.importorskip("qiskit_aer")
    names = ("FakeHanoi", "FakeGeneva", "FakeMumbai")
    with Journal(tmp_path / "j.jsonl") as journal, ThreadPoolExecutor(len(names)) as pool:
        barrier = threading.Barrier(len(names))
        backends = [RuntimeBackend.of(name, journal=journal) for name in names]

        def run(backend: RuntimeBackend) -> list[list[int]]:
            barrier.wait(timeout=60)
            executor = backend.executor("line0")
            return [
                executor.execute([basis_pub(3, [5])], 32, np.random.default_rng(i), HERE).codes[0][0].tolist()
                for i in range(2)
            ]

        found = [one.result(120) for one in [pool.submit(run, backend) for backend in backends]]
        summary = journal.summary()
        assert (summary.jobs, summary.failed, summary.pending, summary.paid.shots) == (6, 0, (), 6 * 32)
        barrier.reset()
        again = [one.result(120) for one in [pool.submit(run, backend) for backend in backends]]
        assert again == found and journal.summary().jobs == 6


def test_a_fake_backend_is_always_there() -> None:
    """No queue, a calibration of today, no limit, and the profiles of the simulated backend."""
    backend = RuntimeBackend.of("FakeHanoi")
    assert (backend.name, backend.context(), told(backend).plan_seconds) == ("fake_hanoi", BackendContext(), np.inf)
    assert told(backend).is_operational
    noisy = NoisyBackend.of("FakeHanoi")
    for placement in ("line0", "line2"):
        chosen = arm(placement, "fake_hanoi")
        assert backend.profile(chosen, 5) == noisy.profile(chosen, 5) is not None
    assert backend.profile(arm(), 30) is None
    assert backend.profile(arm("default"), 5) is None, "0, 1, 2, 3, 5 is a line there, 0 to 4 is none"


@pytest.mark.parametrize("bad", [{"job_seconds": -1.0}, {"refresh_seconds": np.nan}, {"job_seconds": np.inf}])
def test_bad_numbers_are_refused(bad: dict[str, float]) -> None:
    """Times that make no sense would give features that make none."""
    device = RuntimeBackend.of("FakeHanoi").device
    with pytest.raises(InputError, match=next(iter(bad))):
        RuntimeBackend(device, **bad)


def test_unknown_devices_are_told() -> None:
    """Of fakes and of the account."""
    with pytest.raises(UnknownNameError, match="FakeHanoi"):
        RuntimeBackend.of("FakeHanoy")
    with pytest.raises(UnknownNameError, match="your account's"):
        RuntimeBackend.of("ibm_nowhere", service=FakeService())


def test_other_errors_of_a_service_are_told_too() -> None:
    """A refused token is no reason to stop either: it is told when a job is sent."""
    call = Call()

    def refuse() -> None:
        raise ibm_error("IBMNotAuthorizedError", "401 Client Error: Unauthorized")

    call.backend.device.backend = SimpleNamespace(name="ibm_fake", status=refuse)
    assert not told(call.backend).is_operational
    assert "401" in call.backend.problem and TOKEN not in call.backend.problem


def test_a_glance_waits_for_nobody() -> None:
    """It tells what was told last, and has the service asked; one that takes too long counts as not in operation."""
    call = Call(pending_jobs=1, calibrated=NOON)
    assert call.backend.context().queue_seconds == 5.0
    status, goes = call.backend.device.backend.status, threading.Event()
    call.backend.device.backend.status = lambda: (goes.wait(10.0), status())[1]
    call.service.pending_jobs = 2
    call.time += 61.0
    moment = call.backend.status()
    assert (moment.context.queue_seconds, moment.is_operational) == (5.0, True)
    assert call.backend.executor("line0") and call.backend.profile(arm(), 4)
    call.time += 61.0
    moment = call.backend.status()
    assert not moment.is_operational and moment.problem == "no answer after 60 s"
    assert not told(call.backend).is_operational, "nor does anybody wait for it again"
    goes.set()
    call.backend._asking.join(10.0)
    assert call.backend.status().context.queue_seconds == 10.0
    assert told(call.backend).is_operational


def test_who_ranks_arms_waits_for_an_answer_but_not_for_ever() -> None:
    """The service may be silent without saying so."""
    call = Call()
    call.backend.answer_seconds = 0.05
    goes = threading.Event()
    call.backend.device.backend.status = lambda: goes.wait(10.0)
    assert call.backend.context() == BackendContext()
    goes.set()


def test_own_charges_count_until_the_service_tells() -> None:
    """What jobs were charged since it was asked what is left is no more there."""
    call = Call()
    assert told(call.backend).plan_seconds == 600.0
    for seed, left in ((0, 597.0), (1, 594.0)):
        call.backend.executor("line0").execute([basis_pub(3, [5])], 16, np.random.default_rng(seed), HERE)
        assert told(call.backend).plan_seconds == call.backend.status().plan_seconds == left
    call.service.plan = {"usage_remaining_seconds": 594.0}
    call.time += 61.0
    assert told(call.backend).plan_seconds == 594.0
    call.service.plan = {"usage_remaining_seconds": 1.0}
    call.time += 61.0
    assert told(call.backend).plan_seconds == 1.0
    call.backend.executor("line1").execute([basis_pub(3, [5])], 16, np.random.default_rng(0), HERE)
    assert told(call.backend).plan_seconds == 0.0
