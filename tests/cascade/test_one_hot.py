"""One-hot circuits, decoding, the QUBO, and simulation by independent parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.cascade.feasible_decoding import decode, groups_of, uniform_bits, uniform_valid, valid_share
from lagrl.cascade.one_hot_states import one_hot_probabilities, one_layer_angles, scaled_cost, weighted_shares
from lagrl.cascade.published_runs import all_bits
from lagrl.cascade.routing_qubo import right_assignment, routing_qubo
from lagrl.errors import InputError
from lagrl.quantum.circuits.companion_circuits import mixer_pairs, one_hot_circuit, passing_angles, penalty_circuit
from lagrl.quantum.circuits.statevector import qaoa_state
from lagrl.quantum.devices.compile import two_qubit_gates
from lagrl.quantum.devices.fakes import fake_backend
from lagrl.quantum.devices.noise import noise_model, readout_flips, restricted
from lagrl.quantum.devices.noisy_device import Channel
from lagrl.quantum.devices.placement import disjoint_lines
from lagrl.quantum.simulators import independent_parts
from lagrl.quantum.simulators.independent_parts import (
    compiled_for,
    connected_qubits,
    draw_codes,
    part_distributions,
)
from lagrl.quantum.simulators.line_backend import exact_probabilities


@pytest.mark.parametrize("m", [2, 3, 4, 5])
@pytest.mark.parametrize("mixer", ["ring", "chain"])
def test_one_hot_strings_are_valid_by_construction(m: int, mixer: str) -> None:
    """Every ideal string has one 1 per group, with the probabilities of the subspace simulation."""
    rng = np.random.default_rng(m)
    cost, share = rng.random((2, m)), rng.dirichlet(np.ones(m), 2)
    circuit = one_hot_circuit(share, cost, [0.7, -0.4], [0.3, 0.9], mixer)
    expected = one_hot_probabilities(share, cost, [0.7, -0.4], [0.3, 0.9], mixer)
    np.testing.assert_allclose(expected.sum(axis=1), 1.0)
    for i, part in enumerate(part_distributions(circuit)):
        np.testing.assert_allclose(part.probability[1 << np.arange(m)], expected[i], atol=1e-12)
    bits = groups_of(draw_codes(part_distributions(circuit), 200, rng), 2, m)
    assert valid_share(bits) == 1.0


def test_the_start_has_its_weights() -> None:
    """Without layers the strings have the start's probabilities, zeros included."""
    for share in ([0.2, 0.5, 0.3], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.6, 0.4]):
        assert len(passing_angles(np.array(share))) == 2
        (part,) = part_distributions(one_hot_circuit(np.array([share]), np.zeros((1, 3)), [], []))
        np.testing.assert_allclose(part.probability[[1, 2, 4]], share, atol=1e-12)


def test_pairs_of_a_mixer() -> None:
    """Even, odd and the closing pair; two models have one pair."""
    assert mixer_pairs(5, "ring") == [(0, 1), (2, 3), (1, 2), (3, 4), (4, 0)]
    assert mixer_pairs(3, "chain") == [(0, 1), (1, 2)]
    assert mixer_pairs(2, "ring") == [(0, 1)]


def test_the_penalty_circuit_is_that_of_its_ising_form() -> None:
    """Parts of the circuit and the statevector kernel give the same distribution of each task."""
    cost = np.random.default_rng(1).random((2, 3))
    strength = right_assignment(cost)
    groups = [routing_qubo(row[None], assignment=strength) for row in cost]
    field = np.array([qubo.to_ising().field for qubo in groups])
    parts = part_distributions(penalty_circuit(field, strength / 2.0, [0.3, 0.5], [-0.4, -0.2]))
    for qubo, part in zip(groups, parts, strict=True):
        state = qaoa_state(qubo, np.array([0.3, 0.5]), np.array([0.4, 0.2]))
        np.testing.assert_allclose(part.probability, np.abs(state) ** 2, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), with_budget=st.booleans())
def test_the_right_penalty_assigns_every_task(seed: int, with_budget: bool) -> None:
    """The minimum over all strings assigns every task once; without a budget it is each task's cheapest model."""
    rng = np.random.default_rng(seed)
    cost, dollars = rng.random((3, 3)), rng.random((3, 3))
    qubo = routing_qubo(cost, dollars, float(dollars.sum() * 0.3) if with_budget else np.inf)
    best = all_bits(9)[int(qubo.energies().argmin())].reshape(3, 3)
    assert (best.sum(axis=1) == 1).all()
    if not with_budget:
        np.testing.assert_array_equal(best.argmax(axis=1), cost.argmin(axis=1))
        assert qubo.energies().min() == pytest.approx(cost.min(axis=1).sum())


def test_too_small_a_penalty_leaves_tasks_out() -> None:
    """Below the gain of leaving a task out, as published, the minimum is no assignment."""
    qubo = routing_qubo(np.array([[4.0, 5.0]]), assignment=1.0)
    assert int(qubo.energies().argmin()) == 0


def test_decoding_comes_first_to_feasible_models() -> None:
    """A string with one 1 is kept, with several the cheapest of them, with none the cheapest of all."""
    cost = np.array([[0.0, 1.0, 2.0], [10.0, 1.0, 2.0]])
    bits = np.array([[[0, 0, 1], [1, 0, 0]], [[0, 1, 1], [1, 0, 1]], [[0, 0, 0], [0, 0, 0]]])
    assert decode(bits, cost).tolist() == [[2, 0], [1, 2], [0, 1]]
    assert valid_share(bits) == pytest.approx(1 / 3)


def test_reading_in_reverse_exchanges_tasks_and_models() -> None:
    """Reversed, the first variable is the last model of the last task; validity does not change."""
    codes = np.array([0b000_001], np.int64)
    assert groups_of(codes, 2, 3).tolist() == [[[1, 0, 0], [0, 0, 0]]]
    assert groups_of(codes, 2, 3, reversed_reading=True).tolist() == [[[0, 0, 0], [0, 0, 1]]]


def test_uniform_controls() -> None:
    """Uniform bits are valid with (3/8)^N, uniform assignments always."""
    rng = np.random.default_rng(0)
    assert valid_share(uniform_bits(20_000, 2, 3, rng)) == pytest.approx((3 / 8) ** 2, abs=0.01)
    assert valid_share(uniform_valid(100, 4, 3, rng)) == 1.0


def test_angles_lower_the_mean_cost() -> None:
    """One layer with the grid's angles is cheaper on average than its start, and costs are scaled per task."""
    cost = np.array([[1.0, 3.0, 2.0], [0.0, 0.0, 5.0]])
    scaled = scaled_cost(cost)
    assert scaled.tolist() == [[0, 1, 0.5], [0, 0, 1]]
    share = weighted_shares(cost)
    gamma, beta, mean = one_layer_angles(share, scaled)
    probability = one_hot_probabilities(share, scaled, [gamma], [beta])
    assert (probability * scaled).sum() == pytest.approx(mean)
    assert mean < (share * scaled).sum()
    assert weighted_shares(np.array([[1.0, np.inf]])).tolist() == [[1.0, 0.0]]


def test_parts_are_the_whole_circuit_under_noise() -> None:
    """Two groups simulated apart have the distribution of one density matrix of both, gates and readout included."""
    device = fake_backend("FakeKingston")
    qubits = [q for line in disjoint_lines(device, 2, 2) for q in line]
    share, cost = np.array([[0.3, 0.7], [0.6, 0.4]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    circuit = one_hot_circuit(share, cost, [0.5], [0.4])
    compiled = compiled_for(circuit, device, qubits)
    parts = part_distributions(compiled, device.target)
    assert sorted(part.variables for part in parts) == [(0, 1), (2, 3)]
    assert two_qubit_gates(compiled) == 8
    assert [len(group) for group in connected_qubits(circuit)] == [2, 2]
    first, second = (part.probability for part in sorted(parts, key=lambda part: part.variables))
    noise = noise_model(restricted(device.target, qubits, keeps_unusable=True))
    gates_alone = independent_parts._alone(compiled, qubits)
    (whole,) = exact_probabilities([gates_alone], [[0, 1, 2, 3]], noise)
    whole = Channel(1.0, readout_flips(device.target)[qubits]).distribution(whole)
    np.testing.assert_allclose(whole, np.kron(second, first), atol=1e-12)
    assert 0.9 < first[[1, 2]].sum() < 0.999
    assert 0.9 < second[[1, 2]].sum() < 0.999


def test_wide_parts_are_refused() -> None:
    """A part of more qubits than a density matrix can hold is refused."""
    with pytest.raises(InputError, match="a part of 10 qubits; at most 9"):
        part_distributions(one_hot_circuit(np.full((1, 10), 0.1), np.zeros((1, 10)), [], []))


def test_disjoint_lines_have_no_common_qubit() -> None:
    """Six lines of three are eighteen qubits; more than the device has are refused."""
    device = fake_backend("FakeFez")
    lines = disjoint_lines(device, 3, 6)
    assert len({q for line in lines for q in line}) == 18
    with pytest.raises(InputError, match="disjoint lines of 3 qubits; give at most"):
        disjoint_lines(device, 3, 60)
