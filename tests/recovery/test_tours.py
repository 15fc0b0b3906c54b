"""Tours of clusters: close to optimal, locally optimal, always the same."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_problems import plane

from lagrl.problems.cvrp import CVRP
from lagrl.problems.solution import route_cost
from lagrl.recovery.tours import tour_clusters

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def everyone(problem: CVRP) -> NDArray[np.int64]:
    """All customers as one cluster."""
    return np.arange(1, problem.n_customers + 1)


def shortest(problem: CVRP) -> float:
    """Return the length of the best tour of all customers, by enumeration."""
    return min(route_cost(problem, order) for order in itertools.permutations(everyone(problem).tolist()))


def nearest_neighbour(problem: CVRP) -> float:
    """Length of the tour that always goes to the nearest customer left."""
    left, route, here = set(everyone(problem).tolist()), [], 0
    while left:
        here = min(left, key=lambda j: (problem.distance[here, j], j))
        left.remove(here)
        route.append(here)
    return route_cost(problem, route)


def neighbours(route: list[int]) -> list[list[int]]:
    """List the routes one 2-opt or Or-opt move away: segments reversed, or up to three customers elsewhere."""
    found = [route[:i] + route[i:j][::-1] + route[j:] for i in range(len(route)) for j in range(i + 2, len(route) + 1)]
    for length in (1, 2, 3):
        for i in range(len(route) - length + 1):
            segment, rest = route[i : i + length], route[:i] + route[i + length :]
            for j in range(len(rest) + 1):
                found += [rest[:j] + segment + rest[j:], rest[:j] + segment[::-1] + rest[j:]]
    return found


def test_tours_are_nearly_always_optimal() -> None:
    """With up to seven customers no tour is shorter than the best of all orders, and 95 % of 120 are as short."""
    n_optimal = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        problem = plane(rng, int(rng.integers(1, 8)), 40)
        (route,), cost = tour_clusters(problem, [everyone(problem)])
        best = shortest(problem)
        assert sorted(route.tolist()) == everyone(problem).tolist()
        assert cost[0] == pytest.approx(route_cost(problem, route.tolist()))
        assert cost[0] >= best - 1e-9
        n_optimal += cost[0] <= best + 1e-9
    assert n_optimal >= 0.95 * 120


@pytest.mark.parametrize("n_customers", [3, 10, 30])
def test_tours_are_no_longer_than_where_they_start(n_customers: int) -> None:
    """Improvement only improves: no tour is longer than the nearest neighbour's, and most of large ones are shorter."""
    n_shorter = 0
    for seed in range(20):
        problem = plane(np.random.default_rng(seed), n_customers, 200)
        cost = tour_clusters(problem, [everyone(problem)])[1][0]
        start = nearest_neighbour(problem)
        assert cost <= start
        n_shorter += cost < start
    assert n_shorter >= {3: 0, 10: 10, 30: 20}[n_customers]


def without_triangles(rng: np.random.Generator, n_customers: int) -> CVRP:
    """Distances drawn one by one: detours can be shorter than the direct way."""
    upper = np.triu(rng.integers(1, 12, (n_customers + 1, n_customers + 1)), 1).astype(np.float64)
    return CVRP("matrix", np.ones(n_customers, np.int64), n_customers, upper + upper.T)


@pytest.mark.parametrize("draw", [plane, without_triangles])
def test_no_single_move_shortens_a_tour(draw: Callable[..., CVRP]) -> None:
    """Tours are local optima of 2-opt and Or-opt, also where distances break the triangle inequality."""
    for seed in range(120):
        rng = np.random.default_rng(seed)
        problem = draw(rng, int(rng.integers(4, 10)))
        (route,), cost = tour_clusters(problem, [everyone(problem)])
        assert min(route_cost(problem, way) for way in neighbours(route.tolist())) >= cost[0] - 1e-9


def test_smallest_clusters() -> None:
    """One customer is there and back, two are a triangle; clusters of one call do not touch each other."""
    problem = CVRP.from_coordinates("small", [[0, 0], [3, 4], [6, 8], [0, 5]], [1, 1, 1], 3)
    routes, cost = tour_clusters(problem, [np.array([2]), np.array([1, 3]), np.array([1])])
    assert [sorted(route.tolist()) for route in routes] == [[2], [1, 3], [1]]
    assert cost.tolist() == [20.0, 5.0 + 5.0 + 3.0, 10.0]


def test_coincident_points() -> None:
    """Customers on one spot, or on the depot, are visited at no extra length."""
    problem = CVRP.from_coordinates("heap", [[0, 0], [3, 4], [0, 0], [3, 4], [3, 4], [0, 0]], [1] * 5, 5)
    (route,), cost = tour_clusters(problem, [everyone(problem)])
    assert sorted(route.tolist()) == [1, 2, 3, 4, 5]
    assert cost.tolist() == [10.0]


def test_same_cluster_same_tour() -> None:
    """A cluster is toured alike alone, again and among others."""
    problem = plane(np.random.default_rng(5), 30, 200)
    clusters = [np.arange(1, 9), np.arange(9, 21), np.arange(21, 31)]
    together, cost = tour_clusters(problem, clusters)
    for cluster, route, length in zip(clusters, together, cost, strict=True):
        (alone,), again = tour_clusters(problem, [cluster])
        assert alone.tolist() == route.tolist()
        assert again[0] == length


def test_touring_ends_where_gains_are_only_rounding() -> None:
    """Large unrounded distances and matrices that are symmetric to nine digits only do not go round in circles."""
    script = """
import numpy as np
from lagrl.problems.cvrp import CVRP
from lagrl.recovery.tours import tour_clusters
rng, n = np.random.default_rng(0), 20
noisy = np.full((n + 1, n + 1), 1000.0) + rng.uniform(-4e-7, 4e-7, (n + 1, n + 1))
np.fill_diagonal(noisy, 0.0)
tour_clusters(CVRP("noisy", np.ones(n, np.int64), n, noisy), [np.arange(1, n + 1)])
for _ in range(300):
    grid = rng.integers(0, 6, (n + 1, 2)) * np.pi * 1e8
    large = CVRP.from_coordinates("large", grid, np.ones(n, int), n, rounding="none")
    tour_clusters(large, [np.arange(1, n + 1)])
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)  # compiled code hears no interrupt
