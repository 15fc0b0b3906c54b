"""Lines by the names of placements: the backend on a device and the bandit's profiles find the same."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fake_service import FakePrimitives, FakeService
from small_circuits import graph_target, line_target
from small_executions import MemoryJournal, basis_pub

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.circuits.backend import Job
from lagrl.quantum.devices.placement import PLACEMENTS, find_lines, placed_line
from lagrl.quantum.ibm.device import RuntimeOptions
from lagrl.quantum.ibm.failures import JobFailedError, NotArrivedError
from lagrl.quantum.ibm.runtime import fingerprint
from lagrl.quantum.ibm.service import open_device
from lagrl.quantum.journal.journal import Journal
from lagrl.relaxation.sampler import SampleContext

if TYPE_CHECKING:
    from pathlib import Path


pytest.importorskip("qiskit_ibm_runtime")

from lagrl.quantum.circuits.line_qaoa import qaoa_line
from lagrl.quantum.devices.compile import _compiled, compile_template
from lagrl.quantum.devices.fakes import fake_backend
from lagrl.quantum.devices.noisy_device import NoisyDevice
from lagrl.quantum.ibm.runtime import DeviceBackend

HERE = SampleContext("test", 3)
PUBS = [basis_pub(3, [5, 1])]


def on_double(*, service: FakeService | None = None, journal: Journal | None = None) -> DeviceBackend:
    """Make a backend on a simulated service."""
    service = service or FakeService()
    device = open_device("ibm_fake", service=service, primitives=FakePrimitives(service), sleep=lambda seconds: None)
    return DeviceBackend(device, journal=journal)


def execute(backend: DeviceBackend, placement: str = "line0") -> None:
    backend.run(Job(PUBS, 16, 0, HERE, placement))


def test_lines_are_the_best_and_the_next_ones() -> None:
    """`line0` … `line2` are the best lines of the search, over different qubits, best first."""
    target = fake_backend("FakeHanoi").target
    found = [placed_line(target, 5, name) for name in PLACEMENTS[:3]]
    assert found == find_lines(target, 5, 3)
    assert found[0].fidelity >= found[1].fidelity >= found[2].fidelity
    assert len({frozenset(line.qubits) for line in found}) == 3


def test_the_default_is_the_first_qubits_in_order() -> None:
    """The default placement is qubits 0 … n − 1 with any errors, rated as any other line."""
    target = line_target(6, errors=[0.2, 0.01, 0.01, 0.01, 0.01], readout=[0.01] * 6)
    found = placed_line(target, 3, "default")
    assert found.qubits == (0, 1, 2)
    assert found.log_fidelity == pytest.approx(4 * np.log(0.8) + 6 * np.log(0.99))
    assert found.fidelity < placed_line(target, 3, "line0").fidelity


@pytest.mark.parametrize(
    ("target", "n"),
    [
        (graph_target(4, {(0, 1): 0.01, (1, 3): 0.01, (3, 2): 0.01}), 3),
        (line_target(4, errors=[0.01, 1.0, 0.01]), 3),
        (line_target(4, errors=[0.01] * 3, readout=[0.01, 1.0, 0.01, 0.01]), 2),
        (line_target(4, errors=[0.01] * 3, readout=[0.01] * 4), 5),
    ],
    ids=["not joined", "dead coupling", "dead qubit", "too few"],
)
def test_a_default_that_is_no_line_is_refused(target: object, n: int) -> None:
    """If the first qubits are not a usable line, the default placement raises an error."""
    with pytest.raises(InputError, match=rf"placement: default, but qubits 0 to {n - 1} .* are not a line"):
        placed_line(target, n, "default")


def test_bad_placements() -> None:
    """Unknown names, ranks without a line and zero qubits raise an error."""
    target = line_target(4, errors=[0.01] * 3, readout=[0.01] * 4)
    with pytest.raises(UnknownNameError, match="unknown placement 'line9'"):
        placed_line(target, 3, "line9")
    assert len(find_lines(target, 3, 5)) == 2
    with pytest.raises(InputError, match="line2, but only 2 lines of 3 qubits"):
        placed_line(target, 3, "line2")
    for name in ("line0", "default"):
        with pytest.raises(InputError, match="n = 0"):
            placed_line(target, 0, name)
    with pytest.raises(UnknownNameError, match="unknown placement"):
        execute(on_double(), "best")


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_circuits_go_where_the_placement_says(placement: str) -> None:
    """A sent circuit acts on the qubits of its line only, the same as in the bandit's profile."""
    service = FakeService()
    width = 2 if placement == "default" else 3
    executor = on_double(service=service)
    executor.run(Job([basis_pub(width, [1])], 16, 0, HERE, placement))
    circuit = service.submitted[0].pubs[0][0]
    used = {circuit.find_bit(q).index for step in circuit.data for q in step.qubits if step.operation.name != "barrier"}
    target = executor.device.target
    assert (
        used
        == set(placed_line(target, width, placement).qubits)
        == set(placed_line(executor.target, width, placement).qubits)
    )
    assert NoisyDevice("ibm_fake", target).line(width, placement).qubits == placed_line(target, width, placement).qubits


def test_lines_follow_the_calibration() -> None:
    """A line is searched once per calibration."""
    executor = on_double()
    first = placed_line(executor.target, 3)
    assert placed_line(executor.target, 3) is first
    executor.device.backend.target = fake_backend("FakeCairo").target
    assert placed_line(executor.target, 3) == find_lines(fake_backend("FakeCairo").target, 3, 1)[0] != first


def test_fingerprints_of_old_journals_hold() -> None:
    """The fingerprints of the best line's jobs are those of old journals; other placements have different ones."""
    jobs = [Job(PUBS, 16, 0, HERE, name) for name in PLACEMENTS]
    known = [fingerprint("fake_hanoi", job, 7, RuntimeOptions()) for job in jobs]
    assert known[0] == fingerprint("fake_hanoi", Job(PUBS, 16, 0, HERE), 7, RuntimeOptions())
    assert known[0] == "4b0bb703969938668db0d21de306c68286b89c1e3a904ca4ca2753cde3a47be0"
    assert len(set(known)) == len(PLACEMENTS)


def test_placements_do_not_answer_for_each_other() -> None:
    """With one journal, the same call on another line is another job, and on the same line no job."""
    service, journal = FakeService(), MemoryJournal()
    for placement, jobs in (("line0", 1), ("line1", 2), ("line0", 2), ("line1", 2)):
        execute(on_double(service=service, journal=journal), placement)
        assert len(service.submitted) == jobs


def content(folder: Path) -> list[bytes]:
    """Return the bytes of a journal and of its write-ahead log."""
    return [(folder / name).read_bytes() for name in ("j.sqlite", "j.sqlite-wal")]


@pytest.mark.parametrize(
    ("fault", "fails", "sent"),
    [
        ("", None, "finished"),
        ("killed after submission", KeyboardInterrupt, "intended"),
        ("lost before submission", NotArrivedError, ""),
        ("failed", JobFailedError, ""),
        ("down", None, ""),
    ],
)
def test_the_journal_knows_what_may_have_been_paid(
    fault: str, fails: type[BaseException] | None, sent: str, tmp_path: Path
) -> None:
    """The journal knows the state of a job that may have been paid, and nothing of others; a query sends nothing."""
    service = FakeService([fault])
    with Journal(tmp_path / "j.sqlite") as journal:
        executor = on_double(service=service, journal=journal)
        assert not executor.job_state(Job(PUBS, 16, 0, HERE))
        before = content(tmp_path)
        if fails is None and fault:
            with pytest.raises(Exception, match="not operational"):
                execute(executor)
        elif fails is None:
            execute(executor)
        else:
            with pytest.raises(fails):
                execute(executor)
        assert content(tmp_path) != before
    n_jobs = len(service.submitted)
    with Journal(tmp_path / "j.sqlite") as journal:  # as after a crash
        before = content(tmp_path)
        executor = on_double(service=service, journal=journal)
        assert executor.job_state(Job(PUBS, 16, 0, HERE)) == sent
        assert not executor.job_state(Job(PUBS, 16, 1, HERE))
        assert not executor.job_state(Job(PUBS, 17, 0, HERE))
        assert not executor.job_state(Job(PUBS, 16, 0, SampleContext("test", 4)))
        assert not executor.job_state(Job(PUBS, 16, 0, HERE, "line1"))
        assert content(tmp_path) == before
        if sent and n_jobs:
            execute(executor)
    assert len(service.submitted) == n_jobs


def test_without_a_journal_nothing_is_known() -> None:
    """Without a journal the state of a job is unknown."""
    executor = on_double()
    execute(executor)
    assert not executor.job_state(Job(PUBS, 16, 0, HERE))


def test_what_qiskit_cannot_compile_is_told() -> None:
    """A line of FakeCairo with both CX and ECR couplings, which qiskit cannot compile, raises an InputError."""
    target = fake_backend("FakeCairo").target
    line = placed_line(target, 3, "line0").qubits
    with pytest.raises(InputError, match=r"cannot be compiled for qubits .* choose another line or backend"):
        compile_template(qaoa_line(3, 1), target, line)


def test_threads_compile_one_after_the_other() -> None:
    """Templates that several threads compile at once are compiled once."""
    target = fake_backend("FakeHanoi").target
    templates = [qaoa_line(n, 1) for n in range(2, 8)]
    expected = [compile_template(t, target, placed_line(target, t.n_qubits, "line0").qubits) for t in templates]
    _compiled.clear()
    barrier = threading.Barrier(4)

    def compile_all() -> list[object]:
        barrier.wait(timeout=30)
        return [compile_template(t, target, found.qubits) for t, found in zip(templates, lines, strict=True)]

    lines = [placed_line(target, t.n_qubits, "line0") for t in templates]
    with ThreadPoolExecutor(4) as pool:
        made = [one.result(60) for one in [pool.submit(compile_all) for _ in range(4)]]
    for others in made:
        assert all(mine is other for mine, other in zip(made[0], others, strict=True))
    assert [t.two_qubit_gates for t in expected] == [t.two_qubit_gates for t in made[0]]
