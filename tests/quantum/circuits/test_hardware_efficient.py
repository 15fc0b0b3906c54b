"""Hardware-efficient circuits: patterns, simulation and training."""

from __future__ import annotations

import numpy as np
import pytest
from small_circuits import line_target, measured, subproblem

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.circuits.hardware_efficient import (
    PATTERNS,
    HardwareEfficient,
    amplitudes,
    distribution_cvar,
    hardware_efficient_template,
    product_angles,
    train,
)
from lagrl.quantum.devices.compile import compile_template, two_qubit_depth, two_qubit_gates
from lagrl.quantum.subproblems.candidates import product_amplitudes, rotation_angles

pytest.importorskip("qiskit")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_simulation_is_qiskits(pattern: str) -> None:
    """The fast real simulation and qiskit's statevector agree, also with more than one group of qubits."""
    rng = np.random.default_rng(0)
    for n, layers in ((1, 2), (2, 1), (2, 3), (3, 2), (5, 3), (8, 2)):
        angles = rng.normal(size=(layers + 1, n))
        found = measured(hardware_efficient_template(n, layers, pattern), angles.ravel())
        assert np.abs(found - amplitudes(angles, pattern) ** 2).max() < 1e-10


@pytest.mark.parametrize("pattern", PATTERNS)
def test_counts_by_closed_form(pattern: str) -> None:
    """r (n − 1) gates, as built and as transpiled on a line."""
    for layers in (1, 2, 4):
        for n in (1, 2, 3, 4, 7):
            template = hardware_efficient_template(n, layers, pattern)
            assert two_qubit_gates(template.circuit) == template.two_qubit_gates == layers * (n - 1)
            assert two_qubit_depth(template.circuit) == template.two_qubit_depth
            compiled = compile_template(template, line_target(n), range(n))
            assert compiled.two_qubit_gates == template.two_qubit_gates


@pytest.mark.parametrize("pattern", PATTERNS)
def test_untrained_is_the_product_state(pattern: str) -> None:
    """Without training the circuit measures exactly the product state, through all its entanglers."""
    problem = subproblem(np.random.default_rng(3), 5)
    expected = product_amplitudes(rotation_angles(problem.probability)) ** 2
    untrained = HardwareEfficient(2, pattern, iterations=0)
    assert np.allclose(untrained.probabilities(problem), expected)
    assert np.allclose(measured(untrained.template(5), untrained.values(problem)), expected)


def test_training_lowers_the_cvar_and_is_deterministic() -> None:
    """Trained angles have a lower CVaR than the product state, and are the same every time."""
    pytest.importorskip("scipy")
    problem = subproblem(np.random.default_rng(4), 5)
    energy = np.sort(problem.qubo.energies())
    order = np.argsort(problem.qubo.energies())
    start = product_angles(problem.probability, 1)
    first, second = (train(problem.qubo, start, "linear", 80) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(first, HardwareEfficient(1, "linear", 80).values(problem))

    def cvar(angles: np.ndarray) -> float:
        return distribution_cvar(energy, amplitudes(angles.reshape(2, 5), "linear")[order] ** 2, 0.25)

    assert cvar(first) < cvar(start) - 0.1
    assert cvar(train(problem.qubo, start, "linear", 1)) <= cvar(start)


def test_given_angles_are_not_shared() -> None:
    """A change of returned angles does not change those returned later."""
    pytest.importorskip("scipy")
    problem, ansatz = subproblem(np.random.default_rng(4), 3), HardwareEfficient(1, "pairwise", 20)
    first = ansatz.values(problem)
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(ansatz.values(problem), kept)


def test_cvar_of_a_distribution() -> None:
    """CVaR is the mean of the best α share, with its last string counted in part."""
    energy, probability = np.array([-3.0, -1.0, 0.0, 2.0]), np.array([0.1, 0.3, 0.2, 0.4])
    assert np.isclose(distribution_cvar(energy, probability, 0.25), (0.1 * -3 + 0.15 * -1) / 0.25)
    assert np.isclose(distribution_cvar(energy, probability, 1.0), energy @ probability)
    assert np.isclose(distribution_cvar(energy[:1], np.array([1.0]), 0.25), -3.0)


def test_bad_choices() -> None:
    """Unknown patterns and numbers out of range raise an error with the known names."""
    with pytest.raises(UnknownNameError, match="pairwise"):
        HardwareEfficient(1, "star")
    with pytest.raises(InputError, match="layer"):
        HardwareEfficient(0)
    with pytest.raises(InputError, match="alpha"):
        HardwareEfficient(alpha=0.0)
