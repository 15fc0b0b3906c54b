"""Polish by local search: never dearer, never infeasible, whatever it is given."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from small_problems import plane

from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.problems.generate import generate
from lagrl.problems.solution import faults, route_cost
from lagrl.recovery.polish import Polisher, dissolve_to, split_to, vehicles_to_polish
from lagrl.recovery.pool import first_fit
from lagrl.recovery.savings import clarke_wright

if TYPE_CHECKING:
    from lagrl.problems.distances import Rounding


def cost_of(problem: CVRP, routes: list[np.ndarray]) -> float:
    """Return the length of all routes."""
    return sum(route_cost(problem, route.tolist()) for route in routes)


def polished(problem: CVRP, routes: list[np.ndarray], n_vehicles: int | None = None, seed: int = 0) -> list[np.ndarray]:
    """Polish, check that what comes solves the instance within the vehicles, and return it."""
    most = len(routes) if n_vehicles is None else n_vehicles
    found = Polisher(problem, most, seed).polish(routes)
    assert found is not None
    assert faults(replace(problem, fleet=Fleet()), [route.tolist() for route in found]) == []
    assert len(found) <= most
    return found


def scattered(seed: int, n_customers: int, rounding: Rounding = "nint", **changes: Any) -> CVRP:
    """Draw customers of demands 0 … 5, some on one spot."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 30, (n_customers + 1, 2))
    problem = CVRP.from_coordinates("spots", points, rng.integers(0, 6, n_customers), 13, rounding=rounding)
    return replace(problem, **changes)


@pytest.mark.parametrize("rounding", ["nint", "none"])
@pytest.mark.parametrize("seed", range(6))
def test_feasible_routes_become_no_dearer(seed: int, rounding: Rounding) -> None:
    """From 1 to 30 customers, zero demands and coincident points among them; poor routes mostly become better."""
    n_better = 0
    for n_customers in (1, 2, 5, 13, 30):
        problem = scattered(seed, n_customers, rounding)
        routes = first_fit(problem, 1 + np.random.default_rng(seed).permutation(n_customers))
        found = polished(problem, routes)
        before, after = cost_of(problem, routes), cost_of(problem, found)
        assert after <= before + 1e-3 * (rounding == "none")
        n_better += after < before
        again = polished(problem, found, len(routes))
        assert cost_of(problem, again) <= after + 1e-3 * (rounding == "none")
    assert n_better >= 2


@pytest.mark.parametrize("shrunk_by", [1.0, 1e3, 1e9])
def test_the_unit_of_distance_does_not_matter(shrunk_by: float) -> None:
    """The unit square, and one a millionth as wide, are polished as the plane of 1000 by 1000 is."""
    rng = np.random.default_rng(3)
    points, demand = 1000.0 * rng.random((31, 2)), rng.integers(1, 6, 30)
    found = []
    for places in (points, points / shrunk_by):
        problem = CVRP.from_coordinates("plane", places, demand, 25, rounding="none")
        found.append(polished(problem, first_fit(problem, np.arange(1, 31))))
    assert [route.tolist() for route in found[0]] == [route.tolist() for route in found[1]]


def test_a_crossing_is_undone() -> None:
    """Within and between routes: four corners of a square, and two customers on each other's route."""
    square = CVRP.from_coordinates("square", [(0, 0), (0, 10), (10, 10), (10, 0)], [1] * 3, 3)
    [route] = polished(square, [np.array([2, 1, 3])])
    assert route_cost(square, route.tolist()) == 40.0
    rows = CVRP.from_coordinates("rows", [(0, 0), (50, 1), (51, 1), (-50, 1), (-51, 1)], [1] * 4, 2)
    found = polished(rows, [np.array([1, 3]), np.array([2, 4])])
    assert {frozenset(route.tolist()) for route in found} == {frozenset({1, 2}), frozenset({3, 4})}


def test_missing_customers_are_inserted() -> None:
    """Customers on no route are on one afterwards, even if no customer was on a route."""
    problem = plane(np.random.default_rng(1), 20, 30)
    polished(problem, [np.array([1, 2, 3]), np.array([9])], 5)
    polished(problem, [], 5)


def test_more_routes_than_vehicles_are_dissolved() -> None:
    """One customer per route to begin with, and few vehicles to end with."""
    problem = plane(np.random.default_rng(2), 20, 30)
    found = polished(problem, [np.array([customer]) for customer in range(1, 21)], 4)
    assert len(found) <= 4


def test_more_vehicles_than_routes_may_be_used() -> None:
    """Two far clusters on one route are better on two, where vehicles are to be had."""
    points = [(0, 0), (99, 10), (99, 11), (0, 100), (1, 100)]
    problem = CVRP.from_coordinates("apart", points, [1] * 4, 4)
    distance = problem.distance.copy()
    distance[1:3, 3:] = distance[3:, 1:3] = 1000.0
    far = CVRP("far apart", problem.demand, 4, distance)
    assert len(polished(far, [np.array([1, 2, 3, 4])], 1)) == 1
    assert len(polished(far, [np.array([1, 2, 3, 4])], 2)) == 2


def test_what_cannot_fit_is_none() -> None:
    """Too few vehicles for the demand: no routes, rather than overloaded ones."""
    problem = plane(np.random.default_rng(3), 12, 10)
    assert Polisher(problem, 1, 0).polish([np.arange(1, 13)]) is None


def test_overloaded_routes_are_mended() -> None:
    """An overloaded start ends within the capacity, where there is room."""
    problem = plane(np.random.default_rng(4), 12, 20)
    polished(problem, [np.arange(1, 13)], 4)


def test_overloads_get_cheaper_while_routes_fit_and_dearer_when_they_do_not() -> None:
    """The price follows the results of polishing within its limits, and starts at the given value."""
    problem = plane(np.random.default_rng(4), 20, 30)
    roomy = Polisher(problem, 12, 0, weight=2.0)
    for _ in range(80):
        assert roomy.polish(first_fit(problem, np.arange(1, 21))) is not None
    assert 0.0 < roomy.weight < 0.2
    tight = Polisher(problem, 1, 0, weight=2.0)
    weights = [2.0]
    for _ in range(20):
        assert tight.polish([np.arange(1, 21)]) is None
        weights.append(tight.weight)
    assert weights == sorted(weights)
    assert weights[-1] == weights[-2] > 2.0


def test_the_same_seed_polishes_the_same() -> None:
    """One polisher made and used twice alike; what it did before is part of its state, the clock is not."""
    problem = plane(np.random.default_rng(5), 30, 20)
    routes = first_fit(problem, np.arange(1, 31))
    first, second = ([Polisher(problem, 9, 3).polish(routes)] for _ in range(2))
    twice = []
    for _ in range(2):
        polisher = Polisher(problem, 9, 3)
        twice.append([polisher.polish(routes), polisher.polish(routes[::-1])])
    assert str(first) == str(second)
    assert str(twice[0]) == str(twice[1])


def test_distances_alone_are_enough() -> None:
    """Neither coordinates nor whole numbers are needed; fractions are not rounded away."""
    rng = np.random.default_rng(6)
    points = rng.random((16, 2))  # whole numbers would make all of these 0 or 1
    plain = CVRP.from_coordinates("unit", points, [1] * 15, 5, rounding="none")
    problem = CVRP("unit matrix", plain.demand, 5, plain.distance)
    scaled = CVRP.from_coordinates("large", 1e6 * points, [1] * 15, 5, rounding="none")
    routes = [1 + np.arange(5), 6 + np.arange(5), 11 + np.arange(5)]
    assert cost_of(problem, polished(problem, routes)) == pytest.approx(
        1e-6 * cost_of(scaled, polished(scaled, routes))
    )


@pytest.mark.parametrize("kind", ["on the depot", "one spot", "no demand", "huge demand", "huge distance"])
def test_odd_instances(kind: str) -> None:
    """Zero distances and demands, and very large ones, are polished like any other."""
    rng = np.random.default_rng(7)
    points, demand, capacity = rng.integers(0, 100, (11, 2)).astype(np.float64), np.full(10, 3), 9
    if kind in ("on the depot", "one spot"):
        points[1:] = points[0] + (kind == "one spot")
    if kind == "no demand":
        demand = 0 * demand
    if kind == "huge demand":
        demand, capacity = 10**8 * demand, 9 * 10**8
    if kind == "huge distance":
        points *= 1e6
    problem = CVRP.from_coordinates(kind, points, demand, capacity)
    routes = [1 + np.arange(3), 4 + np.arange(3), 7 + np.arange(3), np.array([10])]
    assert cost_of(problem, polished(problem, routes)) <= cost_of(problem, routes)


@pytest.mark.parametrize(("n_routes", "n_fixed"), [(1, 2), (2, 0), (3, 0), (4, 0), (2, 3)])
@pytest.mark.parametrize("rule", ["exact:3", "atleast:3", "atmost:3", "free"])
def test_vehicles_by_fleet_rule(rule: str, n_routes: int, n_fixed: int) -> None:
    """An exact fleet has what the others leave, however many routes there are; the other rules a few more at most."""
    problem = plane(np.random.default_rng(8), 12, 30, Fleet.parse(rule))
    most = vehicles_to_polish(problem, n_routes, n_fixed)
    if rule == "exact:3":
        assert most == max(3 - n_fixed, 1)
    elif rule == "atmost:3":
        assert most == min(max(3 - n_fixed, 1), n_routes + 2)
    else:
        assert most == n_routes + 2


def test_the_shortest_distances_are_polished() -> None:
    """Distances of 1e-310 would need a scale that is no float; routes stay a solution."""
    problem = CVRP("short", np.ones(4, np.int64), 4, 1e-310 * (1 - np.eye(5)))
    assert sorted(np.concatenate(polished(problem, [np.array([1, 2]), np.array([3, 4])]))) == [1, 2, 3, 4]


@pytest.mark.parametrize("seed", range(8))
def test_cuts_add_least(seed: int) -> None:
    """As many routes as wanted, cut where that adds least: no choice of cuts, all tried, is cheaper."""
    rng = np.random.default_rng(seed)
    problem = plane(rng, 9, 60)
    routes = np.split(1 + rng.permutation(9), np.sort(rng.choice(np.arange(1, 9), 2, replace=False)))
    places = [(k, place) for k, route in enumerate(routes) for place in range(1, len(route))]
    for wanted in range(3, 10):
        least = np.inf
        for chosen in itertools.combinations(places, wanted - 3):
            cut = [np.split(route, [p for j, p in chosen if j == k]) for k, route in enumerate(routes)]
            least = min(least, cost_of(problem, list(itertools.chain.from_iterable(cut))))
        found = split_to(problem, routes, wanted)
        assert len(found) == wanted
        assert all(len(route) for route in found)
        assert np.concatenate(found).tolist() == np.concatenate(routes).tolist()
        assert cost_of(problem, found) == pytest.approx(least)


def test_routes_enough_are_left_alone() -> None:
    """Fewer routes wanted than there are, or none, changes nothing."""
    problem = plane(np.random.default_rng(9), 6, 60)
    routes = [np.array([3, 1]), np.array([2, 6, 5, 4])]
    for wanted in (-3, 0, 1, 2):
        assert [route.tolist() for route in split_to(problem, routes, wanted)] == [[3, 1], [2, 6, 5, 4]]


def test_a_reseeded_polisher_forgets_what_it_polished() -> None:
    """After `reseed` the result depends on routes, weight and seed only: another history, the same local optimum."""
    problem = plane(np.random.default_rng(3), 40)
    starts = [first_fit(problem, np.random.default_rng(seed).permutation(40) + 1) for seed in range(4)]
    used, fresh = Polisher(problem, 14, 0), Polisher(problem, 14, 0)
    results = []
    for start in starts:
        used.polish(start)
        for polisher in (used, fresh):
            polisher.reseed(7)
            polisher.weight = 1.0
        found = [polisher.polish(starts[0]) for polisher in (used, fresh)]
        assert found[0] is not None and found[1] is not None
        results.append([[route.tolist() for route in routes] for routes in found if routes is not None])
    assert all(one == results[0][0] for pair in results for one in pair)
    again = used.polish(starts[0])  # without a new seed the orders go on
    assert again is not None
    assert [route.tolist() for route in again] != results[0][0]


@pytest.mark.parametrize("seed", range(6))
def test_dissolved_routes_serve_everybody_at_the_cheapest_places(seed: int) -> None:
    """Fewer routes, valid ones; one customer alone is put where brute force puts it; without room nothing changes."""
    problem = generate(30, seed=seed, route_length=4)
    roomy = replace(problem, capacity=2 * problem.capacity)
    routes = [np.array(route) for route in clarke_wright(problem).routes]
    fewer = dissolve_to(roomy, routes, len(routes) - 3)
    assert len(fewer) == len(routes) - 3
    assert faults(roomy, [route.tolist() for route in fewer]) == []
    assert [route.tolist() for route in dissolve_to(problem, routes, 1)] == [route.tolist() for route in routes]
    alone = [np.array([30]), *(route[route != 30] for route in routes if len(route[route != 30]))]
    alone = [route for route in alone if len(route)]
    heavy = replace(roomy, demand=np.where(np.arange(1, 31) == 30, 0, roomy.demand))
    found = dissolve_to(heavy, alone, len(alone) - 1)
    places = [
        [*alone[:k], np.insert(route, place, 30), *alone[k + 1 :]][1:]
        for k, route in enumerate(alone)
        if k
        for place in range(len(route) + 1)
    ]
    least = min(sum(route_cost(heavy, route.tolist()) for route in routes) for routes in places)
    assert sum(route_cost(heavy, route.tolist()) for route in found) == least
