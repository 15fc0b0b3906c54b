"""Savings against a plain implementation of the method's own words."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lagrl.problems.bundled import bundled_names, read_bundled
from lagrl.problems.cvrp import CVRP
from lagrl.problems.solution import faults, route_cost
from lagrl.recovery.savings import clarke_wright


def plain_savings(problem: CVRP) -> list[list[int]]:
    """Lists of customers, joined pair by pair."""
    d, n = problem.distance, problem.n_customers
    routes = [[i] for i in range(1, n + 1)]
    pairs = [(d[i, 0] + d[0, j] - d[i, j], i, j) for i, j in itertools.combinations(range(1, n + 1), 2)]
    for saving, i, j in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        first = next(route for route in routes if i in route)
        second = next(route for route in routes if j in route)
        load = sum(problem.demand[customer - 1] for customer in first + second)
        if saving <= 0 or first is second or load > problem.capacity:
            continue
        if i not in (first[0], first[-1]) or j not in (second[0], second[-1]):
            continue
        if first[-1] != i:
            first.reverse()
        if second[0] != j:
            second.reverse()
        routes.remove(second)
        first += second
    return [route if route[0] <= route[-1] else route[::-1] for route in routes]


@given(st.integers(1, 12), st.integers(0, 10_000), st.integers(1, 30))
def test_equals_the_plain_method(n: int, seed: int, room: int) -> None:
    """On random instances, ties and zero demands included, the very same routes."""
    rng = np.random.default_rng(seed)
    demand = rng.integers(0, 8, n)
    capacity = max(int(demand.max()), room)
    problem = CVRP.from_coordinates("random", rng.integers(0, 12, (n + 1, 2)), demand, capacity)
    assert sorted(map(list, clarke_wright(problem).routes)) == sorted(plain_savings(problem))


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_instances_are_solved(name: str) -> None:
    """Feasible routes whose stated cost is theirs, within 10 % of the best known."""
    problem = read_bundled(name)
    solution = clarke_wright(problem)
    assert faults(problem, solution.routes) == []
    assert solution.cost == sum(route_cost(problem, route) for route in solution.routes)
    assert problem.best_known is not None
    assert problem.best_known <= solution.cost <= 1.1 * problem.best_known
    if problem.n_customers < 100:
        assert sorted(map(list, solution.routes)) == sorted(plain_savings(problem))


def test_merging_pays_or_is_left() -> None:
    """Customers on opposite sides of the depot save nothing together and stay apart."""
    problem = CVRP.from_coordinates("opposite", [[0, 0], [10, 0], [-10, 0]], [1, 1], 2)
    assert clarke_wright(problem).routes == ((1,), (2,))
