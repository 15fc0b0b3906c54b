"""Status of devices of an account: queue, age, new calibrations, silent services; and fake backends."""

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

from lagrl.errors import UnknownNameError
from lagrl.quantum.bandit.features import Arm
from lagrl.quantum.circuits.backend import BackendStatus, Job
from lagrl.quantum.ibm.device import RuntimeOptions
from lagrl.quantum.journal.journal import Journal
from lagrl.relaxation.sampler import SampleContext

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.quantum.bandit.profile import Profile
    from lagrl.quantum.circuits.backend import Backend

pytest.importorskip("qiskit_ibm_runtime")

from lagrl.quantum.bandit.profile import arm_profile
from lagrl.quantum.devices.fakes import fake_backend
from lagrl.quantum.devices.placement import placed_line
from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.simulators.line_backend import SurrogateBackend

HERE = SampleContext("test", 0)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def arm(placement: str = "line0", backend: str = "ibm_fake") -> Arm:
    return Arm(backend, placement, "qaoa", 1)


def updated(backend: DeviceBackend) -> BackendStatus:
    """Return a device's status after a request that is due."""
    return backend.status(wait=True)


def profile(backend: Backend, *place: str, width: int = 4) -> Profile | None:
    """Return the profile of an arm on a backend."""
    return arm_profile(backend, arm(*place), width)


class Call:
    """A backend on the test double, and its clock, which starts at 18:00."""

    def __init__(self, *faults: str, **service: Any) -> None:
        self.time = NOON.timestamp() + 6 * 3600.0
        self.service = FakeService(list(faults), **service)
        self.backend = DeviceBackend.of(
            "ibm_fake",
            RuntimeOptions(mode="batch"),
            service=self.service,
            primitives=FakePrimitives(self.service),
            sleep=lambda seconds: None,
            clock=lambda: self.time,
        )
        self.service.asked.clear()


def test_the_context_is_that_of_the_service() -> None:
    """The expected wait is the number of jobs times the assumed length; the age counts from the last calibration."""
    call = Call(pending_jobs=12, calibrated=NOON)
    moment = updated(call.backend)
    assert (moment.queue_seconds, moment.age_days, moment.pending_jobs) == (60.0, 0.25, 12)
    assert updated(call.backend).is_operational and not call.backend.status().problem
    assert updated(call.backend).plan_seconds == 600.0
    call.backend.reader.job_seconds = 7.0
    call.time += 61.0
    assert updated(call.backend).queue_seconds == 84.0


def test_requests_are_limited_in_time() -> None:
    """There is one request of each kind in `refresh_seconds`, however often arms are ranked."""
    call = Call(pending_jobs=1, calibrated=NOON)
    for _ in range(3):
        updated(call.backend), call.backend.status()
    assert call.service.asked == ["status", "properties", "usage"]
    call.service.pending_jobs = 2
    call.time += 59.9
    assert updated(call.backend).queue_seconds == 5.0
    call.time += 0.2
    assert updated(call.backend).queue_seconds == 10.0
    assert len(call.service.asked) == 6
    call.time -= 3600.0
    updated(call.backend)
    assert len(call.service.asked) == 9, "a clock that was set back must not silence it for an hour"


@pytest.mark.parametrize(
    ("plan", "left"),
    [({}, np.inf), ({"usage_remaining_seconds": 17}, 17.0), ({"usage_limit_reached": True}, 0.0)],
)
def test_the_plan_is_that_of_the_service(plan: dict[str, Any], left: float) -> None:
    """Plan seconds are infinite without a limit, and 0 if it is reached."""
    assert updated(Call(plan=plan).backend).plan_seconds == left


def test_unknown_values_are_finite() -> None:
    """An unknown or future calibration has age 0, so that features are finite."""
    assert updated(Call().backend) == BackendStatus(pending_jobs=0, plan_seconds=600.0)
    ahead = Call(calibrated=NOON)
    ahead.time = NOON.timestamp() - 100.0
    assert updated(ahead.backend).age_days == 0.0


def test_profiles_change_after_a_calibration() -> None:
    """A newer calibration is fetched once: profiles and lines change."""
    other = fake_backend("FakeCairo").target
    call = Call(calibrated=NOON, fresh=other)
    updated(call.backend)
    before, line = profile(call.backend), placed_line(call.backend.target, 4, "line0")
    assert before == profile(SurrogateBackend.of("FakeHanoi"), "line0", "fake_hanoi")
    assert profile(call.backend) is before
    call.time += 100.0
    updated(call.backend)
    assert "refresh" not in call.service.asked and profile(call.backend) is before
    call.service.calibrated = NOON.replace(hour=17)
    call.time += 100.0
    assert updated(call.backend).age_days == pytest.approx((3600.0 + 200.0) / 86400.0)
    updated(call.backend)
    assert call.service.asked.count("refresh") == 1
    after = profile(call.backend)
    assert after == profile(SurrogateBackend.of("FakeCairo"), "line0", "fake_cairo") != before
    assert placed_line(call.backend.target, 4, "line0") != line
    assert call.backend.device.target is other


def test_a_lost_calibration_is_fetched_again() -> None:
    """If a new calibration cannot be read, the old one is used and the request repeated."""
    call = Call("lost while refreshing", calibrated=NOON, fresh=fake_backend("FakeCairo").target)
    updated(call.backend)
    before = profile(call.backend)
    call.service.calibrated = NOON.replace(hour=17)
    call.time += 100.0
    assert not updated(call.backend).is_operational and "cannot be reached" in call.backend.status().problem
    assert profile(call.backend) == before
    call.time += 100.0
    assert updated(call.backend).is_operational and not call.backend.status().problem
    assert profile(call.backend) != before


def test_a_device_without_refresh_keeps_its_target() -> None:
    """Services without a refresh keep the old target without a failure."""
    call = Call(calibrated=NOON)
    del call.backend.device.backend.refresh
    updated(call.backend)
    call.service.calibrated = NOON.replace(hour=17)
    call.time += 100.0
    updated(call.backend)
    assert updated(call.backend).is_operational


@pytest.mark.parametrize("fault", ["down", "silent"])
def test_a_device_that_is_away_takes_no_jobs(fault: str) -> None:
    """Out of operation or without a response there are no jobs, and the last known values stay."""
    call = Call(pending_jobs=3, calibrated=NOON)
    known = updated(call.backend)
    call.service.faults.append(fault)
    call.time += 100.0
    assert not updated(call.backend).is_operational
    assert updated(call.backend).queue_seconds == known.queue_seconds
    assert bool(call.backend.status().problem) is (fault == "silent")
    assert TOKEN not in call.backend.status().problem
    n_asked = len(call.service.asked)
    updated(call.backend)
    assert len(call.service.asked) == n_asked, "a silent service is not asked at every step"
    call.time += 100.0
    assert updated(call.backend).is_operational


def test_a_service_silent_from_the_start() -> None:
    """Without any response there is still a context, and jobs go elsewhere."""
    call = Call("silent")
    assert updated(call.backend).queue_seconds == 0.0
    assert not updated(call.backend).is_operational and "ibm_fake" in call.backend.status().problem
    assert updated(call.backend).plan_seconds == np.inf


def test_placements_share_device_and_journal(tmp_path: Path) -> None:
    """Placements share device, batch and journal; `close` closes the batch."""
    call = Call()
    with Journal(tmp_path / "j.jsonl") as journal:
        call.backend.journal = journal
        for name in ("line0", "line1"):
            call.backend.run(Job([basis_pub(3, [5])], 16, 0, HERE, name))
            assert call.backend.job_state(Job([basis_pub(3, [5])], 16, 0, HERE, name)) == "finished"
        assert journal.summary().jobs == 2
    assert len(call.service.opened) == 1 and not call.service.opened[0].closed
    call.backend.close()
    assert call.service.opened[0].closed
    with pytest.raises(UnknownNameError, match="placement"):
        call.backend.run(Job([basis_pub(3, [5])], 16, 0, HERE, ""))


def test_several_backends_at_once_keep_one_journal(tmp_path: Path) -> None:
    """Three devices in threads share one journal: all jobs are finished and charged once."""
    pytest.importorskip("qiskit_aer")
    names = ("FakeHanoi", "FakeGeneva", "FakeMumbai")
    with Journal(tmp_path / "j.jsonl") as journal, ThreadPoolExecutor(len(names)) as pool:
        barrier = threading.Barrier(len(names))
        backends = [DeviceBackend.of(name, journal=journal) for name in names]

        def run(backend: DeviceBackend) -> list[list[int]]:
            barrier.wait(timeout=60)
            return [backend.run(Job([basis_pub(3, [5])], 32, i, HERE)).codes[0][0].tolist() for i in range(2)]

        found = [one.result(120) for one in [pool.submit(run, backend) for backend in backends]]
        summary = journal.summary()
        assert (summary.jobs, summary.failed, summary.pending, summary.paid.shots) == (6, 0, (), 6 * 32)
        barrier.reset()
        again = [one.result(120) for one in [pool.submit(run, backend) for backend in backends]]
        assert again == found and journal.summary().jobs == 6


def test_a_fake_backend_is_always_there() -> None:
    """A fake backend has no queue, age or limit, and the profiles of the simulated backend."""
    backend = DeviceBackend.of("FakeHanoi")
    assert (backend.name, updated(backend)) == ("ibm(fake_hanoi)", BackendStatus())
    noisy = SurrogateBackend.of("FakeHanoi")
    for placement in ("line0", "line2"):
        place = (placement, "fake_hanoi")
        assert profile(backend, *place, width=5) == profile(noisy, *place, width=5) is not None
    assert profile(backend, width=30) is None
    assert profile(backend, "default", width=5) is None, "0, 1, 2, 3, 5 is a line there, 0 to 4 is none"


def test_unknown_devices_are_refused() -> None:
    """Unknown fake backends and devices of the account are refused."""
    with pytest.raises(UnknownNameError, match="FakeHanoi"):
        DeviceBackend.of("FakeHanoy")
    with pytest.raises(UnknownNameError, match="your account's"):
        DeviceBackend.of("ibm_nowhere", service=FakeService())


def test_other_errors_of_a_service_are_reported() -> None:
    """A refused token is a problem of the status, and an error when a job is sent."""
    call = Call()

    def refuse() -> None:
        raise ibm_error("IBMNotAuthorizedError", "401 Client Error: Unauthorized")

    call.backend.device.backend = SimpleNamespace(name="ibm_fake", status=refuse)
    assert not updated(call.backend).is_operational
    assert "401" in call.backend.status().problem and TOKEN not in call.backend.status().problem


def test_the_status_does_not_wait() -> None:
    """The status returns at once with the last known values; a late service counts as not in operation."""
    call = Call(pending_jobs=1, calibrated=NOON)
    assert updated(call.backend).queue_seconds == 5.0
    status, goes = call.backend.device.backend.status, threading.Event()
    call.backend.device.backend.status = lambda: (goes.wait(10.0), status())[1]
    call.service.pending_jobs = 2
    call.time += 61.0
    moment = call.backend.status()
    assert (moment.queue_seconds, moment.is_operational) == (5.0, True)
    assert profile(call.backend)
    call.time += 61.0
    moment = call.backend.status()
    assert not moment.is_operational and moment.problem == "no answer after 60 s"
    assert not updated(call.backend).is_operational, "nor is it waited for again"
    goes.set()
    call.backend.reader._request.join(10.0)
    assert call.backend.status().queue_seconds == 10.0
    assert updated(call.backend).is_operational


def test_the_context_waits_for_a_limited_time() -> None:
    """The context waits for a response, but not longer than `answer_seconds`."""
    call = Call()
    call.backend.reader.answer_seconds = 0.05
    goes = threading.Event()
    call.backend.device.backend.status = lambda: goes.wait(10.0)
    assert updated(call.backend) == BackendStatus()
    goes.set()


def test_own_charges_count_until_the_service_tells() -> None:
    """Seconds charged since the last response are subtracted from the plan."""
    call = Call()
    assert updated(call.backend).plan_seconds == 600.0
    for seed, left in ((0, 597.0), (1, 594.0)):
        call.backend.run(Job([basis_pub(3, [5])], 16, seed, HERE))
        assert updated(call.backend).plan_seconds == call.backend.status().plan_seconds == left
    call.service.plan = {"usage_remaining_seconds": 594.0}
    call.time += 61.0
    assert updated(call.backend).plan_seconds == 594.0
    call.service.plan = {"usage_remaining_seconds": 1.0}
    call.time += 61.0
    assert updated(call.backend).plan_seconds == 1.0
    call.backend.run(Job([basis_pub(3, [5])], 16, 0, HERE, "line1"))
    assert updated(call.backend).plan_seconds == 0.0
