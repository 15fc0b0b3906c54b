"""The line network: its distribution and its number of gates."""

from __future__ import annotations

import timeit

import numpy as np
import pytest
from small_circuits import line_target, measured

from lagrl.errors import InputError
from lagrl.problems.qubo import QUBO
from lagrl.quantum.circuits.line_qaoa import line_angles, line_depth, line_gates, qaoa_line, tilted_rotation
from lagrl.quantum.circuits.statevector import qaoa_state
from lagrl.quantum.devices.compile import compile_template, two_qubit_depth, two_qubit_gates

pytest.importorskip("qiskit")


def problem(rng: np.random.Generator, n: int, layers: int, warm: bool):
    """Draw a random QUBO and angles."""
    qubo = QUBO(rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1))
    gamma, beta = rng.normal(size=(2, layers))
    return qubo, gamma, beta, rng.uniform(0, np.pi, n) if warm else None


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_network_measures_what_the_kernel_says(layers: int, warm: bool) -> None:
    """After the inverse permutation the circuit's distribution is that of the statevector kernel."""
    rng = np.random.default_rng(layers)
    for n in range(1, 8):
        qubo, gamma, beta, theta = problem(rng, n, layers, warm)
        found = measured(qaoa_line(n, layers, warm), line_angles(qubo.linear, qubo.quadratic, gamma, beta, theta))
        assert np.abs(found - np.abs(qaoa_state(qubo, gamma, beta, theta)) ** 2).max() < 1e-10


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_closed_form_is_the_built_and_the_transpiled_count(layers: int) -> None:
    """Ĝ = p (n − 1)(3n − 2)/2 and depth p (3n − 2) hold for the circuit as built and as compiled for CZ on a line."""
    for n in range(2, 13):
        template = qaoa_line(n, layers)
        assert template.two_qubit_gates == line_gates(n, layers) == layers * (n - 1) * (3 * n - 2) // 2
        assert template.two_qubit_depth == line_depth(n, layers) == (layers * (3 * n - 2) if n > 2 else 2 * layers)
        compiled = compile_template(template, line_target(n), range(n)).circuit
        for circuit in (template.circuit, compiled):
            assert two_qubit_gates(circuit) == template.two_qubit_gates
            assert two_qubit_depth(circuit) == template.two_qubit_depth
        assert set(compiled.count_ops()) <= {"cz", "rz", "sx", "x", "measure"}


def test_all_gates_join_neighbours() -> None:
    """A line's template has two-qubit gates on qubits q and q + 1 only, and measures all into the register meas."""
    circuit = qaoa_line(7, 2).circuit
    pairs = [sorted(circuit.find_bit(q).index for q in step.qubits) for step in circuit.data if len(step.qubits) == 2]
    assert pairs
    assert all(b == a + 1 for a, b in pairs)
    assert [(register.name, register.size) for register in circuit.cregs] == [("meas", 7)]
    assert circuit.count_ops()["measure"] == 7


def test_aer_counts_follow_the_kernel() -> None:
    """Aer's shots of the bound circuit have the kernel's distribution, bits in the order of the variables."""
    aer = pytest.importorskip("qiskit_aer")
    n, shots = 4, 20_000
    qubo, gamma, beta, theta = problem(np.random.default_rng(5), n, 2, True)
    circuit = qaoa_line(n, 2).circuit.assign_parameters(line_angles(qubo.linear, qubo.quadratic, gamma, beta, theta))
    counts = aer.AerSimulator(seed_simulator=3).run(circuit, shots=shots).result().get_counts()
    expected = shots * np.abs(qaoa_state(qubo, gamma, beta, theta)) ** 2
    observed = np.array([counts.get(format(x, f"0{n}b"), 0) for x in range(2**n)])
    assert ((observed - expected) ** 2 / np.maximum(expected, 1)).sum() < 60  # χ² of 15 degrees: 1 in 10⁶ is above


def test_cold_is_warm_at_the_equator() -> None:
    """The cold template has the distribution of the warm one at θ = π/2."""
    qubo, gamma, beta, _ = problem(np.random.default_rng(2), 5, 2, False)
    cold = measured(qaoa_line(5, 2, warm=False), line_angles(qubo.linear, qubo.quadratic, gamma, beta))
    half = np.full(5, np.pi / 2)
    warm = measured(qaoa_line(5, 2), line_angles(qubo.linear, qubo.quadratic, gamma, beta, half))
    assert np.allclose(cold, warm, atol=1e-12)


def test_tilted_rotation_is_exact() -> None:
    """RZ(u) RX(v) RZ(u) is the rotation about the tilted axis for every angle, global phase included."""
    x, z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])
    for zeta, tilt in np.random.default_rng(0).uniform(-7, 7, (50, 2)):
        u, v = tilted_rotation(np.array(zeta), np.array(tilt))
        rz = np.diag(np.exp([-0.5j * u, 0.5j * u]))
        rx = np.cos(v / 2) * np.eye(2) - 1j * np.sin(v / 2) * x
        axis = np.cos(tilt) * z + np.sin(tilt) * x
        assert np.allclose(rz @ rx @ rz, np.cos(zeta / 2) * np.eye(2) - 1j * np.sin(zeta / 2) * axis)


def test_templates_are_built_once_and_parameters_stay_in_order() -> None:
    """The same arguments give the same object, and compiling keeps the parameters and their order."""
    template = qaoa_line(6, 2)
    assert template is qaoa_line(6, 2)
    compiled = compile_template(template, line_target(6), range(6))
    assert list(compiled.circuit.parameters) == list(template.circuit.parameters)


def test_angles_are_fast() -> None:
    """Computing one vehicle's angles at n = 12 takes well below a millisecond."""
    qubo, gamma, beta, theta = problem(np.random.default_rng(0), 12, 1, True)
    seconds = min(
        timeit.repeat(lambda: line_angles(qubo.linear, qubo.quadratic, gamma, beta, theta), number=100, repeat=5)
    )
    assert seconds / 100 < 2e-4  # 20 µs on an idle machine


@pytest.mark.parametrize(("n", "layers"), [(0, 1), (3, 0), (-1, 1)])
def test_nothing_to_build(n: int, layers: int) -> None:
    """A circuit without variables or layers raises an error."""
    with pytest.raises(InputError, match="layers"):
        qaoa_line(n, layers)
