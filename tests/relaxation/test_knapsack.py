"""Exact knapsacks against enumeration, one by one and in ragged batches."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import enumerated_knapsacks, random_problem

from lagrl.errors import InputError, InstanceError
from lagrl.problems.assignment import AssignmentProblem
from lagrl.relaxation.knapsack import KnapsackBatch, solve_knapsacks


def solve_one(reduced_cost: list[float], weight: list[int], capacity: int) -> tuple[list[int], float]:
    """Solve a single knapsack given as lists."""
    selection, value = solve_knapsacks(np.array([reduced_cost]), np.array(weight), np.array([capacity]))
    return selection[0].tolist(), float(value[0])


@st.composite
def knapsacks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw up to 3 knapsacks of up to 10 items, ties, zero weights, common divisors and tiny capacities included."""
    n_vehicles, n_items = draw(st.integers(1, 3)), draw(st.integers(1, 10))
    divisor = draw(st.sampled_from([1, 1, 2, 7]))
    weight = draw(st.lists(st.integers(0, 12), min_size=n_items, max_size=n_items))
    capacity = draw(st.lists(st.integers(0, 60), min_size=n_vehicles, max_size=n_vehicles))
    entry = st.one_of(st.integers(-5, 3).map(float), st.floats(-100, 30, allow_subnormal=False))
    row = st.lists(entry, min_size=n_items, max_size=n_items)
    reduced_cost = draw(st.lists(row, min_size=n_vehicles, max_size=n_vehicles))
    return np.array(reduced_cost), divisor * np.array(weight), np.array(capacity)


@settings(max_examples=300, deadline=None)
@given(knapsacks())
def test_the_value_is_the_least_of_all_subsets(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Enumerating all 2^n subsets finds nothing better and nothing worse; the selection has that value and fits."""
    reduced_cost, weight, capacity = case
    selection, value = solve_knapsacks(reduced_cost, weight, capacity)
    assert value == pytest.approx(enumerated_knapsacks(reduced_cost, weight, capacity), abs=1e-9)
    assert (selection * reduced_cost).sum(axis=1) == pytest.approx(value, abs=1e-9)
    assert (selection @ weight <= capacity).all()


def test_items_that_cost_stay_out() -> None:
    """Where every reduced cost is 0 or more, nothing is carried and the value is exactly 0."""
    assert solve_one([0.0, 1.0, 2.5], [1, 1, 0], 10) == ([0, 0, 0], 0.0)


def test_what_fits_altogether_is_carried() -> None:
    """A load of just the capacity needs no choice."""
    assert solve_one([-1.0, -2.0, 5.0], [4, 6, 1], 10) == ([1, 1, 0], -3.0)


def test_items_without_weight_are_carried_even_in_a_full_vehicle() -> None:
    """They take no room, so only their cost counts."""
    assert solve_one([-1.0, 1.0, -5.0, -4.0], [0, 0, 3, 3], 3) == ([1, 0, 1, 0], -6.0)


def test_items_heavier_than_the_vehicle_stay_out() -> None:
    """However much they are worth."""
    assert solve_one([-100.0, -1.0], [11, 10], 10) == ([0, 1], -1.0)


def test_a_vehicle_without_capacity_carries_only_the_weightless() -> None:
    """Capacity 0 is a sound capacity."""
    assert solve_one([-1.0, -2.0], [1, 0], 0) == ([0, 1], -2.0)


def test_a_common_divisor_changes_nothing() -> None:
    """Weights and capacity times 1000, and a remainder that no item can use, give the same choice."""
    rng = np.random.default_rng(1)
    reduced_cost, weight = -rng.random((1, 12)), rng.integers(1, 20, 12)
    small = solve_knapsacks(reduced_cost, weight, np.array([40]))
    large = solve_knapsacks(reduced_cost, 1000 * weight, np.array([40_999]))
    assert np.array_equal(small[0], large[0])
    assert np.array_equal(small[1], large[1])


def test_large_capacities_are_exact_too() -> None:
    """Capacity 30 000 without a common divisor agrees with enumeration."""
    rng = np.random.default_rng(2)
    reduced_cost, weight, capacity = -rng.random((4, 14)), rng.integers(3000, 9000, 14), np.full(4, 30_011)
    _, value = solve_knapsacks(reduced_cost, weight, capacity)
    assert value == pytest.approx(enumerated_knapsacks(reduced_cost, weight, capacity), abs=1e-12)


def test_a_capacity_beyond_all_weights_takes_no_memory() -> None:
    """A vehicle of 10^15 units that carries everything is answered, not allocated for."""
    assert solve_one([-1.0, -2.0], [3, 4], 10**15) == ([1, 1], -3.0)


def textbook_value(profit: np.ndarray, weight: np.ndarray, capacity: int) -> float:
    """Return the best profit by the plain one-row dynamic programme over all items."""
    best = np.zeros(capacity + 1)
    for p, w in zip(profit, weight, strict=True):
        if w <= capacity:
            best[w:] = np.maximum(best[w:], best[: capacity + 1 - w] + p)
    return float(best[-1])


KINDS = ("uncorrelated", "weakly correlated", "strongly correlated", "all alike", "subset sum", "few sizes", "tiny")


def profits(kind: str, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw profits of the kinds that knapsack algorithms are tried on (Martello and Toth 1990), and ties."""
    n = len(weight)
    return {
        "uncorrelated": rng.uniform(0.01, 100, n),
        "weakly correlated": np.maximum(weight + rng.uniform(-5, 5, n), 0.01),
        "strongly correlated": weight + 10.0,
        "all alike": np.full(n, 0.1),
        "subset sum": weight / 3,
        "few sizes": rng.integers(1, 4, n).astype(np.float64),
        "tiny": 1e-9 * rng.uniform(0.01, 100, n) + (rng.random(n) < 0.1) * 1e6,
    }[kind]


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(2, 80), kind=st.sampled_from(KINDS), share=st.floats(0.003, 1))
def test_many_items_agree_with_a_textbook_recursion(seed: int, n: int, kind: str, share: float) -> None:
    """Where only a core of the items is tried, the value is still that of the plain dynamic programme over all."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(1, rng.choice([4, 60, 300]), n)
    profit, capacity = profits(kind, weight, rng), int(share * weight.sum())
    chosen, value = solve_knapsacks(-profit[None], weight, np.array([capacity]))
    assert -value[0] == pytest.approx(textbook_value(profit, weight, capacity), rel=1e-12)
    assert chosen[0] @ profit == pytest.approx(-value[0], rel=1e-12)
    assert chosen[0] @ weight <= capacity


def test_hundreds_of_items_agree_with_a_textbook_recursion() -> None:
    """1000 items for 10 vehicles, as in the largest instances."""
    rng = np.random.default_rng(3)
    reduced_cost, weight, capacity = rng.normal(-1, 1, (10, 1000)), rng.integers(1, 101, 1000), np.full(10, 1500)
    _, value = solve_knapsacks(reduced_cost, weight, capacity)
    for row, found in zip(reduced_cost, value, strict=True):
        wanted = row < 0
        assert -found == pytest.approx(textbook_value(-row[wanted], weight[wanted], 1500), rel=1e-12)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), shapes=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 12)), min_size=1))
def test_a_ragged_batch_equals_single_solves(seed: int, shapes: list[tuple[int, int]]) -> None:
    """Whatever else is in the batch, each problem's answer is bit for bit that of solving it alone."""
    rng = np.random.default_rng(seed)
    problems = [random_problem(rng, *shape) for shape in shapes]
    multipliers = [rng.uniform(0, 200, problem.n_customers) for problem in problems]
    for problem, vector, (selection, value) in zip(
        problems, multipliers, KnapsackBatch(problems).price(multipliers), strict=True
    ):
        alone = solve_knapsacks(problem.cost - vector, problem.weight, problem.capacity)
        assert np.array_equal(selection, alone[0])
        assert np.array_equal(value, alone[1])


def test_pricing_twice_gives_the_same_bits() -> None:
    """A call in between leaves no state behind."""
    rng = np.random.default_rng(4)
    problem = random_problem(rng, 5, 40)
    batch, multipliers = KnapsackBatch([problem]), [rng.uniform(0, 100, 40)]
    first = batch.price(multipliers)[0]
    batch.price([rng.uniform(0, 300, 40)])
    second = batch.price(multipliers)[0]
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


def test_more_room_never_costs() -> None:
    """The value falls, or stays, as the capacity grows."""
    rng = np.random.default_rng(5)
    row, weight = rng.normal(-1, 2, 30), rng.integers(1, 15, 30)
    values = [solve_one(row.tolist(), weight.tolist(), capacity)[1] for capacity in range(0, 250, 7)]
    assert all(more <= less + 1e-12 for less, more in pairwise(values))


@pytest.mark.parametrize(
    ("reduced_cost", "weight", "capacity"),
    [
        (np.zeros((2, 3)), np.ones(2, int), np.ones(2, int)),
        (np.zeros((2, 3)), np.ones(3, int), np.ones(1, int)),
        (np.zeros((1, 3)), np.array([1, -1, 1]), np.ones(1, int)),
        (np.zeros((1, 3)), np.ones(3, int), np.array([-1])),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    reduced_cost: np.ndarray, weight: np.ndarray, capacity: np.ndarray
) -> None:
    """A compiled kernel would read or write beyond its arrays instead."""
    with pytest.raises(InputError, match="knapsacks"):
        solve_knapsacks(reduced_cost, weight, capacity)


def test_a_batch_refuses_multipliers_of_the_wrong_length() -> None:
    """Also where the lengths of two problems are merely swapped."""
    problems = [
        AssignmentProblem(np.ones((1, n)), np.ones(n, dtype=np.int64), np.array([n], dtype=np.int64)) for n in (2, 3)
    ]
    with pytest.raises(InputError, match="multipliers"):
        KnapsackBatch(problems).price([np.zeros(3), np.zeros(2)])


def test_a_capacity_no_table_could_count_is_searched() -> None:
    """Billions of units are no obstacle in themselves, whether they bind or not."""
    cost, weight = np.array([[-1.0, -2.0]]), np.array([700_000_001, 800_000_003])
    selection, _ = solve_knapsacks(cost, weight, np.array([1_000_000_000]))
    assert selection.tolist() == [[0, 1]]
    selection, _ = solve_knapsacks(cost, weight, np.array([2_000_000_000]))
    assert selection.tolist() == [[1, 1]]


def test_what_would_fill_the_memory_is_refused() -> None:
    """134 customers of one worth per unit, whose sums never meet a capacity of 10^8 units: the vehicle is named."""
    weight = 1000 * np.random.default_rng(1).integers(1000, 2000, 134)
    weight[0] += 1  # no common divisor
    capacity = np.array([weight.sum(), weight.sum() // 2000 * 1000 + 500])
    with pytest.raises(InstanceError, match=rf"CAPACITY: vehicle 2, of capacity {capacity[1]}, .*coarser unit"):
        solve_knapsacks(np.tile(-weight / 7, (2, 1)), weight, capacity)
    with pytest.raises(InstanceError, match="CAPACITY: vehicle 2"):
        problems = [
            random_problem(np.random.default_rng(0), 3, 5),
            AssignmentProblem(np.zeros((2, 134)), weight, capacity),
        ]
        KnapsackBatch(problems).price([np.zeros(5), weight / 7])
