"""Fake backends by their names."""

from __future__ import annotations

import pytest

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.circuits.line_qaoa import qaoa_line
from lagrl.quantum.devices.compile import compile_template
from lagrl.quantum.devices.fakes import fake_backend, is_fake, known_fakes, working_edges
from lagrl.quantum.devices.placement import find_line

pytest.importorskip("qiskit_ibm_runtime")


@pytest.mark.parametrize("name", ["FakeKingston", "fake_kingston", "FAKEKINGSTON", "fakekingstonv2"])
def test_every_spelling_is_the_same_object(name: str) -> None:
    """Class name, backend name and any case return one cached backend of 156 qubits."""
    assert fake_backend(name) is fake_backend("FakeKingston")
    assert fake_backend(name).target.num_qubits == 156


def test_unknown_name_lists_the_known_ones() -> None:
    """A misspelt name raises an error with the closest name and the whole list."""
    with pytest.raises(UnknownNameError, match=r"did you mean 'FakeKingston'.*FakeAachen.*FakeTorino"):
        fake_backend("FakeKingstn")


def test_broken_snapshot_is_refused() -> None:
    """FakeKyoto, whose two-qubit gates are all unusable, raises an error and is not listed."""
    with pytest.raises(InputError, match="FakeKyoto has no usable two-qubit gate"):
        fake_backend("fake_kyoto")
    assert "FakeKyoto" not in known_fakes()


def test_a_small_device_is_told_by_its_qubits() -> None:
    """A device that is too small raises an error with its number of qubits."""
    with pytest.raises(InputError, match="FakeManila has 5 qubits; choose one of 20 or more: FakeA"):
        fake_backend("fake_manila")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("FakeBrooklyn", "FakeBrooklyn is too old .a Hummingbird"), ("fake_boeblingen", "FakeBoeblingen is too old")],
)
def test_an_old_device_is_refused_with_the_reason(name: str, reason: str) -> None:
    """A device with an older processor is not an unknown name: the error says that it is too old."""
    with pytest.raises(InputError, match=f"{reason}.*choose one of a later processor: FakeA") as caught:
        fake_backend(name)
    assert not isinstance(caught.value, UnknownNameError)


def test_known_fakes_are_large_recent_devices() -> None:
    """The list has every device of the documentation, and no small one."""
    names = known_fakes()
    assert {"FakeTorino", "FakeFez", "FakeNighthawk", "FakeSherbrooke", "FakeHanoi"} <= set(names)
    assert not {"FakeLimaV2", "FakeLima", "FakeGuadalupe", "FakeBrooklyn"} & set(names)
    assert names == sorted(names)


def test_a_device_with_different_gates_is_not_listed() -> None:
    """FakeCairo has CX and ECR couplings: circuits on most of its lines cannot be compiled."""
    assert "FakeCairo" not in known_fakes()
    assert fake_backend("FakeCairo").target.num_qubits == 27


@pytest.mark.slow
def test_a_circuit_can_be_compiled_for_every_known_fake() -> None:
    """On every listed backend a circuit of eight qubits can be compiled for the best line."""
    for name in known_fakes():
        target = fake_backend(name).target
        line = find_line(target, 8).qubits
        assert compile_template(qaoa_line(8, 1), target, line).two_qubit_gates > 0, name


def test_dead_edges_do_not_count() -> None:
    """The usable edges are the calibrated ones without those of error 1."""
    target = fake_backend("FakeKingston").target
    edges = {where for where, entry in target["cz"].items() if entry.error < 1}
    assert working_edges(target) == edges
    assert len(edges) < len(target["cz"])


def test_names_of_fakes() -> None:
    """Names that begin with `fake` are simulated, others belong to an account."""
    assert is_fake("fake_kingston") and is_fake("FakeFez")
    assert not is_fake("ibm_kingston")
