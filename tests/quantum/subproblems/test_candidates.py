"""Presolve is correct, candidate sets are bounded, and codes become full strings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_knapsacks import knapsacks, strings

from lagrl.errors import InputError
from lagrl.quantum.subproblems.candidates import MAX_WIDTH, Candidates, select_candidates
from lagrl.relaxation.knapsack import solve_knapsacks


def best_completion(found: Candidates, vehicle: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes [S] of all feasible strings, and their values [S], distance units."""
    m = found.width[vehicle]
    tried = strings(m)
    codes = np.flatnonzero(tried @ found.weight[vehicle, :m] <= found.room[vehicle])
    return codes, tried[codes] @ found.reduced_cost[vehicle, :m]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 12), room=st.floats(0.0, 1.3))
def test_with_room_for_all_variables_nothing_is_lost(seed: int, n: int, room: float) -> None:
    """If the width covers all customers, the best string of the variables is the knapsack's optimum."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(seed), 3, n, room)
    weight[0] = 0  # weightless ones are settled by presolve too
    found = select_candidates(reduced_cost, weight, capacity, 12)
    _, optimum = solve_knapsacks(reduced_cost, weight, capacity)
    for k in range(3):
        _, value = best_completion(found, k)
        assert value.min() + (found.fixed[k] @ reduced_cost[k]) == pytest.approx(optimum[k], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), width=st.integers(1, 9), room=st.floats(0.05, 0.95))
def test_sets_are_bounded_and_sound(seed: int, width: int, room: float) -> None:
    """At most `width` variables, each with ã < 0, feasible alone and not fixed; fixed customers leave the room free."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(seed), 4, 30, room)
    found = select_candidates(reduced_cost, weight, capacity, width)
    assert (found.width <= width).all()
    assert np.array_equal(found.fixed @ weight + found.room, capacity)
    for k in range(4):
        items = found.item[k, : found.width[k]]
        assert (found.item[k, found.width[k] :] == -1).all()
        assert len(set(items.tolist())) == len(items)
        assert (reduced_cost[k, items] < 0).all()
        assert (weight[items] <= found.room[k]).all()
        assert not found.fixed[k, items].any()
        assert (reduced_cost[k, found.fixed[k] == 1] < 0).all()
        if len(items):  # else there would be nothing to decide
            assert weight[items].sum() > found.room[k] >= found.greedy_load[k] > 0
            assert np.all(np.diff(-reduced_cost[k, items] / weight[items]) <= 1e-12)


def test_presolve_solves_a_knapsack_where_all_customers_fit() -> None:
    """Customers with ã ≥ 0 and those heavier than the capacity are left out; the rest is carried if it fits."""
    reduced_cost = np.array([[-3.0, 0.0, 2.0, -1.0, -9.0]])
    found = select_candidates(reduced_cost, np.array([4, 1, 1, 5, 100]), np.array([9]))
    assert found.width.tolist() == [0]
    assert found.fixed.tolist() == [[1, 0, 0, 1, 0]]
    assert found.room.tolist() == [0]


def test_the_doubtful_stay_variables() -> None:
    """Efficiencies 10, 6, 5, 4, 1 of equal weights and room for 2.5: only those around greedy's break are variables."""
    reduced_cost = -np.array([[100.0, 60.0, 50.0, 40.0, 10.0]])
    found = select_candidates(reduced_cost, np.full(5, 10), np.array([25]), 3)
    assert found.stop.tolist() == [5.0]
    assert found.item.tolist() == [[1, 2, 3]]
    assert found.fixed.tolist() == [[1, 0, 0, 0, 0]]
    assert found.room.tolist() == [15]
    assert found.greedy_load.tolist() == [10]


def test_narrow_sets_still_hold_good_fillings() -> None:
    """Twelve variables of about 45 keep the optimum of most knapsacks, and lose little of the others."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(1), 60, 80)
    found = select_candidates(reduced_cost, weight, capacity, 12)
    _, optimum = solve_knapsacks(reduced_cost, weight, capacity)
    kept = [best_completion(found, k)[1].min() + found.fixed[k] @ reduced_cost[k] for k in range(60)]
    gap = 1.0 - np.array(kept) / optimum
    assert (gap > -1e-9).all()
    assert (gap < 1e-9).mean() > 0.6
    assert gap.mean() < 0.005


def test_codes_become_full_strings() -> None:
    """Bit j of a code is variable j; fixed customers are in every string; padding has no effect."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(2), 4, 20)
    found = select_candidates(reduced_cost, weight, capacity, 5)
    assert (found.width > 0).any()
    code = np.random.default_rng(3).integers(0, 2**5, (4, 7))
    full = found.strings(code)
    assert full.shape == (4, 7, 20)
    for k in range(4):
        for s in range(7):
            expected = found.fixed[k].copy()
            for j in range(found.width[k]):
                expected[found.item[k, j]] = (code[k, s] >> j) & 1
            assert np.array_equal(full[k, s], expected)


@pytest.mark.parametrize("width", [-1, 0, MAX_WIDTH + 1])
def test_widths_that_cannot_be_simulated_are_refused(width: int) -> None:
    """The error states the limits of the width."""
    with pytest.raises(InputError, match="give 1 to 22 variables"):
        select_candidates(np.zeros((1, 1)), np.ones(1, np.int64), np.ones(1, np.int64), width)


@pytest.mark.parametrize(
    ("reduced_cost", "weight", "capacity"),
    [
        (np.zeros((2, 3)), np.ones(3, np.int64), np.ones(1, np.int64)),
        (np.full((1, 3), np.nan), np.ones(3, np.int64), np.ones(1, np.int64)),
        (np.zeros((1, 3)), np.array([1, -1, 1]), np.ones(1, np.int64)),
        (np.zeros((1, 3)), np.ones(3, np.int64), np.array([-1])),
    ],
)
def test_malformed_knapsacks_are_refused(reduced_cost: np.ndarray, weight: np.ndarray, capacity: np.ndarray) -> None:
    """Inconsistent shapes and values raise an error before a kernel reads them."""
    with pytest.raises(InputError, match="knapsacks"):
        select_candidates(reduced_cost, weight, capacity)
