"""Linearising around routes that are there, against inserting and removing by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.problems.assignment import AssignmentProblem
from lagrl.problems.cvrp import CVRP
from lagrl.problems.solution import route_cost
from lagrl.relaxation.relinearise import PartialRoutes, perturbed, regret_prices, relinearise

if TYPE_CHECKING:
    from lagrl.problems.distances import Rounding

seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int, n_customers: int, n_routes: int, rounding: Rounding = "nint") -> tuple[CVRP, list[np.ndarray]]:
    """Draw customers with demands 0 … 4 on a grid, some on one spot, and routes that nothing has improved."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 12, (n_customers + 1, 2))
    problem = CVRP.from_coordinates("grid", points, rng.integers(0, 5, n_customers), 4 * n_customers, rounding=rounding)
    cuts = np.sort(rng.choice(np.arange(1, n_customers), n_routes - 1, replace=False))
    return problem, np.split(1 + rng.permutation(n_customers), cuts)


def cheapest_insertion(problem: CVRP, route: np.ndarray, customer: int) -> float:
    """Return the least length that `customer` adds to a route, by trying every place."""
    there = [np.insert(route, place, customer) for place in range(len(route) + 1)]
    return min(route_cost(problem, longer.tolist()) for longer in there) - route_cost(problem, route.tolist())


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(2, 12), st.integers(1, 4), st.booleans())
def test_costs_are_cheapest_insertions_and_removal_savings(seed: int, n: int, n_routes: int, is_exact: bool) -> None:
    """On other routes a customer costs the cheapest of all places; on their own, what their removal saves."""
    problem, routes = drawn(seed, n, min(n, n_routes), "none" if is_exact else "nint")
    linear = relinearise(problem, routes)
    for k, route in enumerate(routes):
        for customer in range(1, n + 1):
            without = route[route != customer]
            if len(without) < len(route):
                expected = route_cost(problem, route.tolist()) - route_cost(problem, without.tolist())
            else:
                expected = cheapest_insertion(problem, route, customer)
            assert linear.cost[k, customer - 1] == pytest.approx(max(expected, 0.0), abs=1e-9)
    np.testing.assert_array_equal(linear.weight, problem.demand)
    assert linear.capacity.tolist() == [problem.capacity] * len(routes)
    assert linear.origin is problem


def test_only_the_customers_on_the_routes_take_part() -> None:
    """Some routes of a solution are an assignment problem about their customers, ascending, as in the whole one."""
    problem, routes = drawn(3, 12, 4)
    chosen = [routes[2], routes[0]]
    customers = np.sort(np.concatenate(chosen))
    part = relinearise(problem, chosen)
    whole = relinearise(problem, routes)
    np.testing.assert_array_equal(part.cost, whole.cost[np.ix_([2, 0], customers - 1)])
    np.testing.assert_array_equal(part.weight, problem.demand[customers - 1])
    assert part.origin is not None
    np.testing.assert_array_equal(part.origin.distance[1:, 0], problem.distance[customers, 0])


def test_a_saving_below_nothing_costs_nothing() -> None:
    """Where the triangle inequality fails, a customer can shorten a route; costs stay at 0 or more."""
    distance = np.array([[0, 1, 9, 9], [1, 0, 1, 9], [9, 1, 0, 9], [9, 9, 9, 0]], np.float64)
    problem = CVRP("short cut", np.ones(3, np.int64), 3, distance)
    around = PartialRoutes.of(problem, [np.array([2]), np.array([3])], np.array([1])).assignment_problem
    assert around.cost[0, 0] == 0.0  # 0 → 1 → 2 → 0 is 7 shorter than 0 → 2 → 0
    assert relinearise(problem, [np.array([1, 2]), np.array([3])]).cost[0, 0] == 0.0


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(2, 12), st.integers(1, 4))
def test_freed_customers_are_priced_on_what_is_left(seed: int, n: int, n_routes: int) -> None:
    """Costs are cheapest insertions into the kept order, capacities the room left, weights the freed demands."""
    problem, routes = drawn(seed, n, min(n, n_routes))
    rng = np.random.default_rng(seed)
    freed = 1 + rng.permutation(n)[: int(rng.integers(1, n + 1))]
    partial = PartialRoutes.of(problem, routes, freed)
    small = partial.assignment_problem
    for k, (kept, route) in enumerate(zip(partial.kept, routes, strict=True)):
        assert kept.tolist() == [c for c in route.tolist() if c not in freed]
        assert small.capacity[k] == problem.capacity - problem.demand[kept - 1].sum()
        for i, customer in enumerate(freed):
            expected = max(cheapest_insertion(problem, kept, customer), 0.0)  # rounded distances can fall short by one
            assert small.cost[k, i] == pytest.approx(expected, abs=1e-9)
    np.testing.assert_array_equal(small.weight, problem.demand[freed - 1])


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(2, 12), st.integers(1, 4), st.booleans())
def test_everybody_returns_once_and_kept_order_stays(seed: int, n: int, n_routes: int, some_out: bool) -> None:
    """Freed customers join the vehicle they were given, those with a negative one none; the others keep their order."""
    problem, routes = drawn(seed, n, min(n, n_routes))
    rng = np.random.default_rng(seed)
    freed = 1 + rng.permutation(n)[: int(rng.integers(1, n + 1))]
    partial = PartialRoutes.of(problem, routes, freed)
    assignment = rng.integers(-1 if some_out else 0, len(routes), len(freed))
    given_before = assignment.copy()
    there = partial.routes(assignment)
    np.testing.assert_array_equal(assignment, given_before)
    assert len(there) == len(routes)
    for k, (route, kept) in enumerate(zip(there, partial.kept, strict=True)):
        assert [c for c in route.tolist() if c not in freed] == kept.tolist()
        assert sorted(set(route.tolist()) - set(kept.tolist())) == sorted(freed[assignment == k].tolist())
        assert len(route) == len(kept) + (assignment == k).sum()
    again = partial.routes(assignment)
    assert all(np.array_equal(first, second) for first, second in zip(there, again, strict=True))


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(3, 12), st.integers(1, 3))
def test_the_cheapest_customer_goes_in_first(seed: int, n: int, n_routes: int) -> None:
    """Each route is what inserting its freed customers by hand gives, in order of their costs, one by one."""
    rng = np.random.default_rng(seed)
    problem = CVRP.from_coordinates("no ties", rng.random((n + 1, 2)), [1] * n, n, rounding="none")
    partial = PartialRoutes.of(
        problem, np.array_split(1 + rng.permutation(n), n_routes), 1 + rng.permutation(n)[: n // 2]
    )
    assignment = rng.integers(0, n_routes, n // 2)
    on_own = partial.assignment_problem.cost[assignment, np.arange(n // 2)]
    expected = [kept.tolist() for kept in partial.kept]
    for i in np.argsort(on_own):
        route = expected[assignment[i]]
        longer = [[*route[:place], partial.freed[i], *route[place:]] for place in range(len(route) + 1)]
        expected[assignment[i]] = min(longer, key=lambda there: round(route_cost(problem, there), 9))
    assert [route.tolist() for route in partial.routes(assignment)] == expected


def test_customers_go_in_one_by_one() -> None:
    """The second one's cheapest place is found with the first one aboard: a string comes back in its order."""
    points = [(0, 0), (10, 0), (20, 0), (30, 0), (40, 0), (0, 50)]
    problem = CVRP.from_coordinates("line", points, [1] * 5, 5)
    partial = PartialRoutes.of(problem, [np.array([4]), np.array([5])], np.array([3, 1, 2]))
    first, second = partial.routes(np.array([0, 0, 0]))
    assert first.tolist() in ([4, 3, 2, 1], [1, 2, 3, 4])
    assert route_cost(problem, first.tolist()) == 80.0
    assert second.tolist() == [5]


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(2, 10))
def test_one_freed_customer_adds_just_their_cost(seed: int, n: int) -> None:
    """For a single customer the linearisation is exact: the route grows by a_ki."""
    problem, routes = drawn(seed, n, min(n, 3), "none")
    customer = np.array([1 + seed % n])
    partial = PartialRoutes.of(problem, routes, customer)
    for k, kept in enumerate(partial.kept):
        longer = partial.routes(np.array([k]))[k]
        grown = route_cost(problem, longer.tolist()) - route_cost(problem, kept.tolist())
        assert grown == pytest.approx(partial.assignment_problem.cost[k, 0], abs=1e-9)


def test_a_route_may_be_emptied_and_filled_again() -> None:
    """A route that all customers left costs the way there and back, has all room, and may stay empty."""
    problem, _ = drawn(5, 6, 2)
    partial = PartialRoutes.of(problem, [np.array([1, 2]), np.array([3, 4, 5, 6])], np.array([2, 1, 5]))
    small = partial.assignment_problem
    assert partial.kept[0].tolist() == []
    assert small.cost[0].tolist() == [2 * problem.distance[0, c] for c in (2, 1, 5)]
    assert small.capacity[0] == problem.capacity
    assert partial.routes(np.array([1, 1, 1]))[0].tolist() == []
    assert sorted(partial.routes(np.array([0, 0, 0]))[0].tolist()) == [1, 2, 5]
    assert [len(route) for route in partial.routes(np.array([-1, -1, -1]))] == [0, 3]


def test_noise_is_reproducible_relative_and_never_below_nothing() -> None:
    """Factors of mean 1 and the given spread, the same for the same draw; large ones are cut at 0."""
    rng = np.random.default_rng(0)
    problem = AssignmentProblem(1.0 + 99.0 * rng.random((20, 200)), np.ones(200, np.int64), np.full(20, 20))
    slightly = perturbed(problem, 0.1, np.random.default_rng(1))
    np.testing.assert_array_equal(slightly.cost, perturbed(problem, 0.1, np.random.default_rng(1)).cost)
    assert not np.array_equal(slightly.cost, perturbed(problem, 0.1, np.random.default_rng(2)).cost)
    factor = slightly.cost / problem.cost
    assert factor.mean() == pytest.approx(1.0, abs=0.01)
    assert factor.std() == pytest.approx(0.1, rel=0.05)
    wildly = perturbed(problem, 5.0, np.random.default_rng(1))
    assert wildly.cost.min() == 0.0
    assert slightly.weight is problem.weight
    assert slightly.capacity is problem.capacity
    np.testing.assert_array_equal(perturbed(problem, 0.0, rng).cost, problem.cost)


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(2, 6), st.integers(1, 8))
def test_at_regret_prices_only_the_cheapest_vehicle_wants_a_customer(seed: int, n_vehicles: int, n: int) -> None:
    """The price is the second cheapest cost, so at most one reduced cost is negative: the cheapest vehicle's."""
    cost = np.random.default_rng(seed).integers(0, 30, (n_vehicles, n)).astype(np.float64)
    price = regret_prices(AssignmentProblem(cost, np.ones(n, np.int64), np.full(n_vehicles, n)))
    assert price.tolist() == [sorted(column)[1] for column in cost.T.tolist()]
    assert ((cost < price).sum(axis=0) <= 1).all()
    assert (cost <= price).any(axis=0).all()


def test_regret_prices_of_one_vehicle_make_it_want_everybody() -> None:
    """Without a second vehicle the price is a little above the cost, also where that is 0."""
    problem = AssignmentProblem(np.array([[0.0, 40.0, 7.0]]), np.ones(3, np.int64), np.array([3]))
    price = regret_prices(problem)
    assert (price > problem.cost[0]).all()
    assert (price < problem.cost[0] + problem.cost_scale).all()


def test_one_route_of_everybody() -> None:
    """One vehicle, and one customer, are linearised like any other."""
    problem, routes = drawn(8, 7, 1)
    linear = relinearise(problem, routes)
    assert linear.cost.shape == (1, 7)
    alone = replace(problem, demand=problem.demand[:1], matrix=problem.distance[:2, :2], coordinates=None)
    single = relinearise(alone, [np.array([1])])
    assert single.cost.tolist() == [[2 * problem.distance[0, 1]]]
