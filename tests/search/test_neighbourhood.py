"""A neighbourhood of routes is worked on, and the others stay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from routed_problems import routed

from lagrl.problems.fleet import Fleet
from lagrl.problems.solution import faults, route_cost
from lagrl.search.neighbourhood import Neighbourhood, neighbouring_routes
from lagrl.search.string_removal import nearest_customers

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP


def cost_of(problem: CVRP, routes: list[np.ndarray]) -> float:
    """Return the length of all routes."""
    return sum(route_cost(problem, route.tolist()) for route in routes)


@pytest.mark.parametrize("seed", range(5))
def test_polish_inside_leaves_the_others(seed: int) -> None:
    """The customers are each visited once under their own numbers, within capacity, at no higher cost."""
    problem, routes = routed(seed, 40)
    shuffled = [np.random.default_rng(seed).permutation(route) for route in routes]
    chosen = list(range(0, len(routes), 2))
    inside = [shuffled[k] for k in chosen]
    others = [k for k in range(len(routes)) if k not in chosen]
    neighbourhood = Neighbourhood(problem, chosen, inside, others, seed=seed)
    assert not neighbourhood.is_whole
    assert neighbourhood.fixed_columns == tuple(others)
    found = neighbourhood.polish(inside)
    assert found is not None
    assert (
        sorted(np.concatenate(found).tolist())
        == neighbourhood.customers.tolist()
        == sorted(np.concatenate(inside).tolist())
    )
    whole = [route.tolist() for route in [*found, *(shuffled[k] for k in others)]]
    assert faults(problem, whole) == []
    assert cost_of(problem, found) < cost_of(problem, inside)


def test_all_routes_are_the_whole() -> None:
    """A neighbourhood of all customers polishes the instance itself."""
    problem, routes = routed(1, 25)
    neighbourhood = Neighbourhood(problem, range(len(routes)), routes, [], seed=0)
    assert neighbourhood.is_whole
    found = neighbourhood.polish(routes)
    assert found is not None
    assert faults(problem, [route.tolist() for route in found]) == []


def test_the_local_search_is_made_when_it_is_first_used() -> None:
    """Until then the overload's price is the given one; afterwards it is that of the local search."""
    problem, routes = routed(2, 20)
    neighbourhood = Neighbourhood(problem, [0, 1], routes[:2], [2], seed=0, weight=2.0)
    assert (neighbourhood._polisher, neighbourhood.weight) == (None, 2.0)
    assert neighbourhood.polish(routes[:2]) is not None
    assert neighbourhood._polisher is not None
    assert neighbourhood.weight == pytest.approx(1.9)


def test_a_whole_fleet_may_be_asked_for() -> None:
    """Under an exact fleet polishing uses no more routes than the neighbourhood has."""
    problem, routes = routed(3, 30)
    problem = replace(problem, fleet=Fleet("exact", len(routes)))
    neighbourhood = Neighbourhood(problem, range(len(routes)), routes, [], seed=0)
    found = neighbourhood.polish(routes)
    assert found is not None
    assert len(found) <= len(routes)


def test_other_routes_of_the_same_customers_are_gone_on_from() -> None:
    """Columns, routes, lists and places all follow."""
    problem, routes = routed(4, 20)
    neighbourhood = Neighbourhood(problem, [0, 1], routes[:2], [2, 3], seed=0)
    merged = np.concatenate(routes[:2])[::-1]
    neighbourhood.set_routes([9, 8], [merged[:1], merged[1:]])
    assert neighbourhood.columns == (9, 8)
    assert neighbourhood.lists == [merged[:1].tolist(), merged[1:].tolist()]
    assert neighbourhood.route_of == {customer: int(customer != merged[0]) for customer in merged.tolist()}
    assert neighbourhood.fixed_columns == (2, 3)


@pytest.mark.parametrize("size", [1, 5, 12, 20])
def test_neighbours_reach_the_size_wanted(size: int) -> None:
    """At least as many customers, fewer without the last route, and neighbours of one another."""
    problem, routes = routed(5, 60)
    lists, near = [route.tolist() for route in routes], nearest_customers(problem.distance)
    seen = set()
    for seed in range(20):
        chosen = neighbouring_routes(lists, near, size, np.random.default_rng(seed))
        assert len(chosen) == len(set(chosen))
        inside = [len(lists[k]) for k in chosen]
        assert sum(inside) >= size
        assert sum(inside) - inside[-1] < size
        seen |= set(chosen)
        if len(chosen) > 1:  # every route has somebody next to whom somebody of another one is near
            customers = {k: np.array(lists[k]) for k in chosen}
            far = np.median(problem.distance[1:, 1:])
            for k in chosen:
                rest = np.concatenate([customers[j] for j in chosen if j != k])
                assert problem.distance[np.ix_(customers[k], rest)].min() < far
    assert len(seen) > len(lists) / 2


@pytest.mark.parametrize("size", [60, 50, 1000])
def test_all_routes_where_that_is_nearly_it(size: int) -> None:
    """For a size near the number of customers or above, all routes are chosen, in order."""
    problem, routes = routed(6, 60)
    lists, near = [route.tolist() for route in routes], nearest_customers(problem.distance)
    assert neighbouring_routes(lists, near, size, np.random.default_rng(0)) == list(range(len(lists)))
