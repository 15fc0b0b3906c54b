"""The table of `lagrl devices`, compared with calibrations and with a failing service."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime

import numpy as np
import pytest
from fake_service import TOKEN, FakeService
from small_circuits import graph_target, line_target

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.devices.placement import find_line
from lagrl.quantum.ibm.device import DeviceState
from lagrl.quantum.ibm.device_table import describe_target, list_devices
from lagrl.quantum.ibm.failures import TokenError

pytest.importorskip("qiskit_ibm_runtime")

from lagrl.quantum.devices.fakes import fake_backend, known_fakes


def test_medians_are_over_what_works() -> None:
    """Dead couplings and qubits do not count, and a coupling has the error of its better direction."""
    edges = {(0, 1): 0.01, (1, 2): 0.02, (2, 3): 0.06, (3, 4): 1.0, (4, 5): 0.5}
    target = graph_target(6, edges, readout=dict(enumerate([0.01, 0.02, 0.03, 0.05, 0.1, 1.0])))
    row = describe_target("x", target, (1, 4, 5))
    assert (row.qubits, row.gate, row.two_qubit_error, row.readout_error) == (6, "cz", 0.02, 0.03)
    assert row.fidelity == {1: pytest.approx(0.99), 4: pytest.approx(find_line(target, 4).fidelity), 5: None}
    assert (row.t1, row.t2, row.pending_jobs, row.is_operational) == (None, None, None, None)


def test_an_ideal_device_tells_nothing() -> None:
    """Errors missing in a target are unknown: neither 0 nor a fidelity of 1."""
    row = describe_target("x", line_target(5), (3,))
    assert (row.gate, row.two_qubit_error, row.readout_error, row.fidelity) == ("cz", None, None, {3: None})
    row = describe_target("x", graph_target(3, {}, readout=dict.fromkeys(range(3), 0.01)), (1, 2))
    assert (row.gate, row.two_qubit_error, row.readout_error) == (None, None, 0.01)


def test_relaxation_times_are_medians_of_what_is_told() -> None:
    """Qubits that are dead or have no valid T1 or T2 do not count."""
    transpiler = pytest.importorskip("qiskit.transpiler")
    target = line_target(5, errors=[0.01] * 4, readout=[0.01, 0.01, 0.01, 0.01, 1.0])
    times = [(1e-4, 5e-5), (2e-4, None), (float("nan"), 7e-5), (3e-4, float("inf")), (9.0, 9.0)]
    target.qubit_properties = [transpiler.QubitProperties(t1=t1, t2=t2) for t1, t2 in times]
    row = describe_target("x", target)
    assert row.t1 == pytest.approx(2e-4) and row.t2 == pytest.approx(6e-5)
    json.dumps(row.record(), allow_nan=False)


def test_a_fake_backend_is_its_snapshot() -> None:
    """The numbers equal those read directly from the target."""
    (row,) = list_devices(["FakeKingston"], widths=(4, 12))
    target = fake_backend("FakeKingston").target
    errors = [entry.error for (a, b), entry in target["cz"].items() if a < b and entry.error < 1]
    assert row.two_qubit_error == pytest.approx(np.median(errors), rel=0.02)
    assert row.t1 == pytest.approx(np.median([q.t1 for q in target.qubit_properties if q.t1]), rel=0.02)
    assert row.fidelity == {n: find_line(target, n).fidelity for n in (4, 12)}
    assert (row.name, row.qubits, row.pending_jobs, row.is_operational, row.note) == (
        *("fake_kingston", 156, None, True),
        "",
    )


def test_the_gate_is_that_of_most_couplings() -> None:
    """The most frequent gate is shown: FakeCairo has ECR on some pairs and CX on fewer; the note says so."""
    mixed = describe_target("x", fake_backend("FakeCairo").target)
    assert mixed.gate == "ecr"
    assert "x: its couplings have different gates (ecr, cx)" in mixed.note
    assert describe_target("x", fake_backend("FakeHanoi").target).gate == "cx"


def test_what_a_snapshot_warns_of_is_its_note() -> None:
    """Notes of fake backends are shown every time and not as warnings; others have none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            nighthawk, other = list_devices(["FakeNighthawk", "fake_hanoi"], widths=(2,))
            assert "not intended to represent typical nighthawk error values" in nighthawk.note
            assert not other.note


def test_devices_of_an_account() -> None:
    """With `account` all devices are listed, otherwise the named ones; each once, with its queue."""
    service = FakeService(pending_jobs=7, calibrated=datetime(2026, 1, 1, tzinfo=UTC))
    rows = list_devices(["ibm_other", "FakeHanoi"], widths=(2,), service=service)
    assert [(row.name, row.pending_jobs) for row in rows] == [("ibm_other", 7), ("fake_hanoi", None)]
    rows = list_devices(account=True, widths=(2,), service=service)
    assert [row.name for row in rows] == ["ibm_fake", "ibm_other"]
    rows = list_devices(["FakeHanoi", "FakeHanoi", "ibm_other"], account=True, widths=(2,), service=service)
    assert [row.name for row in rows] == ["fake_hanoi", "ibm_other", "ibm_fake"]
    assert rows[1].is_operational and rows[1].fidelity == rows[0].fidelity
    service.faults = ["down"]
    assert not list_devices(["ibm_fake"], widths=(2,), service=service)[0].is_operational


def test_a_silent_device_has_a_row() -> None:
    """Unreadable values are unknown, the note says why without a token, and other rows are complete."""
    rows = list_devices(account=True, widths=(2,), service=FakeService(["silent"], pending_jobs=7))
    assert [(row.pending_jobs, row.is_operational) for row in rows] == [(None, None), (7, True)]
    assert rows[0].two_qubit_error == rows[1].two_qubit_error
    assert "Connection refused" in rows[0].note and TOKEN not in rows[0].note and not rows[1].note
    assert json.loads(json.dumps(rows[0].record()))["is_operational"] is None


def test_no_names_are_all_fake_backends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fake backends are listed without an account."""
    monkeypatch.setattr("lagrl.quantum.ibm.device_table.known_fakes", lambda: known_fakes()[:2])
    assert [row.name for row in list_devices(widths=(2,))] == ["fake_aachen", "fake_algiers"]


def test_bad_input() -> None:
    """Broken, small, unknown and forbidden: each by its own error."""
    with pytest.raises(InputError, match="FakeKyoto has no usable two-qubit gate"):
        list_devices(["FakeKyoto"])
    with pytest.raises(InputError, match="FakeLima has 5 qubits"):
        list_devices(["FakeLima"])
    with pytest.raises(UnknownNameError, match="unknown backend 'FakeNowhere'"):
        list_devices(["FakeNowhere"])
    with pytest.raises(UnknownNameError, match="ibm_other; these are your account's"):
        list_devices(["ibm_nowhere"], service=FakeService())
    with pytest.raises(TokenError):
        list_devices(account=True, service=FakeService(["expired token"]))
    for widths in ((), (4, 0)):
        with pytest.raises(InputError, match="widths"):
            list_devices(["FakeHanoi"], widths=widths)


def test_the_state_is_passed_on() -> None:
    """Queue and operation are those of the given state."""
    row = describe_target("x", line_target(3), (2,), DeviceState(4, False), "a note")
    assert (row.pending_jobs, row.is_operational, row.note) == (4, False, "a note")
