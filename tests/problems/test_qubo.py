"""Energies of bits and spins: all strings at once, some of them, and the two forms against each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.errors import InputError, InstanceError
from lagrl.problems.qubo import QUBO, Ising


def random_qubo(rng: np.random.Generator, m: int) -> QUBO:
    """Draw normal terms, none of them 0."""
    return QUBO(rng.normal(0, 1, m), np.triu(rng.normal(0, 1, (m, m)), 1), float(rng.normal()))


def strings(m: int) -> np.ndarray:
    """List all strings, [2^m, m]: bit i of the index is y_i."""
    return ((np.arange(2**m)[:, None] >> np.arange(m)) & 1).astype(np.uint8)


def energy_term_by_term(qubo: QUBO, y: np.ndarray) -> float:
    """Add up the definition."""
    m = len(y)
    pairs = sum(qubo.quadratic[i, j] * y[i] * y[j] for i in range(m) for j in range(i + 1, m))
    return qubo.offset + sum(qubo.linear[i] * y[i] for i in range(m)) + pairs


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), m=st.integers(1, 7))
def test_energies_are_the_definitions(seed: int, m: int) -> None:
    """Energies listed by doubling equal those computed one by one, in the order of the bits."""
    qubo = random_qubo(np.random.default_rng(seed), m)
    expected = [energy_term_by_term(qubo, y) for y in strings(m)]
    assert qubo.energies() == pytest.approx(expected)
    assert qubo.energy(strings(m)) == pytest.approx(expected)
    assert float(qubo.energy(strings(m)[-1])) == pytest.approx(expected[-1])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), m=st.integers(1, 7))
def test_spins_have_the_energies_of_their_bits(seed: int, m: int) -> None:
    """With z = 1 − 2y, on every string, offset included."""
    qubo = random_qubo(np.random.default_rng(seed), m)
    spins = 1 - 2 * strings(m).astype(np.int8)
    assert qubo.to_ising().energy(spins) == pytest.approx(qubo.energies())


def test_the_scale_is_the_spread_of_the_energies() -> None:
    """σ is the standard deviation over all strings, and the offset their mean."""
    qubo = random_qubo(np.random.default_rng(0), 8)
    assert qubo.to_ising().scale == pytest.approx(qubo.energies().std())
    assert qubo.to_ising().offset == pytest.approx(qubo.energies().mean())


def test_terms_cannot_be_changed_behind_its_back() -> None:
    """The arrays are frozen with the dataclass."""
    qubo = random_qubo(np.random.default_rng(0), 3)
    with pytest.raises(ValueError, match="read-only"):
        qubo.linear[0] = 1.0


@pytest.mark.parametrize("kind", [QUBO, Ising])
@pytest.mark.parametrize(
    ("linear", "quadratic", "offset", "message"),
    [
        (np.zeros(2), np.eye(2), 0.0, "diagonal"),
        (np.zeros(2), np.array([[0.0, 1.0], [1.0, 0.0]]), 0.0, "diagonal"),
        (np.zeros(2), np.zeros((3, 3)), 0.0, r"shape \(3, 3\)"),
        (np.zeros((2, 1)), np.zeros((2, 2)), 0.0, r"shape \(2, 1\)"),
        (np.zeros(2, np.float32), np.zeros((2, 2)), 0.0, "float32"),
        (np.array([0.0, np.nan]), np.zeros((2, 2)), 0.0, "not finite"),
        (np.zeros(2), np.triu(np.full((2, 2), np.inf), 1), 0.0, "not finite"),
        (np.zeros(2), np.zeros((2, 2)), np.nan, "not finite"),
    ],
)
def test_malformed_terms_are_refused(
    kind: type, linear: np.ndarray, quadratic: np.ndarray, offset: float, message: str
) -> None:
    """Wrong shapes and types, numbers that are none, and pairs that would be counted twice."""
    with pytest.raises(InstanceError, match=message):
        kind(linear, quadratic, offset)


def test_too_many_strings_are_not_listed() -> None:
    """40 variables would fill the memory: say so instead."""
    with pytest.raises(InputError, match="40 variables"):
        QUBO(np.zeros(40), np.zeros((40, 40))).energies()
