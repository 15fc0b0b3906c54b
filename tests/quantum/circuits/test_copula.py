"""Copula-QAOA: the definition of the correlated mixer, and its circuit of two CX a pair."""

from __future__ import annotations

import numpy as np
import pytest
from small_circuits import line_target, measured, subproblem

from lagrl.errors import InputError
from lagrl.quantum.circuits.copula import CopulaQAOA, copula_template
from lagrl.quantum.circuits.copula_mixer import pair_unitaries
from lagrl.quantum.circuits.statevector import Ramp
from lagrl.quantum.devices.compile import compile_template, two_qubit_depth, two_qubit_gates

pytest.importorskip("qiskit")


def joint(p: float, q: float, kappa: float) -> np.ndarray:
    """Return P(x, y) by the Farlie–Gumbel–Morgenstern copula, index x + 2y."""
    extra = kappa * p * q * (1 - p) * (1 - q)
    return np.array([(1 - p) * (1 - q) + extra, p * (1 - q) - extra, (1 - p) * q - extra, p * q + extra])


@pytest.mark.parametrize("kappa", [-1.0, -0.3, 0.0, 0.7])
def test_mixer_keeps_the_copula(kappa: float) -> None:
    """U is unitary, and √P of the copula is its eigenvector with eigenvalue exp(2iβ)."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        (p, q), beta = rng.uniform(0, 1, 2), rng.normal()
        mixer = pair_unitaries(np.array([p, q]), kappa, beta)[0]
        assert np.allclose(mixer @ mixer.conj().T, np.eye(4))
        start = np.sqrt(joint(p, q, kappa))
        assert np.allclose(mixer @ start, np.exp(2j * beta) * start)


def test_copula_has_the_marginals() -> None:
    """The correlated pair is 1 as often as the product state's bits, but both less often."""
    p, q = 0.3, 0.6
    pair = joint(p, q, -1.0)
    assert np.isclose(pair[1] + pair[3], p)
    assert np.isclose(pair[2] + pair[3], q)
    assert pair[3] < p * q


def test_uncorrelated_mixer_is_the_aligned_one() -> None:
    """At κ = 0 the pair's mixer is the product of both qubits' aligned mixers."""
    p, beta = np.array([0.2, 0.7]), 0.4
    single = []
    for angle in 2 * np.arcsin(np.sqrt(p)):
        axis = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
        single.append(np.cos(beta) * np.eye(2) + 1j * np.sin(beta) * axis)
    assert np.allclose(pair_unitaries(p, 0.0, beta)[0], np.kron(single[1], single[0]))


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("kappa", [-1.0, 0.0, 0.6])
def test_circuit_measures_the_mixers_as_defined(layers: int, kappa: float) -> None:
    """The circuit of two CX a pair has the distribution of the mixers' definition."""
    rng = np.random.default_rng(layers)
    for n in range(1, 7):
        ansatz, problem = CopulaQAOA(Ramp(layers, rng.normal(), rng.normal()), kappa), subproblem(rng, n)
        found = ansatz.probabilities(problem)
        assert np.isclose(found.sum(), 1)
        assert np.abs(measured(ansatz.template(n), ansatz.values(problem)) - found).max() < 1e-10


@pytest.mark.parametrize("layers", [1, 2])
def test_counts_by_closed_form(layers: int) -> None:
    """2p (n − 1) two-qubit gates, as built and as transpiled, below the 3p (n − 1) of general two-qubit gates."""
    for n in (1, 2, 3, 6, 9):
        template = copula_template(n, layers)
        compiled = compile_template(template, line_target(n), range(n)).circuit
        for circuit in (template.circuit, compiled):
            assert two_qubit_gates(circuit) == template.two_qubit_gates == 2 * layers * (n - 1)
            assert two_qubit_depth(circuit) == template.two_qubit_depth
        assert template.two_qubit_gates <= 3 * layers * (n - 1)


def test_certain_bits_stay() -> None:
    """Variables of probability 0 and 1 keep their value with any angles."""
    problem = subproblem(np.random.default_rng(1), 4)
    certain = type(problem)(
        problem.qubo, np.array([0.0, 1.0, 1.0, 0.0]), problem.reduced_cost, problem.weight, problem.room
    )
    assert np.isclose(CopulaQAOA(Ramp(2, 1.0, 0.7)).probabilities(certain)[0b0110], 1.0)


def test_correlation_out_of_range() -> None:
    """κ beyond ±1 is not a distribution and raises an error."""
    with pytest.raises(InputError, match="correlation"):
        CopulaQAOA(correlation=-1.5)
