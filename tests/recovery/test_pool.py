"""The pool keeps every cluster's route once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_problems import plane

from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.problems.solution import route_cost
from lagrl.recovery import pool as pool_module
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool, first_fit, is_shorter


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 15))
def test_columns_of_an_assignment_serve_everyone(seed: int, n_customers: int) -> None:
    """Customers without a vehicle get extra routes; the other clusters are kept, and every load fits."""
    rng = np.random.default_rng(seed)
    problem = plane(rng, n_customers)
    pool = RoutePool(problem)
    assignment = rng.integers(-1, 15, n_customers)
    for k in range(15):  # at most the capacity on each
        load = np.flatnonzero(assignment == k)
        assignment[load[np.cumsum(problem.demand[load]) > problem.capacity]] = -1
    before = assignment.copy()
    columns = pool.add_assignment(assignment)
    np.testing.assert_array_equal(assignment, before)
    routes = [pool.routes[column].tolist() for column in columns]
    assert sorted(c for route in routes for c in route) == list(range(1, n_customers + 1))
    assert all(sum(problem.demand[c - 1] for c in route) <= problem.capacity for route in routes)
    clusters = [set(route) for route in routes]
    for k in set(assignment[assignment >= 0].tolist()):
        assert set((np.flatnonzero(assignment == k) + 1).tolist()) in clusters
    assert pool.solution(columns).is_feasible(problem)


def test_customers_without_a_vehicle_share_extra_ones() -> None:
    """Left-over customers fill extra vehicles first-fit from the heaviest: 5, 4, 4, 3, 3 need two of capacity 10."""
    problem = plane(np.random.default_rng(0), 6, 10)
    problem = type(problem)(problem.name, np.array([5, 4, 4, 3, 3, 9]), 10, problem.distance)
    pool = RoutePool(problem)
    columns = pool.add_assignment(np.array([-1, -1, -1, -1, -1, 0]))
    assert sorted(sorted(pool.routes[c].tolist()) for c in columns) == [[1, 2], [3, 4, 5], [6]]


def test_each_cluster_is_toured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster seen before is looked up, in whatever vehicle it travels; twice in one call, it is toured once."""
    problem = plane(np.random.default_rng(1), 6)
    n_toured = []
    tour = pool_module.tour_clusters

    def counting(instance: CVRP, clusters: list[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
        n_toured.append(len(clusters))
        return tour(instance, clusters)

    monkeypatch.setattr(pool_module, "tour_clusters", counting)
    pool = RoutePool(problem)
    first = pool.add_assignment(np.array([0, 0, 1, 1, 2, 2]))
    again = pool.add_assignment(np.array([5, 5, 0, 0, 3, 3]))
    assert sorted(first) == sorted(again)
    twice = pool.add_clusters([np.array([1, 3]), np.array([2]), np.array([1, 3])])
    assert twice[0] == twice[2] != twice[1]
    assert n_toured == [3, 2]
    assert len(pool) == len(pool.routes) == len(pool.cost) == 5


def test_costs_are_those_of_the_routes() -> None:
    """Each column costs its route's length, several cost their sum, and a solution agrees."""
    problem = plane(np.random.default_rng(2), 12, 60, Fleet("atleast", 2))
    pool = RoutePool(problem)
    rng = np.random.default_rng(3)
    columns = [column for _ in range(10) for column in pool.add_assignment(rng.integers(0, 4, 12))]
    for route, cost in zip(pool.routes, pool.cost, strict=True):
        assert cost == pytest.approx(route_cost(problem, route.tolist()))
    last = columns[-2:]
    assert pool.cost_of(last) == pytest.approx(pool.cost[last].sum()) == pytest.approx(pool.solution(last).cost)
    assert pool.cost_of([]) == 0.0


def test_selections_may_repeat_and_leave_out() -> None:
    """Every non-empty row of a selection becomes a column, equal rows the same one; customers may overlap."""
    pool = RoutePool(plane(np.random.default_rng(4), 4))
    rows = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]], np.uint8)
    columns = pool.add_selection(rows)
    assert len(columns) == 3
    assert columns[0] == columns[1] != columns[2]
    assert [sorted(pool.routes[c].tolist()) for c in (columns[0], columns[2])] == [[1, 2], [2, 3]]
    assert pool.add_selection(np.zeros((2, 4), np.uint8)) == []


def test_a_shorter_order_becomes_a_column_of_its_own() -> None:
    """Columns never change: the longer order keeps its number, and the shorter one is found from then on."""
    problem = CVRP.from_coordinates("line", [(0, 0), (10, 0), (20, 0), (30, 0)], [1] * 3, 3)
    pool = RoutePool(problem)
    [longer] = pool.add_routes([np.array([2, 1, 3])])
    [shorter] = pool.add_routes([np.array([1, 2, 3])])
    assert (longer, shorter) == (0, 1)
    assert pool.cost.tolist() == [80.0, 60.0]
    assert [route.tolist() for route in pool.routes] == [[2, 1, 3], [1, 2, 3]]
    assert pool.add_routes([np.array([2, 1, 3]), np.array([3, 2, 1])]) == [shorter, shorter]
    assert pool.add_clusters([np.array([1, 2, 3])]) == [shorter]
    assert pool.add_assignment(np.array([0, 0, 0])) == [shorter]
    assert len(pool) == 2


def test_rounding_makes_no_order_shorter() -> None:
    """A route and its reverse are one column, whichever the sum of their fractional lengths finds shorter."""
    rng = np.random.default_rng(8)
    problem = CVRP.from_coordinates("fractions", rng.random((41, 2)), [1] * 40, 40, rounding="none")
    pool = RoutePool(problem)
    routes = [1 + rng.permutation(40) for _ in range(20)]
    lengths = [[route_cost(problem, way.tolist()) for way in (route, route[::-1])] for route in routes]
    assert len({there < back for there, back in lengths if there != back}) == 2
    for route in routes:
        fresh = RoutePool(problem)
        assert fresh.add_routes([route, route[::-1], route]) == [0, 0, 0]
    incumbent = Incumbent(pool)
    assert incumbent.offer(pool.add_routes([routes[0]]))
    incumbent.cost *= 1 + 1e-14
    assert not incumbent.offer(incumbent.columns)


@pytest.mark.parametrize(
    ("cost", "other", "shorter"),
    [(1.0, 1.0 + 1e-9, True), (1.0, 1.0 + 1e-12, False), (1e9, np.inf, True), (np.inf, np.inf, False), (0, 0, False)],
)
def test_shorter_is_by_more_than_rounding(cost: float, other: float, shorter: bool) -> None:
    """Relative to the length; nothing is shorter than itself."""
    assert is_shorter(cost, other) is shorter


def test_routes_are_kept_as_they_are_driven() -> None:
    """The order given stays, whatever touring would make of it; empty routes are skipped, none at all is fine."""
    problem = plane(np.random.default_rng(0), 8, 40)
    pool = RoutePool(problem)
    driven = [np.array([5, 1, 8, 2]), np.empty(0, np.int64), np.array([7])]
    columns = pool.add_routes(driven)
    assert [pool.routes[column].tolist() for column in columns] == [[5, 1, 8, 2], [7]]
    assert pool.cost_of(columns) == sum(route_cost(problem, route.tolist()) for route in driven if len(route))
    assert pool.add_routes([]) == pool.add_routes([np.empty(0, np.int64)]) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_columns_never_change(seed: int, n_customers: int) -> None:
    """Whatever is added, a column keeps its route and length, and no route gets the column of a longer one."""
    rng = np.random.default_rng(seed)
    problem = plane(rng, n_customers, 5 * n_customers)
    pool = RoutePool(problem)
    kept: list[tuple[list[int], float]] = []
    for _ in range(25):
        route = 1 + rng.permutation(n_customers)[: int(rng.integers(1, n_customers + 1))]
        is_driven = rng.random() < 0.7
        [column] = pool.add_routes([route]) if is_driven else pool.add_clusters([np.sort(route)])
        assert sorted(pool.routes[column].tolist()) == sorted(route.tolist())
        assert not is_driven or pool.cost[column] <= route_cost(problem, route.tolist()) + 1e-9
        kept += [(pool.routes[c].tolist(), pool.cost[c]) for c in range(len(kept), len(pool))]
        assert [(pool.routes[c].tolist(), pool.cost[c]) for c in range(len(pool))] == kept


def test_part_of_the_customers_can_be_meant() -> None:
    """An assignment or selection of some customers, ascending, makes routes of just those."""
    problem = plane(np.random.default_rng(5), 10, 100)
    pool = RoutePool(problem)
    customers = np.array([2, 5, 7, 9])
    columns = pool.add_assignment(np.array([1, 0, 1, -1]), customers)
    assert sorted(sorted(pool.routes[c].tolist()) for c in columns) == [[2, 7], [5], [9]]
    columns = pool.add_selection(np.array([[0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], np.uint8), customers)
    assert [sorted(pool.routes[c].tolist()) for c in columns] == [[5, 9], [2, 5, 7, 9]]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 15))
def test_first_fit_packs_everybody_into_loads_that_fit(seed: int, n_customers: int) -> None:
    """Every customer is in one load, ascending; no load is too heavy, and no two fit together."""
    rng = np.random.default_rng(seed)
    problem = plane(rng, 15, 9)
    customers = 1 + rng.permutation(15)[:n_customers]
    loads = first_fit(problem, customers)
    assert sorted(c for load in loads for c in load.tolist()) == sorted(customers.tolist())
    assert all((np.diff(load) > 0).all() and load.dtype == np.int64 for load in loads)
    total = [int(problem.demand[load - 1].sum()) for load in loads]
    assert max(total, default=0) <= problem.capacity
    assert all(first + second > problem.capacity for first, second in itertools.combinations(total, 2))
