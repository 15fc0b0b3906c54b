"""Fake backends by their names."""

from __future__ import annotations

import pytest

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.devices.fakes import fake_backend, is_fake, known_fakes, working_edges

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


def test_known_fakes_are_large_recent_devices() -> None:
    """The list has every device of the documentation, and no small one."""
    names = known_fakes()
    assert {"FakeTorino", "FakeFez", "FakeNighthawk", "FakeSherbrooke", "FakeHanoi"} <= set(names)
    assert not {"FakeLimaV2", "FakeLima", "FakeGuadalupe"} & set(names)
    assert names == sorted(names)


@pytest.mark.slow
def test_every_known_fake_loads() -> None:
    """Every listed name is a backend with usable edges."""
    for name in known_fakes():
        assert len(working_edges(fake_backend(name).target)) >= 20, name


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
