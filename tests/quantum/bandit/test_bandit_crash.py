"""After a crash in the middle of a step the next process reads the jobs that were sent, and sends none again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("qiskit_ibm_runtime")

import fake_service
from bandit_world import ARMS, Killed, World, killed_before_the_end
from fake_service import FakePrimitives

from lagrl.quantum.journal.database import Tables

if TYPE_CHECKING:
    from pathlib import Path


def test_a_job_that_was_sent_is_read(tmp_path: Path) -> None:
    """A job sent before a crash is read, even if the bandit would choose another arm now, with equal strings."""
    world = World(tmp_path)
    with pytest.raises(Killed):
        world.process(ARMS[0], hook=killed_before_the_end)
    assert world.sent() == [1, 0]
    after = world.process(ARMS[3])
    assert world.sent() == [1, 0]
    assert "ibm_a" in after.cost.backend and not after.cost.fallback
    other = tmp_path / "other"
    other.mkdir()
    undisturbed = World(other).process(ARMS[0])
    np.testing.assert_array_equal(after.bitstrings, undisturbed.bitstrings)


@pytest.mark.parametrize("faults", [("refused",), ("lost before submission",), ("lost before submission",) * 2])
def test_a_job_that_went_elsewhere_is_read_there(faults: tuple[str, ...], tmp_path: Path) -> None:
    """A job sent to the second device is read there; the first device, which refused it, gets none."""
    world = World(tmp_path, *faults)
    world.retries = len(faults) - 1
    with pytest.raises(Killed):
        world.process(ARMS[0], hook=killed_before_the_end)
    assert world.sent() == [0, 1]
    after = world.process(ARMS[0])
    assert world.sent() == [0, 1]
    assert "ibm_b for ibm_a" in after.cost.fallback


def test_nothing_is_repeated_after_the_result(tmp_path: Path) -> None:
    """A third process reads the results from the journal."""
    world = World(tmp_path)
    first = world.process(ARMS[0])
    reads = world.services[0].reads
    again = world.process(ARMS[1])
    assert world.sent() == [1, 0] and world.services[0].reads == reads
    np.testing.assert_array_equal(first.bitstrings, again.bitstrings)


def test_a_job_that_the_service_lost_stays_the_only_one(tmp_path: Path) -> None:
    """A lost job may have been charged: no other is sent, and the product state is used."""
    world = World(tmp_path)
    with pytest.raises(Killed):
        world.process(ARMS[0], hook=killed_before_the_end)
    world.services[0].faults = ["forgotten"]
    after = world.process(ARMS[0])
    assert world.sent() == [1, 0]
    assert after.cost.fallback.startswith("product: ibm_a: Job not found")


@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize(
    "fault", ["", "failed", "refused", "lost after submission", "lost before submission", "undecodable", "down"]
)
def test_killed_anywhere_nothing_is_sent_again(
    fault: str, retries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process killed before or after any step in the journal, submission or reading causes no second job."""
    state = {"n": 0, "at": 0}

    def event() -> None:
        state["n"] += 1
        if 0 < state["at"] <= state["n"]:
            raise Killed

    commit, read = Tables._commit, fake_service.FakeJob.result

    def committing(self: Tables, connection: Any) -> None:
        event()
        commit(self, connection)
        event()

    def reading(self: Any, timeout: float | None = None) -> Any:
        event()
        found = read(self, timeout)
        event()
        return found

    class Sending(FakePrimitives):
        def _run(self, *args: Any) -> Any:
            event()
            sent = super()._run(*args)
            event()
            return sent

    monkeypatch.setattr(Tables, "_commit", committing)
    monkeypatch.setattr(fake_service.FakeJob, "result", reading)

    def killed(at: int) -> tuple[int, int]:
        folder = tmp_path / str(at)
        folder.mkdir()
        world = World(folder, fault)
        world.primitives, world.retries = Sending, retries
        state.update(n=0, at=at)
        if at:
            with pytest.raises(Killed):
                world.process(ARMS[0])
        else:
            world.process(ARMS[0])
        n_events = state["n"]
        state.update(n=0, at=0)
        world.process(ARMS[0])
        return n_events, sum(world.sent())

    n_events, n_sent = killed(0)
    assert n_sent == 1 + (fault == "failed")
    for at in range(1, n_events + 1):
        assert killed(at)[1] <= n_sent, f"killed at event {at}"
