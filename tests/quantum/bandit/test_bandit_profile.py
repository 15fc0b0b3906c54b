"""Profiles of circuits before they run, against the circuits compiled for their places."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lagrl.errors import InputError
from lagrl.quantum.bandit.features import Arm, ansatz_of
from lagrl.quantum.bandit.profile import Limits, Profile
from lagrl.quantum.devices.noisy_device import NoisyDevice
from lagrl.quantum.simulators.line_backend import SurrogateBackend

pytest.importorskip("qiskit_ibm_runtime", reason="needs the quantum extra")

from small_devices import line_target

from lagrl.quantum.bandit.profile import ArmProfiles, arm_profile
from lagrl.quantum.circuits.ansatz import ANSATZE, make_ansatz
from lagrl.quantum.devices.compile import compile_template
from lagrl.quantum.devices.fakes import fake_backend
from lagrl.quantum.devices.noisy_device import log_fidelity
from lagrl.quantum.devices.placement import placed_line
from lagrl.quantum.ibm.runtime import DeviceBackend

TARGET = fake_backend("FakeCairo").target


@pytest.mark.parametrize(("backend", "tolerance"), [("FakeTorino", 0.0), ("FakeMumbai", 0.0), ("FakeBrisbane", 0.1)])
def test_profiles_are_those_of_the_compiled_circuit(backend: str, tolerance: float) -> None:
    """Gates, depth, readout and, except for ECR directions, fidelity are those of the compiled circuit."""
    device = NoisyDevice.of(backend)
    for placement, family, width in itertools.product(("line0", "line2"), ("qaoa", "pairwise", "linear"), (3, 6)):
        line = device.line(width, placement)
        found = ArmProfiles(device.name, device.target).profile(Arm(device.name, placement, family, 2), width)
        circuit = line.circuit(make_ansatz(family, 2).template(width))
        assert found.two_qubit_gates == circuit.template.two_qubit_gates
        assert found.two_qubit_depth == circuit.template.two_qubit_depth
        assert found.log_readout == pytest.approx(float(np.log1p(-circuit.readout.mean(axis=1)).sum()))
        assert found.log_gates == pytest.approx(circuit.log_fidelity, rel=tolerance + 1e-9)
        assert found.log_gates < 0
        assert 0 < found.duration < found.t2


def test_durations_are_the_longest_chain() -> None:
    """Durations are the longest chain of gates; two layers take about twice as long."""
    device = NoisyDevice.of("FakeTorino")
    profiles, line = ArmProfiles(device.name, device.target), device.line(6)
    one, two = (profiles.profile(Arm(device.name, "line0", "qaoa", layers), 6).duration for layers in (1, 2))
    assert 1.7 < two / one < 2.3
    longest = max(
        entry.duration
        for name in ("cz", "sx", "x")
        for entry in line.target[name].values()
        if entry is not None and entry.duration is not None
    )
    depth = line.circuit(make_ansatz("qaoa", 1).template(6)).template.circuit.depth()
    assert one <= longest * depth


def test_places_differ() -> None:
    """The first line is the best, and every line is another set of qubits."""
    backend = SurrogateBackend.of("FakeBrisbane")
    arms = [Arm("fake_brisbane", place, "qaoa", 1) for place in ("line0", "line1", "line2", "default")]
    found = [arm_profile(backend, arm, 6) for arm in arms]
    fidelity = [profile.log_gates + profile.log_readout for profile in found if profile is not None]
    assert len(fidelity) == 4
    assert fidelity[0] == max(fidelity)
    qubits = {frozenset(backend.device.line(6, arm.placement).qubits) for arm in arms}
    assert len(qubits) == 4


def test_without_a_line_there_is_no_profile() -> None:
    """There is no profile for a width above the device, or default qubits that are no line."""
    backend = SurrogateBackend.of("FakeMumbai")
    assert arm_profile(backend, Arm("fake_mumbai", "line0", "qaoa", 1), 40) is None
    assert arm_profile(backend, Arm("fake_mumbai", "default", "qaoa", 1), 6) is None
    assert arm_profile(backend, Arm("fake_mumbai", "default", "qaoa", 1), 3) is not None


@pytest.mark.parametrize("backend", ["FakeKingston", "FakeSherbrooke"])
def test_jobs_have_the_profile_of_simulations(backend: str) -> None:
    """All circuits stay on the line, so that jobs on a device have the gates and errors of its simulation."""
    device = DeviceBackend.of(backend)
    line = placed_line(device.target, 7).qubits
    for family in ANSATZE:
        arm = Arm(device.device.name, "line0", family, 1)
        found = arm_profile(device, arm, 7)
        compiled = compile_template(ansatz_of(arm).template(7), device.target, line)
        assert found is not None
        assert (found.two_qubit_gates, found.two_qubit_depth) == (compiled.two_qubit_gates, compiled.two_qubit_depth)
        assert found.log_gates == pytest.approx(log_fidelity(compiled.circuit, device.target), rel=0.1)
        assert found == arm_profile(SurrogateBackend.of(backend), arm, 7)


def test_a_family_that_cannot_be_compiled_affects_no_other() -> None:
    """A family that cannot be compiled does not affect others, in any order."""
    arms = [Arm("fake_cairo", "line1", family, 1) for family in ("qaoa", "linear", "pairwise")]
    alone = {arm for arm in arms if ArmProfiles("fake_cairo", TARGET).profile(arm, 4) is not None}
    for order in (arms, arms[::-1]):
        together = ArmProfiles("fake_cairo", TARGET)
        assert {arm for arm in order if together.profile(arm, 4) is not None} == alone


def test_invalid_error_rates_are_unknown() -> None:
    """Invalid error rates give NaN, so that the screening excludes the circuit."""
    target = line_target(3, [0.01, -0.2])
    assert np.isnan(ArmProfiles("odd", target).profile(Arm("odd", "default", "qaoa", 1), 3).log_gates)


def test_a_circuit_that_cannot_be_compiled_is_no_arm() -> None:
    """On a device with mixed gates an arm exists exactly if its circuit can be compiled."""
    backend = SurrogateBackend.of("FakeCairo")
    made = 0
    for place, width in itertools.product(("line0", "line1", "line2"), (2, 3, 8)):
        arm = Arm("fake_cairo", place, "qaoa", 1)
        try:
            backend.device.line(width, place).circuit(ansatz_of(arm).template(width))
        except InputError:
            assert arm_profile(backend, arm, width) is None
        else:
            made += 1
            assert arm_profile(backend, arm, width) is not None
    assert made < 9


def profile(**changed: float) -> Profile:
    """Return a usual profile with some values changed."""
    values = {"log_gates": -0.2, "log_readout": -0.1, "duration": 1e-6, "t1": 1e-4, "t2": 1e-4} | changed
    return Profile(width=4, layers=1, two_qubit_gates=20, two_qubit_depth=10, degree=2, **values)


def test_the_screening_gives_the_reason() -> None:
    """The screening returns the first limit exceeded; an incomplete calibration comes before all."""
    limits = Limits(gates=30, least_fidelity=0.5, most_decay=0.5)
    assert limits.objection(profile()) == ""
    assert Limits(gates=19).objection(profile()) == "gates"
    assert limits.objection(profile(log_gates=-1.0)) == "fidelity"
    assert limits.objection(profile(duration=6e-5)) == "duration"
    for name in ("log_gates", "log_readout", "duration", "t1", "t2"):
        assert limits.objection(profile(**{name: np.nan})) == "calibration"


@pytest.mark.parametrize("bad", [{"gates": -1}, {"least_fidelity": 1.0}, {"most_decay": 0.0}])
def test_invalid_limits_are_refused(bad: dict[str, float]) -> None:
    """Invalid limits are refused in one line."""
    with pytest.raises(InputError, match="limits"):
        Limits(**bad)
