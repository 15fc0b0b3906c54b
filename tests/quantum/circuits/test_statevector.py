"""The simulator compared with dense matrices, and its samples with its amplitudes."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.errors import InputError
from lagrl.problems.qubo import QUBO
from lagrl.quantum.circuits.line_qaoa import Ramp
from lagrl.quantum.circuits.statevector import qaoa_state, sample_qaoa
from lagrl.quantum.subproblems.penalties import QUBOBatch

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

X, Z, ONE = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([1.0, -1.0]), np.eye(2)


def random_qubo(rng: np.random.Generator, m: int) -> QUBO:
    """Draw a QUBO of normal terms."""
    return QUBO(rng.normal(0, 1, m), np.triu(rng.normal(0, 1, (m, m)), 1), 0.3)


def on_qubit(matrix: np.ndarray, i: int, m: int) -> np.ndarray:
    """Extend a one-qubit matrix to m qubits; qubit 0 is the lowest bit, hence the last factor."""
    return reduce(np.kron, [matrix if q == i else ONE for q in reversed(range(m))])


def exponential(hermitian: np.ndarray, time: float) -> np.ndarray:
    """Return exp(−i·time·H) from H's eigenvectors."""
    energy, vectors = np.linalg.eigh(hermitian)
    return (vectors * np.exp(-1j * time * energy)) @ vectors.conj().T


def dense_qaoa(qubo: QUBO, gamma: np.ndarray, beta: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Evolve by exponentials of the whole Hamiltonians, made of Pauli matrices."""
    m, ising = qubo.n_variables, qubo.to_ising()
    z = [on_qubit(Z, i, m) for i in range(m)]
    cost = sum(ising.field[i] * z[i] for i in range(m))
    cost = cost + sum(ising.coupling[i, j] * z[i] @ z[j] for i in range(m) for j in range(i + 1, m))
    mixer = -sum(np.sin(theta[i]) * on_qubit(X, i, m) + np.cos(theta[i]) * z[i] for i in range(m))
    state = reduce(np.kron, [np.array([np.cos(t / 2), np.sin(t / 2)]) for t in reversed(theta)])
    assert mixer @ state == pytest.approx(-m * state)  # the start is the mixer's ground state
    for g, b in zip(gamma, beta, strict=True):
        state = exponential(mixer, b) @ exponential(cost, g) @ state
    return state


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), m=st.integers(1, 6), layers=st.integers(0, 3), warm=st.booleans())
def test_amplitudes_are_those_of_dense_matrices(seed: int, m: int, layers: int, warm: bool) -> None:
    """Cold and warm states equal those of dense matrices to 1e-10, up to a global phase."""
    rng = np.random.default_rng(seed)
    qubo = random_qubo(rng, m)
    gamma, beta = rng.normal(0, 1, (2, layers))
    theta = rng.uniform(0.2, np.pi - 0.2, m) if warm else np.full(m, np.pi / 2)
    found = qaoa_state(qubo, gamma, beta, theta if warm else None)
    expected = dense_qaoa(qubo, gamma, beta, theta)
    assert np.linalg.norm(found) == pytest.approx(1.0, abs=1e-12)
    phase = np.vdot(expected, found)
    assert np.abs(found - phase * expected).max() < 1e-10


def qiskit_circuit(qubo: QUBO, gamma: np.ndarray, beta: np.ndarray, theta: np.ndarray) -> QuantumCircuit:
    """Build the QAOA circuit gate by gate."""
    m, ising = qubo.n_variables, qubo.to_ising()
    circuit = pytest.importorskip("qiskit").QuantumCircuit(m)
    for i in range(m):
        circuit.ry(theta[i], i)
    for g, b in zip(gamma, beta, strict=True):
        for i in range(m):
            circuit.rz(2 * g * ising.field[i], i)
            for j in range(i + 1, m):
                circuit.rzz(2 * g * ising.coupling[i, j], i, j)
        for i in range(m):  # exp(iβ (sin θ X + cos θ Z)) = RY(θ) RZ(−2β) RY(−θ)
            circuit.ry(-theta[i], i)
            circuit.rz(-2 * b, i)
            circuit.ry(theta[i], i)
    return circuit


@pytest.mark.parametrize("m", [3, 4, 9, 12])
def test_qiskit_agrees(m: int) -> None:
    """The state equals that of the circuit in qiskit's Statevector and in Aer."""
    quantum_info, aer = pytest.importorskip("qiskit.quantum_info"), pytest.importorskip("qiskit_aer")
    rng = np.random.default_rng(m)
    qubo, theta = random_qubo(rng, m), rng.uniform(0.3, 2.8, m)
    gamma, beta = np.array([0.4, 0.9]), np.array([0.7, 0.3])
    circuit = qiskit_circuit(qubo, gamma, beta, theta)
    found = qaoa_state(qubo, gamma, beta, theta)
    expected = quantum_info.Statevector(circuit).data
    circuit.save_statevector()
    by_aer = aer.AerSimulator(method="statevector").run(circuit).result().get_statevector()
    for state in (expected, np.asarray(by_aer)):
        assert np.abs(found - np.vdot(state, found) * state).max() < 1e-10


def test_phases_stay_exact_in_wide_problems() -> None:
    """At 16 variables the products of phases are still exp(−iγE) to 1e-12."""
    qubo, gamma = random_qubo(np.random.default_rng(4), 16), 1.7
    found = qaoa_state(qubo, np.array([gamma]), np.zeros(1)) * 2**8
    assert np.abs(found - np.exp(-1j * gamma * (qubo.energies() - qubo.offset))).max() < 1e-12


def batch_of(qubos: list[QUBO], width: int) -> QUBOBatch:
    """Pad problems of various widths into one batch."""
    linear, quadratic = np.zeros((len(qubos), width)), np.zeros((len(qubos), width, width))
    for k, qubo in enumerate(qubos):
        m = qubo.n_variables
        linear[k, :m], quadratic[k, :m, :m] = qubo.linear, qubo.quadratic
    widths = np.array([qubo.n_variables for qubo in qubos])
    return QUBOBatch(linear, quadratic, np.array([qubo.offset for qubo in qubos]), widths)


@pytest.mark.parametrize("ramp", [Ramp(1, 0.8, 0.4), Ramp(3, 1.5, 0.7)])
def test_samples_follow_the_amplitudes(ramp: Ramp) -> None:
    """In a batch of different widths each string's share of 40 000 is |amplitude|² to five deviations."""
    rng, shots = np.random.default_rng(1), 40_000
    qubos = [random_qubo(rng, m) for m in (5, 1, 3)]
    theta = rng.uniform(0.4, 2.7, (3, 5))
    code, count = sample_qaoa(batch_of(qubos, 5), ramp, theta, rng.random((3, shots)))
    gamma, beta = ramp.angles()
    assert (count.sum(axis=1) == shots).all()
    for k, qubo in enumerate(qubos):
        m = qubo.n_variables
        amplitude = qaoa_state(qubo, gamma / qubo.to_ising().scale, beta, theta[k, :m])
        expected, share = np.abs(amplitude) ** 2, np.zeros(2**m)
        drawn = count[k] > 0
        assert len(set(code[k, drawn].tolist())) == drawn.sum()
        share[code[k, drawn]] = count[k, drawn] / shots
        assert (np.abs(share - expected) <= 5 * np.sqrt(expected * (1 - expected) / shots)).all()


def test_each_draw_is_the_inverse_distribution_function() -> None:
    """A uniform u gives the first string whose cumulated probability exceeds u; ends of the interval included."""
    qubo = random_qubo(np.random.default_rng(2), 4)
    ramp, theta = Ramp(1, 0.8, 0.4), np.full((1, 4), np.pi / 2)
    gamma, beta = ramp.angles()
    reached = np.cumsum(np.abs(qaoa_state(qubo, gamma / qubo.to_ising().scale, beta)) ** 2)
    uniform = np.array([0.0, 0.1, 0.5, 0.77, np.nextafter(1.0, 0.0)])
    for u in uniform:
        code, count = sample_qaoa(batch_of([qubo], 4), ramp, theta, np.array([[u]]))
        assert (code.tolist(), count.tolist()) == ([[min(int(np.searchsorted(reached, u, "right")), 15)]], [[1]])
    assert sample_qaoa(batch_of([qubo], 4), ramp, theta, np.full((1, 9), uniform[-1]))[1].tolist() == [[9]]


def test_the_ramp_lowers_the_energy() -> None:
    """The mean energy falls below that of the start; with γ negated it rises."""
    rng = np.random.default_rng(3)
    for _ in range(10):
        qubo = random_qubo(rng, 8)
        gamma, beta = Ramp(2, 2.0, 0.6).angles()
        gamma = gamma / qubo.to_ising().scale
        energy = qubo.energies()
        down, up = (np.abs(qaoa_state(qubo, sign * gamma, beta)) ** 2 @ energy for sign in (1, -1))
        assert down < energy.mean() - 0.3 * energy.std() < energy.mean() + 0.3 * energy.std() < up


def test_the_ramp_is_linear() -> None:
    """In a ramp γ rises to g, and β falls from b."""
    gamma, beta = Ramp(4, 2.0, 0.8).angles()
    assert gamma.tolist() == [0.5, 1.0, 1.5, 2.0]
    assert beta == pytest.approx([0.8, 0.6, 0.4, 0.2])


def test_what_cannot_be_simulated_is_refused() -> None:
    """Widths, layers and angles out of range raise an error before memory is allocated."""
    wide = QUBO(np.zeros(23), np.zeros((23, 23)))
    with pytest.raises(InputError, match="23 given; give 1 to 22"):
        qaoa_state(wide, np.zeros(1), np.zeros(1))
    with pytest.raises(InputError, match="23 given; give 1 to 22"):
        sample_qaoa(batch_of([wide], 23), Ramp(1, 0.8, 0.4), np.zeros((1, 23)), np.zeros((1, 1)))
    with pytest.raises(InputError, match="layers: 0 given"):
        Ramp(0, 0.8, 0.4)
    with pytest.raises(InputError, match="finite angles"):
        Ramp(1, np.nan, 0.4)
    small = QUBO(np.zeros(2), np.zeros((2, 2)))
    with pytest.raises(InputError, match=r"θ \(3,\)"):
        qaoa_state(small, np.zeros(1), np.zeros(1), np.zeros(3))
    with pytest.raises(InputError, match="uniforms"):
        sample_qaoa(batch_of([small], 2), Ramp(1, 0.8, 0.4), np.zeros((1, 2)), np.zeros((2, 5)))
