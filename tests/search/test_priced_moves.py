"""Assignment by prices inside a compiled move: the same routes as by the knapsacks of the relaxation."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lagrl.problems.cvrp import CVRP
from lagrl.recovery.savings import clarke_wright
from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.search.move_chain import MoveChain, nearest_matrix
from lagrl.search.priced_kernels import N_FLOATS, N_INTS, assign_by_prices

if TYPE_CHECKING:
    from collections.abc import Sequence


def by_relaxation(problem: CVRP, routes: Sequence[Sequence[int]], freed: Sequence[int]) -> dict[int, int]:
    """Return the route of each freed customer that a knapsack takes, by the relaxation's own exact sampler."""
    distance, demand = problem.distance, problem.demand
    room = np.array([problem.capacity - sum(int(demand[c - 1]) for c in route) for route in routes])
    cost = np.empty((len(routes), len(freed)))
    for k, route in enumerate(routes):
        arcs = list(itertools.pairwise([0, *route, 0]))
        for i, c in enumerate(freed):
            cost[k, i] = min(distance[a, c] + distance[c, b] - distance[a, b] for a, b in arcs)
    weight = demand[np.array(freed) - 1]
    open_cost = np.where(weight <= room[:, None], cost, np.inf)
    ordered = np.sort(open_cost, axis=0)
    price = np.where(np.isfinite(ordered[1]), ordered[1], 2.0 * ordered[0])
    reduced = np.where(np.isfinite(open_cost), cost - price, 0.0)
    selection, _ = solve_knapsacks(reduced, weight, room)
    profit = np.where(selection > 0, -reduced, 0.0)
    return {c: int(profit[:, i].argmax()) for i, c in enumerate(freed) if profit[:, i].max() > 0.0}


def compiled(problem: CVRP, routes: Sequence[Sequence[int]], freed: Sequence[int]) -> dict[int, int]:
    """Return the route of each freed customer that the kernel assigns, on the same remaining routes."""
    n = problem.n_customers
    chain = MoveChain(problem, [np.array(route) for route in routes], seed=0)
    m = len(freed)
    order, want = np.empty(m, np.int64), np.empty(m, np.int64)
    n_assigned = assign_by_prices(
        problem.distance,
        problem.demand,
        nearest_matrix(problem, n),
        problem.capacity,
        chain._after,
        chain._arc,
        chain._route,
        chain._load,
        chain._size,
        np.array(freed),
        np.arange(m) % len(routes),  # every route is one that a customer comes from
        order,
        want,
        np.empty(N_INTS, np.int64),
        np.empty(N_FLOATS),
        0.0,
        np.array([1], np.uint64),
    )
    assert sorted(order.tolist()) == sorted(freed)
    return dict(zip(order[:n_assigned].tolist(), want[:n_assigned].tolist(), strict=True))


@pytest.mark.parametrize("seed", range(40))
def test_the_knapsacks_are_those_of_the_relaxation(seed: int) -> None:
    """Customers freed at random from a small instance, little and much room, go to the same routes."""
    rng = np.random.default_rng(seed)
    points, demand = rng.random((31, 2)), rng.integers(0, 30, 30)
    problem = CVRP.from_coordinates("drawn", points, demand, int(rng.integers(90, 140)), rounding="none")
    routes = [list(route) for route in clarke_wright(problem).routes]
    drawn = set(rng.choice(np.arange(1, 31), int(rng.integers(8, 16)), replace=False).tolist())
    left = [rest for route in routes if (rest := [c for c in route if c not in drawn])][:6]
    freed = sorted(drawn)
    if len(left) < 2 or len(freed) < len(left):
        pytest.skip("too few routes are left")
    assert compiled(problem, left, freed) == by_relaxation(problem, left, freed)


def test_knapsacks_bind() -> None:
    """Of three customers that prefer a route with room for two, the two of most profit go there."""
    points = [[0, 0], [10, 0], [-10, 0], [9, 1], [9, -1], [9, 3]]
    problem = CVRP.from_coordinates("near", points, [8, 2, 1, 1, 1], 10, rounding="none")
    assert compiled(problem, [[1], [2]], [3, 4, 5]) == by_relaxation(problem, [[1], [2]], [3, 4, 5])
    assert len(compiled(problem, [[1], [2]], [3, 4, 5])) == 2
