"""Freed customers are strings of neighbours on adjacent routes."""

from __future__ import annotations

import numpy as np
import pytest
from routed_problems import routed

from lagrl.problems.cvrp import CVRP
from lagrl.search.string_removal import adjacent_strings, nearest_customers


def lists_of(routes: list[np.ndarray]) -> tuple[list[list[int]], dict[int, int]]:
    """Return routes as lists, and which one each customer is on."""
    lists = [route.tolist() for route in routes]
    return lists, {customer: k for k, route in enumerate(lists) for customer in route}


def test_nearest_customers_are_the_nearest() -> None:
    """Nearest first, without the customer itself and the depot, up to the requested number."""
    problem, _ = routed(0, 25)
    for most in (1, 7, 24, 100):
        near = nearest_customers(problem.distance, most)
        assert near[0] == []
        for customer in range(1, 26):
            away = problem.distance[customer]
            others = [c for c in range(1, 26) if c != customer]
            assert len(near[customer]) == len(set(near[customer])) == min(most, 24)
            assert set(near[customer]) <= set(others)
            assert [away[c] for c in near[customer]] == sorted(away[c] for c in others)[:most]


def test_customers_on_one_spot_have_lists_of_the_same_length() -> None:
    """More of them on one's own place than a list is long: still not oneself, still that many."""
    problem = CVRP.from_coordinates("heap", [(0, 0)] + [(5, 5)] * 12, [1] * 12, 3)
    near = nearest_customers(problem.distance, 4)
    assert [len(listed) for listed in near[1:]] == [4] * 12
    assert all(customer not in near[customer] for customer in range(1, 13))


@pytest.mark.parametrize("seed", range(20))
def test_freed_are_strings_on_distinct_routes(seed: int) -> None:
    """From each route at most one string of consecutive customers; the routes they come from are reached, and exist."""
    problem, routes = routed(seed, 36)
    lists, route_of = lists_of(routes)
    near = nearest_customers(problem.distance)
    rng = np.random.default_rng(seed)
    for freed in (1, 6, 15, 100):
        taken, reached = adjacent_strings(lists, route_of, near, freed, rng)
        assert len(taken) == len(set(taken)) >= 1
        sources = list(dict.fromkeys(route_of[customer] for customer in taken))
        assert reached[: len(sources)] == sources
        assert len(reached) == len(set(reached))
        assert set(reached) <= set(range(len(lists)))
        for k in sources:
            places = [lists[k].index(customer) for customer in taken if route_of[customer] == k]
            assert places == list(range(places[0], places[0] + len(places)))


@pytest.mark.parametrize("seed", range(10))
def test_only_customers_in_focus_are_freed(seed: int) -> None:
    """Customers on none of the given routes are not freed, and their routes do not change."""
    problem, routes = routed(seed, 36)
    lists, route_of = lists_of(routes[::2])
    near = nearest_customers(problem.distance)
    rng = np.random.default_rng(seed)
    for _ in range(20):
        taken, reached = adjacent_strings(lists, route_of, near, 10, rng)
        assert set(taken) <= set(route_of)
        assert max(reached) < len(lists)


def test_as_many_are_freed_on_average_as_asked_for() -> None:
    """Over many draws the mean count is near the requested one, and counts differ."""
    problem, routes = routed(1, 120, 30)
    lists, route_of = lists_of(routes)
    near = nearest_customers(problem.distance)
    rng = np.random.default_rng(0)
    for freed in (8, 16):
        counts = [len(adjacent_strings(lists, route_of, near, freed, rng)[0]) for _ in range(1500)]
        assert np.mean(counts) == pytest.approx(freed, rel=0.3)
        assert len(set(counts)) > 5


def test_everybody_can_be_the_centre() -> None:
    """No customer is out of reach."""
    problem, routes = routed(2, 24)
    lists, route_of = lists_of(routes)
    near, rng = nearest_customers(problem.distance), np.random.default_rng(0)
    seen = {customer for _ in range(300) for customer in adjacent_strings(lists, route_of, near, 3, rng)[0]}
    assert seen == set(range(1, 25))


def test_the_same_draws_free_the_same() -> None:
    """Randomness is the generator's alone."""
    problem, routes = routed(3, 30)
    lists, route_of = lists_of(routes)
    near = nearest_customers(problem.distance)
    first, again, other = (
        [adjacent_strings(lists, route_of, near, 9, rng) for _ in range(5)]
        for rng in map(np.random.default_rng, (7, 7, 8))
    )
    assert first == again != other


def test_one_route_of_one_customer() -> None:
    """The smallest focus there is frees its only customer."""
    assert adjacent_strings([[1]], {1: 0}, [[], []], 10, np.random.default_rng(0)) == ([1], [0])
