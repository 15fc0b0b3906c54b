"""Branch and bound, and both programmes that it falls back on, against enumeration and the plain programme."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import subsets

from lagrl.relaxation.branch_and_bound_kernels import (
    FLOAT_ROWS,
    INT_ROWS,
    NODE_LIMIT,
    STATE_LIMIT,
    TABLE_LIMIT,
    fill_exactly,
)
from lagrl.relaxation.dp_kernels import MOST_LISTED, choose_moves, fill_knapsack

# node, table and state limits: as priced; the table at once; the lists at once
WAYS = {
    "usual": (NODE_LIMIT, TABLE_LIMIT, STATE_LIMIT),
    "table": (1, 10**12, 0),
    "lists": (1, 0, STATE_LIMIT),
}
KINDS = (
    "uncorrelated",
    "weakly correlated",
    "strongly correlated",
    "inverse strongly correlated",
    "subset sum",
    "subset sum with noise",
    "equal weights",
    "equal profits",
    "few sizes",
    "tiny profits",
    "one giant",
)


def draw(kind: str, n: int, largest: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw profits and weights of a kind that knapsack algorithms are tried on (Martello and Toth 1990; ties)."""
    weight = rng.integers(1, largest + 1, n)
    if kind == "equal weights":
        weight[:] = largest
    if kind == "one giant":
        weight[0] = 50 * largest
    profit = {
        "weakly correlated": np.maximum(weight + rng.uniform(-0.1, 0.1, n) * largest, 0.01),
        "strongly correlated": weight + 0.1 * largest,
        "inverse strongly correlated": np.maximum(weight - 0.1 * largest, 0.01),
        "subset sum": weight / 3,
        "subset sum with noise": weight * (1 / 3 + 1e-16 * rng.integers(-2, 3, n)),
        "equal profits": np.full(n, 0.1),
        "few sizes": rng.integers(1, 4, n).astype(np.float64),
        "tiny profits": 1e-9 * rng.uniform(0.01, 100, n) + (rng.random(n) < 0.1) * 1e6,
    }.get(kind, rng.uniform(0.01, 100, n))
    return profit, weight


def fill(
    profit: np.ndarray, weight: np.ndarray, capacity: int, way: tuple[int, int, int] = WAYS["usual"]
) -> np.ndarray | None:
    """Choose items, None if the memory does not suffice; the scratch is full of what an earlier call may leave."""
    n = len(profit)
    chosen = np.full(n, 7, np.uint8)
    scratch = np.full((INT_ROWS, n + 3), -5), np.full((FLOAT_ROWS, n + 3), np.nan)
    return chosen if fill_exactly(profit, weight, capacity, chosen, *scratch, *way) else None


def by_programme(profit: np.ndarray, weight: np.ndarray, capacity: int) -> float:
    """Return the plain dynamic programme's value."""
    n, width = len(profit), capacity + 1
    rows = np.empty(width), np.empty(width)
    return fill_knapsack(
        profit, weight, capacity, np.empty(n, np.uint8), *rows, np.empty(n * width, np.uint8), np.empty(n, np.int64)
    )


@st.composite
def knapsacks(draw_from: st.DrawFn, most: int, largest: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Draw items that fit alone but not together."""
    rng = np.random.default_rng(draw_from(st.integers(0, 2**32)))
    kind, n = draw_from(st.sampled_from(KINDS)), draw_from(st.integers(2, most))
    profit, weight = draw(kind, n, draw_from(st.sampled_from([3, 40, largest])), rng)
    capacity = max(int(draw_from(st.floats(0.05, 1)) * weight.sum()), weight.max())
    return profit, weight, min(capacity, weight.sum() - 1)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=150, deadline=None)
@given(case=knapsacks(most=14, largest=10**12))
def test_the_profit_is_the_most_of_all_subsets(way: str, case: tuple[np.ndarray, np.ndarray, int]) -> None:
    """By search, table or lists: enumeration finds nothing better, and what is chosen fits."""
    profit, weight, capacity = case
    if way == "table" and len(profit) * capacity > 10**6:
        return  # for the other ways
    chosen = fill(profit, weight, capacity, WAYS[way])
    assert chosen is not None
    assert set(chosen.tolist()) <= {0, 1}
    assert chosen @ weight <= capacity
    every = subsets(len(profit))
    best = (every @ profit)[every @ weight <= capacity].max()
    assert chosen @ profit == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=100, deadline=None)
@given(case=knapsacks(most=90, largest=300))
def test_dozens_of_items_agree_with_the_plain_programme(way: str, case: tuple[np.ndarray, np.ndarray, int]) -> None:
    """Whatever gives up first and takes over, the value is that of the programme over all items."""
    profit, weight, capacity = case
    chosen = fill(profit, weight, capacity, WAYS[way])
    assert chosen is not None
    assert chosen @ weight <= capacity
    assert chosen @ profit == pytest.approx(by_programme(profit, weight, capacity), rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(case=knapsacks(most=60, largest=1000), way=st.sampled_from(sorted(WAYS)))
def test_the_same_items_are_chosen_again(case: tuple[np.ndarray, np.ndarray, int], way: str) -> None:
    """Ties included, and whatever the scratch held."""
    first, second = fill(*case, WAYS[way]), fill(*case, WAYS[way])
    assert first is not None
    assert np.array_equal(first, second)


def test_equal_weights_need_no_search() -> None:
    """The most profitable are chosen, though no node may be searched and no memory used."""
    rng = np.random.default_rng(0)
    profit = rng.uniform(1, 2, 500)
    chosen = fill(profit, np.ones(500, np.int64), 100, (0, 0, 0))
    assert chosen is not None
    assert set(np.flatnonzero(chosen)) == set(np.argsort(-profit)[:100])


def test_the_search_ends_by_itself_where_profits_are_unlike() -> None:
    """200 uncorrelated items of up to 10^6 units need no programme."""
    for seed in range(20):
        profit, weight = draw("uncorrelated", 200, 10**6, np.random.default_rng(seed))
        assert fill(profit, weight, int(weight.sum()) // 3, (NODE_LIMIT, 0, 0)) is not None


def hard(n: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return a subset sum whose last 500 units nothing can fill: bounds never prove it."""
    weight = 1000 * np.random.default_rng(1).integers(1000, 2000, n)
    weight[0] += 1  # no common divisor
    return weight / 7, weight, int(weight.sum()) // 2000 * 1000 + 500


def test_too_little_memory_is_said() -> None:
    """Where the search gives up, and neither the table nor the lists may grow as far as needed, nothing is chosen."""
    case = hard(60)
    assert fill(*case, (1000, 10**6, 100)) is None
    lists = fill(*case)
    assert lists is not None
    assert lists @ case[1] in (case[2] - 500, case[2] - 499)


def test_more_items_than_lists_take_are_refused() -> None:
    """The choices of each half are bits of one integer."""
    assert fill(*hard(MOST_LISTED + 10)) is None


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 12), slack=st.integers(0, 30), is_tied=st.booleans())
def test_moves_lose_the_least_of_all_choices(seed: int, n: int, slack: int, is_tied: bool) -> None:
    """Two lists match what enumeration finds; what loses the cutoff or more is not chosen."""
    rng = np.random.default_rng(seed)
    move = rng.integers(-20, 20, n)
    loss = rng.integers(0, 3, n).astype(np.float64) if is_tied else rng.uniform(0, 10, n)
    price, cutoff = 0.5, float(rng.uniform(0, 15))
    every = subsets(n)
    room = slack - every @ move
    least = (every @ loss + price * room)[room >= 0].min(initial=np.inf)
    moved = np.full(n, 9, np.uint8)
    assert choose_moves(move, loss, slack, price, cutoff, STATE_LIMIT, moved)
    if least < cutoff - 1e-9:
        assert moved @ move <= slack
        assert moved @ loss + price * (slack - moved @ move) == pytest.approx(least, abs=1e-9)
    elif least > cutoff + 1e-9:
        assert not moved.any()
