"""Pricing against the enumeration of all ng-routes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_routes import drive, ng_routes, small_problem

from lagrl.bounds.pricing import NgPricing, Prices, canonical_direction, whole_prices
from lagrl.bounds.route_graph import RouteGraph

if TYPE_CHECKING:
    from collections.abc import Iterator


def random_prices(rng: np.random.Generator, graph: RouteGraph) -> Prices:
    """Draw multipliers of the size that matters, with two sets that have a price."""
    n, typical = graph.n_customers, float(graph.cost.max()) / 2
    return Prices(
        rng.uniform(0, 1.2 * typical, n).astype(np.int64),
        int(rng.uniform(-typical, typical)),
        rng.uniform(0, 0.2 * typical, 2).astype(np.int64),
        rng.integers(0, 2, (2, n)),
    )


def reduced_cost(graph: RouteGraph, prices: Prices, route: tuple[int, ...]) -> int:
    """Add up what a route costs and pays, half grid units."""
    nodes = [graph.n_customers, *route, graph.n_customers]
    cost = sum(int(graph.cost[a, b]) for a, b in itertools.pairwise(nodes))
    paid = prices.fleet + sum(int(prices.customer[i]) for i in route)
    for price, member in zip(prices.cut, prices.member, strict=True):
        inside = [False, *(bool(member[i]) for i in route), False]
        paid += int(price) * sum(a != b for a, b in itertools.pairwise(inside))
    return cost - 2 * paid


def meets(graph: RouteGraph, route: tuple[int, ...]) -> set[int]:
    """Customers at which neither side of the route carries more than half the room."""
    load = np.array([graph.load[i] for i in route])
    before = np.cumsum(load) - load
    after = load.sum() - before - load
    return {i for i, b, a in zip(route, before, after, strict=True) if max(a, b) <= graph.room // 2}


@pytest.mark.parametrize("n_neighbours", [1, 2, 4])
@pytest.mark.parametrize("seed", range(25))
def test_the_least_reduced_cost_is_that_of_enumeration(seed: int, n_neighbours: int) -> None:
    """By meeting customer, to the last unit; every route meets somewhere."""
    rng = np.random.default_rng(seed)
    graph = RouteGraph.of(small_problem(seed, int(rng.integers(1, 6))), n_neighbours)
    everything = list(ng_routes(graph))
    assert all(meets(graph, route) for route in everything)
    pricing = NgPricing(graph)
    for _ in range(3):
        prices = random_prices(rng, graph)
        least = [0] * graph.n_customers
        for route in everything:
            for i in meets(graph, route):
                least[i] = min(least[i], reduced_cost(graph, prices, route))
        drive(pricing.set_prices(prices))
        quick, exact = drive(pricing.price(exact=False)), drive(pricing.price(exact=True))
        assert exact.lowest.tolist() == least
        assert (quick.lowest >= exact.lowest).all()
        for priced in (quick, exact):
            assert set(priced.routes) <= {canonical_direction(route) for route in everything}
            costs = [reduced_cost(graph, prices, route) for route in priced.routes]
            assert costs == [low for low in priced.lowest.tolist() if low < 0]


def test_prices_go_onto_the_grid_towards_zero_and_never_too_far() -> None:
    """Signs are kept; what could overflow is halved; ordinary prices are within a grid unit."""
    graph = RouteGraph.of(small_problem(7, 5))
    member = np.ones((1, 5), dtype=np.int64)
    price = np.array([1.5, 0.0, 3.7, 1e-12, 2.0, -4.3, 0.1])
    whole = whole_prices(graph, price, member)
    every = np.array([*whole.customer, whole.fleet, *whole.cut])
    assert (np.abs(every - price * graph.scale) < 1).all()
    assert (np.abs(every) <= np.abs(price) * graph.scale).all()
    huge = whole_prices(graph, 1e12 * price, member)
    arc = int(graph.cost.max()) + 2 * (int(np.abs(huge.customer).max()) + abs(huge.fleet) + int(huge.cut.sum()))
    assert arc * (graph.room + 2) < 2**60
    assert (huge.customer >= 0).all()
    assert huge.fleet < 0
    pricing = NgPricing(graph)
    drive(pricing.set_prices(huge))
    priced = drive(pricing.price(exact=True))
    assert [reduced_cost(graph, huge, route) for route in priced.routes] == [low for low in priced.lowest if low < 0]


def one_back_routes(graph: RouteGraph) -> Iterator[tuple[int, ...]]:
    """Yield every route on which i, j, i only occurs where i is not near j, no customer follows itself."""

    def extend(route: tuple[int, ...], load: int) -> Iterator[tuple[int, ...]]:
        if route:
            yield route
        for j in range(graph.n_customers):
            if load + graph.load[j] > graph.room or (route and route[-1] == j):
                continue
            if len(route) > 1 and route[-2] == j and j in graph.near[route[-1]]:
                continue
            yield from extend((*route, j), load + int(graph.load[j]))

    yield from extend((), 0)


@pytest.mark.parametrize("seed", range(25))
def test_paths_that_remember_one_back_are_priced_as_by_enumeration(seed: int) -> None:
    """The least by meeting customer, and a route for each that is negative, which costs just that."""
    rng = np.random.default_rng(seed)
    graph = RouteGraph.of(small_problem(seed, int(rng.integers(1, 5)), longest=8), int(rng.integers(1, 4)))
    pricing = NgPricing(graph)
    prices = random_prices(rng, graph)
    least = [0] * graph.n_customers
    for route in one_back_routes(graph):
        for i in meets(graph, route):
            least[i] = min(least[i], reduced_cost(graph, prices, route))
    drive(pricing.set_prices(prices, for_paths=True))
    priced = pricing.price_paths()
    assert priced.lowest.tolist() == least
    assert [reduced_cost(graph, prices, route) for route in priced.routes] == [low for low in least if low < 0]
    assert all(graph.load[list(route)].sum() <= graph.room for route in priced.routes)
