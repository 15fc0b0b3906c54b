"""Actions of the search: connected sets grown by scores, and choices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.observation import nearest_neighbours
from envs.search.action import grown_set, require_choices
from lagrl.errors import InputError
from lagrl.problems.cvrp import CVRP

LINE = CVRP.from_coordinates("line", [(0, 9), *((10 * i, 0) for i in range(12))], [1] * 12, 4)
"""Twelve customers on a line, in the order of their numbers."""
ROUTES = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]
NEAR = nearest_neighbours(LINE)


def grown(scores: list[float], most: int, seed: int = 0) -> list[int]:
    """Grow a set on the line."""
    return grown_set(np.array(scores, np.float32), ROUTES, NEAR, most, np.random.default_rng(seed))


def test_a_set_grows_by_the_best_customer_beside_it() -> None:
    """It starts at the highest score; a high score far away is not reached, and a negative one beside it ends it."""
    scores = [0.0] * 12
    scores[0], scores[1], scores[11] = 1.0, 0.5, 0.9  # customer 12 is far from customer 1
    assert grown(scores, 2) == [1, 2]
    assert grown([1.0, *[-0.1] * 10, 0.9], 5) == [1]
    assert set(grown([1.0] * 6 + [-1.0] * 6, 12)) == {1, 2, 3, 4, 5, 6}


@given(st.lists(st.floats(-1, 1, width=32), min_size=12, max_size=12), st.integers(1, 20), st.integers(0, 3))
def test_sets_are_connected_within_their_size(scores: list[float], most: int, seed: int) -> None:
    """Never nobody, never everybody, no customer twice, and each one is beside an earlier one."""
    freed = grown(scores, most, seed)
    assert 1 <= len(freed) <= min(most, 11)
    assert len(set(freed)) == len(freed)
    beside = {i: {int(j) + 1 for j in NEAR[i - 1]} for i in range(1, 13)}
    for route in ROUTES:
        for one, other in itertools.pairwise(route):
            beside[one].add(other)
            beside[other].add(one)
    for position, customer in enumerate(freed[1:], start=1):
        assert any(customer in beside[earlier] for earlier in freed[:position])
    assert scores[freed[0] - 1] == max(scores)
    assert all(scores[customer - 1] >= 0 for customer in freed[1:])


def test_equal_scores_are_ordered_at_random() -> None:
    """Zero scores free sets around all customers, and the same one for the same seed."""
    assert {grown([0.0] * 12, 3, seed)[0] for seed in range(200)} == set(range(1, 13))
    assert grown([0.0] * 12, 3, 5) == grown([0.0] * 12, 3, 5)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.array([0, 8]), "environment 1: action: set 8 chosen; give a number from 0 to 7"),
        (np.array([-1, 0]), "environment 0: action: set -1 chosen"),
        (np.array([0.0, 1.0]), r"array of shape \(2,\) and type float64; give whole numbers of shape \(2,\)"),
        (np.array([1]), r"array of shape \(1,\)"),
    ],
)
def test_bad_choices_are_refused(actions: np.ndarray, message: str) -> None:
    """Numbers of no set, fractions and other shapes; an ignored action may be anything."""
    with pytest.raises(InputError, match=message):
        require_choices(actions, 8, [False, False])
    if actions.shape == (2,) and actions.dtype == np.int64:
        require_choices(actions, 8, [True, True])
