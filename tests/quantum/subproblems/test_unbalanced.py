"""The unbalanced penalty: its definition, and its equality with the tilted one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_knapsacks import knapsacks, strings

from lagrl.errors import InputError
from lagrl.quantum.subproblems.candidates import Candidates, select_candidates
from lagrl.quantum.subproblems.penalties import QUBOBatch, TiltedPenalty, UnbalancedPenalty, mean_costs


def some_candidates(seed: int, width: int = 8, n_vehicles: int = 4) -> Candidates:
    """Candidates of random knapsacks; the last is solved by presolve."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(seed), n_vehicles, 24)
    capacity[-1] = weight.sum()
    return select_candidates(reduced_cost, weight, capacity, width)


def assert_equal(one: QUBOBatch, other: QUBOBatch, vehicle: int) -> None:
    """Assert that two QUBOs of a vehicle agree in every term, offset included."""
    first, second = one.qubo(vehicle), other.qubo(vehicle)
    assert first.linear == pytest.approx(second.linear, abs=1e-9)
    assert first.quadratic == pytest.approx(second.quadratic, abs=1e-9)
    assert first.offset == pytest.approx(second.offset, abs=1e-9)


@pytest.mark.parametrize(("linear", "quadratic"), [(9.0, 30.0), (0.0, 5.0), (4.0, 2.0), (0.0, 0.0)])
def test_energies_are_the_definition(linear: float, quadratic: float) -> None:
    """E = Σ ã y / mean|ã| − l₁ h + l₂ h² for every string, h being the unused share of the room."""
    found = some_candidates(0)
    problems = UnbalancedPenalty(linear, quadratic).qubos(found)
    assert (found.width > 0).sum() == 3
    for k in np.flatnonzero(found.width):
        m = found.width[k]
        y = strings(m)
        left = 1.0 - y @ found.weight[k, :m] / found.room[k]
        expected = y @ found.reduced_cost[k, :m] / mean_costs(found)[k] - linear * left + quadratic * left**2
        assert problems.qubo(k).energies() == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), strength=st.floats(0.01, 500.0), fill=st.floats(0.0, 1.0))
def test_tilted_is_unbalanced(seed: int, strength: float, fill: float) -> None:
    """ρ (r² + s r) is −l₁ h + l₂ h² at l₁ = ρ s, l₂ = ρ: the same QUBO for any knapsack, strength and target."""
    found = some_candidates(seed)
    tilted = TiltedPenalty(strength, fill)
    problems, tilts = tilted.qubos(found), tilted.tilts(found)
    for k in np.flatnonzero(found.width):
        unbalanced = UnbalancedPenalty(strength * float(tilts[k]), strength)
        assert_equal(unbalanced.qubos(found), problems, k)


def test_solved_vehicles_have_empty_unbalanced_problems() -> None:
    """The QUBO of a solved vehicle is all zero, offset included."""
    problems = UnbalancedPenalty().qubos(some_candidates(2))
    assert problems.width[-1] == 0
    assert not problems.linear[-1].any()
    assert not problems.quadratic[-1].any()
    assert problems.offset[-1] == 0


def test_the_target_is_where_the_penalty_is_least() -> None:
    """T = 1 − l₁/(2 l₂) of the room; another strength leaves it where it is."""
    assert UnbalancedPenalty(10.0, 50.0).target == pytest.approx(0.9)
    assert UnbalancedPenalty.of_strength(7.0).target == pytest.approx(UnbalancedPenalty().target) == 0.85


@pytest.mark.parametrize("wrong", [{"linear": -1.0}, {"quadratic": np.inf}, {"linear": 61.0}, {"linear": np.nan}])
def test_coefficients_out_of_range_raise_errors(wrong: dict[str, float]) -> None:
    """A coefficient out of range raises an error that names it."""
    with pytest.raises(InputError, match=next(iter(wrong))):
        UnbalancedPenalty(**wrong)
