"""Moves of a search whose freed customers the caller chooses, on a search and on a copy of it."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest
from partial_searches import PARTIAL, outcome, search_of
from routed_problems import routed

from lagrl.errors import InputError
from lagrl.problems.solution import faults
from lagrl.solve_config import SolveConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.search.search import Search


def with_routes(seed: int, n_customers: int = 40) -> Search:
    """Return a search that continues from the savings' routes, with evaluations for many moves."""
    problem, routes = routed(seed, n_customers)
    search = search_of(problem, SolveConfig(evaluations=200, seed=seed))
    assert search.start_from(routes)
    return search


def test_a_given_set_is_the_searchs_own_move() -> None:
    """Drawing the customers by `draw_freed` and giving them to the move is bit-equal to a move that draws them."""
    own, given = with_routes(3), with_routes(3)
    for _ in range(25):
        drawn = own.improve(PARTIAL)
        assert given.improve(PARTIAL, given.moving.draw_freed(PARTIAL, given.moving._rng)) == drawn
        assert outcome(given) == outcome(own)
        assert given.current.cost == own.current.cost
    assert own.incumbent.cost < own.incumbent.history[0][2]


def test_only_the_given_customers_and_polish_change_routes() -> None:
    """Without polish, routes that neither lose a freed customer nor may take one stay; the evaluations are counted."""
    problem, routes = routed(4, 40)
    search = search_of(problem, SolveConfig(evaluations=50, without=("polish", "partition", "bound")))
    search.start_from(routes)
    before = [set(route) for route in search.current.neighbourhood.lists]
    freed = search.current.neighbourhood.lists[0][:2]
    spent = search.improve(PARTIAL, freed).evaluations
    assert 1 <= spent <= 3 and search.budget.spent == spent
    for route in search.current.neighbourhood.lists:
        assert any(set(route) - set(freed) <= old for old in before)
    assert faults(problem, search.current.neighbourhood.lists) == []


@pytest.mark.parametrize(
    ("freed", "message"),
    [
        ([], "nobody is freed"),
        (range(1, 41), "everybody is freed"),
        ([2, 2], "customer 2 occurs twice"),
        ([41], "customer 41 is not on the current routes"),
    ],
)
def test_sets_that_cannot_be_freed_are_refused(freed: Sequence[int], message: str) -> None:
    """Nobody, everybody, a customer twice or one that does not exist: one line, and nothing is spent."""
    search = with_routes(5)
    with pytest.raises(InputError, match=f"plane: freed: {message}; free 1 to 39 different customers") as caught:
        search.improve(PARTIAL, list(freed))
    assert "\n" not in str(caught.value)
    assert search.incumbent.evaluations == 0


def test_a_copy_makes_the_same_moves_once_reseeded() -> None:
    """A copy of a search that was used differs only in its local search, which a seed makes equal again."""
    search = with_routes(6)
    for _ in range(4):
        search.improve(PARTIAL)
    twin = pickle.loads(pickle.dumps(copy.deepcopy(search)))
    for seed in range(6):
        for each in (search, twin):
            each.current.neighbourhood.reseed(seed)
        assert search.improve(PARTIAL) == twin.improve(PARTIAL)
        assert outcome(search) == outcome(twin)
