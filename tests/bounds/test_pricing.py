"""Pricing against the enumeration of all ng-routes."""

from __future__ import annotations

import numpy as np
import pytest
from small_routes import drive, ng_routes, small_problem

from lagrl.bounds.graph import RouteGraph
from lagrl.bounds.pricing import NgPricing, Prices, canonical


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
    cost = sum(int(graph.cost[a, b]) for a, b in zip(nodes, nodes[1:], strict=False))
    paid = prices.fleet + sum(int(prices.customer[i]) for i in route)
    for price, member in zip(prices.cut, prices.member, strict=True):
        inside = [False, *(bool(member[i]) for i in route), False]
        paid += int(price) * sum(a != b for a, b in zip(inside, inside[1:], strict=False))
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
        for routes in (quick.routes, exact.routes):
            assert set(routes) <= {canonical(route) for route in everything}
            assert len(set(routes)) == len(routes)
            assert all(reduced_cost(graph, prices, route) < 0 for route in routes)
        if min(least) < 0:
            assert min(reduced_cost(graph, prices, route) for route in exact.routes) == min(least)
