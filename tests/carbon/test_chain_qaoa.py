"""Circuits of one hour on two devices, against the energies of all strings."""

from __future__ import annotations

import numpy as np
import pytest

from lagrl.carbon.brute_force import solve_brute_force
from lagrl.carbon.chain_qaoa import (
    ANGLES,
    PlacementChain,
    placement_circuit,
    sample_chain,
    sample_noisy_chain,
    sample_product,
)
from lagrl.carbon.placement_experiments import generated_chain
from lagrl.errors import InputError
from lagrl.problems.carbon.synthetic import generate_carbon


def strings(n: int) -> np.ndarray:
    """All strings [2^n, n]."""
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_optimum_is_that_of_all_strings(seed: int) -> None:
    """Dynamic programming agrees with enumeration, and the chain with the placement problem."""
    chain = generated_chain(9, seed)
    assert chain.optimum() == pytest.approx(chain.emissions(strings(9)).min())
    problem = generate_carbon(np.random.default_rng(seed), n_layers=6, n_devices=2).problem()
    assert PlacementChain.of(problem, 3).optimum() == pytest.approx(solve_brute_force(problem.hour(3)).emissions_g)


@pytest.mark.parametrize("warm", [False, True])
def test_circuit_is_the_documented_product(warm: bool) -> None:
    """The circuit's state is the product of exponentials in its docstring, by matrices."""
    pytest.importorskip("qiskit")
    from qiskit.quantum_info import Statevector
    from scipy.linalg import expm

    chain = generated_chain(4, 1)
    gamma, beta = np.array([0.7, 1.1]), np.array([0.5, 0.3])
    circuit = placement_circuit(chain, gamma, beta, warm=warm).remove_final_measurements(inplace=False)
    h, coupling = -chain.difference / 2, -chain.transfer / 2
    unit = np.sqrt((h @ h + coupling @ coupling) / 7)
    theta = 2 * np.arcsin(np.sqrt(chain.probability())) if warm else np.full(4, np.pi / 2)
    x, z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])

    def product(parts: list[np.ndarray]) -> np.ndarray:
        whole = np.ones((1, 1))
        for part in parts[::-1]:  # bit 0 is the last factor
            whole = np.kron(whole, part)
        return whole

    state = product([np.array([[np.cos(t / 2)], [np.sin(t / 2)]]) for t in theta])[:, 0].astype(complex)
    energy = chain.emissions(strings(4)) - chain.offset - chain.difference.sum() / 2 - chain.transfer.sum() / 2
    for g, b in zip(gamma, beta, strict=True):
        mixer = product([expm(1j * b * (np.sin(t) * x + np.cos(t) * z)) for t in theta])
        state = mixer @ (np.exp(-1j * g * energy / unit) * state)
    assert abs(np.vdot(state, Statevector(circuit).data)) == pytest.approx(1.0)


def test_simulators_agree_and_beat_their_start() -> None:
    """Both simulators give about the same mean, below that of the product state."""
    pytest.importorskip("qiskit_aer")
    chain = generated_chain(10, 3)
    exact = sample_chain(chain, 4000, np.random.default_rng(0), layers=2)
    again = sample_chain(chain, 4000, np.random.default_rng(1), layers=2, method="matrix_product_state")
    product, uniform = (sample_product(chain, 4000, np.random.default_rng(2), uniform=u) for u in (False, True))
    assert again.mean_gap_percent == pytest.approx(exact.mean_gap_percent, rel=0.2)
    assert exact.mean_gap_percent < product.mean_gap_percent < uniform.mean_gap_percent


def test_wrong_chains_are_refused() -> None:
    """Three devices, too many qubits and unknown depths are one clear line."""
    three = generate_carbon(np.random.default_rng(0), n_layers=4, n_devices=3).problem()
    with pytest.raises(InputError, match="3 devices; give two devices"):
        PlacementChain.of(three)
    with pytest.raises(InputError, match="30 layers; use matrix_product_state"):
        sample_chain(generated_chain(30, 0), 1, np.random.default_rng(0))
    with pytest.raises(InputError, match="layers: 3 given; give 1 or 2"):
        sample_chain(generated_chain(4, 0), 1, np.random.default_rng(0), layers=3)
    assert {p for p, _ in ANGLES} == {1, 2}


def test_noise_comes_between_the_circuit_and_uniform_bits() -> None:
    """On a fake backend the mean is worse than without noise and better than uniform, and reproducible."""
    pytest.importorskip("qiskit_aer")
    pytest.importorskip("qiskit_ibm_runtime")
    chain = generated_chain(5, 0)
    first, second = (
        sample_noisy_chain(chain, "FakeFez", 20_000, np.random.default_rng(1), layers=2).mean_gap_percent
        for _ in range(2)
    )
    assert first == second
    ideal = sample_chain(chain, 20_000, np.random.default_rng(1), layers=2).mean_gap_percent
    uniform = sample_product(chain, 20_000, np.random.default_rng(1), uniform=True).mean_gap_percent
    assert ideal < first < uniform


def test_long_noisy_chains_are_refused() -> None:
    """A density matrix holds at most nine qubits."""
    pytest.importorskip("qiskit_aer")
    pytest.importorskip("qiskit_ibm_runtime")
    with pytest.raises(InputError, match="9"):
        sample_noisy_chain(generated_chain(12, 0), "FakeFez", 10, np.random.default_rng(0))
