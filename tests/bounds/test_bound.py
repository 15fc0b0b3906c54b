"""The bound against the optimum by enumeration and against the linear programme over all ng-routes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_routes import drive, ng_programme, optimum, small_problem

from lagrl.bounds import column_generation, pricing
from lagrl.bounds.bound import RouteBound, lower_bound
from lagrl.bounds.column_generation import CutAndPrice
from lagrl.bounds.master import RouteMaster
from lagrl.bounds.obstacle import ObstacleError
from lagrl.bounds.route_graph import MOST_CUSTOMERS, RouteGraph
from lagrl.errors import BudgetError, FleetError, InputError, InstanceError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet, minimum_vehicles
from lagrl.recovery.savings import clarke_wright

FLEETS = st.sampled_from(["free", "exact", "atleast", "atmost"])


def with_fleet(problem: CVRP, rule: str, extra: int) -> CVRP:
    """Return the problem under a rule, with that many vehicles more than demands ask for (as far as customers go)."""
    if rule == "free":
        return problem
    count = min(minimum_vehicles(problem.demand, problem.capacity) + extra, problem.n_customers)
    return replace(problem, fleet=Fleet.parse(f"{rule}:{count}"))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 6), FLEETS, st.integers(0, 2), st.integers(1, 8), st.booleans())
def test_it_is_never_above_the_optimum(
    seed: int, n_customers: int, rule: str, extra: int, n_neighbours: int, cuts: bool
) -> None:
    """Whenever it is stopped, rounded or not, under every fleet rule; zero demands and any distances included."""
    problem = with_fleet(small_problem(seed, n_customers), rule, extra)
    best = optimum(problem)
    bound = RouteBound(problem, n_neighbours=n_neighbours, cuts=cuts)
    previous = -np.inf
    while not bound.is_finished:
        assert previous <= bound.value <= best * (1 + 1e-12)
        assert bound.value <= bound.rounded <= np.ceil(best * (1 + 1e-12))
        previous = bound.value
        bound.improve(evaluations=1)
    assert previous <= bound.value <= best * (1 + 1e-12)
    assert bound.is_converged or best == np.inf


@pytest.mark.parametrize("rule", ["free", "exact", "atleast", "atmost"])
@pytest.mark.parametrize("seed", range(12))
def test_without_cuts_it_is_the_linear_programme_over_all_ng_routes(seed: int, rule: str) -> None:
    """The master ends there, not below, as all columns are ng-routes, and above only as far as the bound is."""
    problem = with_fleet(small_problem(seed, 5), rule, seed % 2)
    graph = RouteGraph.of(problem, 2)
    generation = CutAndPrice(graph, cuts=False)
    drive(generation.run())
    if optimum(problem) == np.inf:
        return
    assert generation.is_converged
    assert generation.best is not None
    programme = ng_programme(graph)
    # where routes need not meet at different customers the bound can be above the programme
    assert generation.best / (2 * graph.scale) >= programme - 1e-5 * max(1.0, programme)
    master = drive(generation.master.solve()).value
    assert master >= programme - 1e-5 * max(1.0, programme)
    assert master <= max(programme, generation.best / (2 * graph.scale)) + 1e-5 * max(1.0, programme)


def test_a_limit_on_the_routes_raises_the_bound() -> None:
    """Two customers far from each other are cheaper apart; together, as one vehicle must, they cost 22."""
    apart = CVRP.from_distances("apart", [[0, 1, 1], [1, 0, 20], [1, 20, 0]], [1, 1], 2)
    assert lower_bound(apart).rounded == 4
    for rule in ("atmost:1", "exact:1"):
        limited = replace(apart, fleet=Fleet.parse(rule))
        assert lower_bound(limited).rounded == optimum(limited) == 22
    assert lower_bound(replace(apart, fleet=Fleet("atmost", 2))).rounded == 4


@pytest.mark.parametrize("unit", [1e-300, 1e-310, 5e-324])
def test_the_shortest_distances_are_bounded(unit: float) -> None:
    """Where the grid would need a scale that is no float, it is coarser, and the bound still holds."""
    problem = CVRP("short", np.array([1, 1]), 10, unit * (1 - np.eye(3)))
    bound = lower_bound(problem)
    assert 0 <= bound.value <= optimum(problem) == 3 * unit
    assert bound.value > 2 * unit or unit < 1e-300


@pytest.mark.parametrize("where", ["labels", "solver"])
def test_an_obstacle_leaves_the_bound_as_it_is(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many partial routes, or a failure of HiGHS: the bound so far stands, says why, and goes no further."""
    problem = plane(3, 40)
    whole = lower_bound(problem)
    if where == "labels":
        monkeypatch.setattr(pricing, "_FIRST_LABELS", 64)
        monkeypatch.setattr(pricing, "_MOST_LABELS", 64)
    bound = RouteBound(problem)
    if where == "solver":
        bound.improve(evaluations=3)

        def fails(self: object) -> None:
            raise ObstacleError("HiGHS ended a master programme with kUnknown")

        monkeypatch.setattr(RouteMaster, "solve", fails)
    bound.improve()
    assert bound.is_finished
    assert not bound.is_converged
    assert 0.0 < bound.value <= whole.value
    assert bound.result().obstacle == bound.obstacle
    assert re.match("pricing needs more than 64 partial routes" if where == "labels" else "HiGHS ended", bound.obstacle)


def test_a_fleet_that_packs_nothing_is_reported() -> None:
    """Nine demands of a third of a vehicle and a little more need five vehicles; total demand says four."""
    rng = np.random.default_rng(3)
    points = rng.integers(0, 50, (10, 2))
    problem = CVRP.from_coordinates("thirds", points, [34] * 9, 100, fleet=Fleet("exact", 4))
    with pytest.raises(FleetError, match=r"thirds: fleet: no routes meet exact:4: .* allow more vehicles"):
        lower_bound(problem)
    fits = replace(problem, fleet=Fleet("exact", 5))
    assert 0.0 < lower_bound(fits).value <= clarke_wright(replace(fits, fleet=Fleet())).cost


def plane(seed: int, n_customers: int) -> CVRP:
    """Draw customers with demands 1 … 9 for vehicles of 30."""
    rng = np.random.default_rng(seed)
    points, demand = rng.integers(0, 100, (n_customers + 1, 2)), rng.integers(1, 10, n_customers)
    return CVRP.from_coordinates("plane", points, demand, 30)


def test_cuts_raise_it() -> None:
    """They never lower it, and in three of four cases they help."""
    helped = 0
    for seed in range(6):
        plain, cut = (lower_bound(plane(seed, 25), cuts=cuts) for cuts in (False, True))
        assert plain.is_converged
        assert cut.is_converged
        assert plain.n_cuts == 0
        assert cut.value >= plain.value * (1 - 1e-6)
        helped += cut.n_cuts > 0 and cut.value > plain.value * (1 + 1e-3)
    assert helped >= 4


def test_slices_make_no_difference() -> None:
    """Two runs of three evaluations are one of six, and a run in many slices of time ends where a single one does."""
    problem = plane(3, 30)
    once, twice, sliced, whole = (RouteBound(problem) for _ in range(4))
    once.improve(evaluations=6)
    twice.improve(evaluations=3)
    twice.improve(evaluations=3)
    assert once.evaluations == twice.evaluations == 6
    assert once.value == twice.value
    assert once.routes() == twice.routes()
    whole.improve()
    while not sliced.is_finished:
        sliced.improve(seconds=0.002)
    assert whole.is_converged
    assert (sliced.value, sliced.evaluations, sliced.n_cuts) == (whole.value, whole.evaluations, whole.n_cuts)
    assert sliced.routes() == whole.routes()


def test_its_routes_are_elementary_and_fit() -> None:
    """The routes can join a pool: customers 1 … n, each in some route, none over the capacity."""
    problem = small_problem(5, 6)
    bound = RouteBound(problem)
    bound.improve()
    routes = bound.routes()
    assert {customer for route in routes for customer in route} == set(range(1, 7))
    for route in routes:
        assert len(set(route)) == len(route)
        assert problem.demand[np.array(route) - 1].sum() <= problem.capacity


def test_no_time_gives_the_trivial_bound_and_says_so() -> None:
    """It is positive on anything with distances."""
    problem = plane(3, 30)
    result = lower_bound(problem, seconds=1e-9)
    assert result.is_trivial
    assert not result.is_converged
    assert result.evaluations == 0
    assert 0 < result.value < lower_bound(problem).value


def test_it_stops_at_an_incumbent() -> None:
    """Once the rounded bound reaches a solution's cost nothing more is to be shown."""
    problem = plane(0, 25)
    whole = lower_bound(problem)
    bound = RouteBound(problem, upper=0.99 * whole.value)
    bound.improve()
    assert bound.is_finished
    assert not bound.is_converged
    assert 0.99 * whole.value <= bound.rounded < whole.value
    assert bound.evaluations < whole.evaluations
    bound.upper = np.inf
    assert not bound.is_finished


@pytest.mark.parametrize(
    ("demand", "capacity", "fleet"),
    [
        ([3], 3, Fleet("exact", 1)),
        ([0], 1, Fleet()),
        ([2, 3, 4], 9, Fleet("exact", 1)),
        ([0, 0, 0], 5, Fleet("exact", 2)),
        ([10**9, 10**9 - 1, 7], 2 * 10**9, Fleet()),
        ([5, 5, 5], 5, Fleet("exact", 3)),
    ],
)
def test_extreme_demands(demand: list[int], capacity: int, fleet: Fleet) -> None:
    """The bound is tight on tiny cases: one customer, one full vehicle, no demand, a huge unit, lone customers."""
    points = np.array([[0, 0], [3, 4], [6, 8], [0, 5]])[: len(demand) + 1]
    problem = CVRP.from_coordinates("few", points, demand, capacity, fleet=fleet)
    result = lower_bound(problem)
    assert result.is_converged
    assert result.rounded == optimum(problem)


@pytest.mark.parametrize("factor", [1e-7, 1.0, 3e11])
def test_the_unit_of_length_makes_no_difference(factor: float) -> None:
    """The grid follows the longest distance."""
    problem = small_problem(11, 6)
    scaled = CVRP(problem.name, problem.demand, problem.capacity, problem.distance * factor)
    assert lower_bound(scaled).value == pytest.approx(factor * lower_bound(problem).value, rel=1e-6)
    assert lower_bound(scaled).value <= optimum(scaled) * (1 + 1e-12)


def test_all_points_in_one_place() -> None:
    """Return an instance with distances of 0."""
    problem = CVRP.from_coordinates("nowhere", np.zeros((5, 2)), [1, 2, 0, 1], 3)
    assert lower_bound(problem).value == 0.0


def test_what_cannot_be_asked() -> None:
    """Limits and sizes are refused with what to do."""
    problem = small_problem(0, 3)
    for limits in ({"seconds": 0.0}, {"evaluations": 0}, {"seconds": float("nan")}):
        with pytest.raises(BudgetError, match=r"(seconds|evaluations): (0|nan) given; give more than 0"):
            lower_bound(problem, **limits)
    with pytest.raises(BudgetError, match="1 or more"):
        RouteBound(problem, budget=0)
    with pytest.raises(InputError, match="ng: 13 neighbours given; give a whole number, 1 … 12"):
        RouteBound(problem, n_neighbours=13)
    n = MOST_CUSTOMERS + 1
    large = CVRP("large", np.ones(n, np.int64), 3, np.zeros((n + 1, n + 1)))
    with pytest.raises(InstanceError, match=f"large: DIMENSION: {n} customers"):
        RouteBound(large)


def test_coarse_loads_come_first_and_change_nothing_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Routes that only fit the coarser loads are gone, and the linear programme has the same optimum."""
    problem = replace(plane(1, 20), demand=100 * plane(1, 20).demand + np.arange(20), capacity=3001)
    values = []
    for most_load in (10**6, 40):
        monkeypatch.setattr(column_generation, "_COARSE_LOADS", most_load)
        monkeypatch.setattr(column_generation, "_QUICK_WORK", 0)
        bound = RouteBound(problem, cuts=False)
        bound.improve()
        assert bound.is_converged
        values.append(bound.value)
    assert values[1] == pytest.approx(values[0], rel=1e-6)
