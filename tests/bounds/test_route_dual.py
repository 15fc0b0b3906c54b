"""The route dual: a bound everywhere, concave with the supergradients it gives, and climbed by every controller."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_routes import drive, ng_programme, optimum, small_problem

from lagrl.bounds.bound import RouteBound
from lagrl.bounds.pricing import Priced, Prices
from lagrl.bounds.route_ascent import ascend_route_dual
from lagrl.bounds.route_dual import RouteDual, distance_units, lagrangian
from lagrl.bounds.route_graph import RouteGraph
from lagrl.controllers import CONTROLLERS
from lagrl.controllers.pieces import pieces_of
from lagrl.errors import InputError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.recovery.savings import clarke_wright

RELAXATIONS = ("ng", "paths")


def plane(seed: int, n_customers: int = 20, fleet: Fleet | None = None) -> CVRP:
    """Draw customers with demands 1 … 9 for vehicles of 25."""
    rng = np.random.default_rng(seed)
    points, demand = rng.integers(0, 100, (n_customers + 1, 2)), rng.integers(1, 10, n_customers)
    return CVRP.from_coordinates("plane", points, demand, 25, fleet=fleet)


@pytest.mark.parametrize("relaxation", RELAXATIONS)
@pytest.mark.parametrize("rule", ["free", "exact", "atmost"])
def test_cuts_of_the_parts(rule: str, relaxation: str) -> None:
    """Each part's cut is its least reduced cost where it was found, and is not below it at other multipliers."""
    rng = np.random.default_rng(5)
    problem = plane(5)
    fleet = Fleet() if rule == "free" else Fleet(rule, problem.minimum_vehicles)
    dual = RouteDual(RouteGraph.of(replace(problem, fleet=fleet)), relaxation)
    first = dual.first_multipliers()
    points = [
        dual.evaluate(first * rng.uniform(0.6, 1.6, len(first)) + np.append(0.0 * first[:-1], 3.0)) for _ in "abcd"
    ]
    for here in points:
        pieces = pieces_of(here)
        assert pieces.may_be_empty
        assert len(pieces.intercept) == 20 + 1
        for there in points:
            value = pieces.intercept + pieces.slope @ there.multipliers
            if here is there and rule == "free":
                np.testing.assert_allclose(value.sum(), here.value)
            parts = there.parts
            assert parts is not None
            least = np.zeros(20)
            least[parts.part] = parts.value
            assert (np.minimum(value[:-1], 0.0) >= least - 1e-6).all()
            assert value[-1] >= parts.right_side @ there.multipliers - 1e-6


@pytest.mark.parametrize("relaxation", RELAXATIONS)
@pytest.mark.parametrize("seed", range(20))
def test_every_point_is_a_bound(seed: int, relaxation: str) -> None:
    """At random multipliers, under every kind of fleet rule, it is at most the optimum and the programme."""
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, 4, longest=8)
    rules = [Fleet(), *(Fleet(rule, problem.minimum_vehicles) for rule in ("exact", "atmost")), Fleet("atleast", 2)]
    for fleet in rules:
        ruled = replace(problem, fleet=fleet)
        dual = RouteDual(RouteGraph.of(ruled), relaxation)
        best = optimum(ruled)
        for _ in range(20):
            vector = dual.first_multipliers() * rng.uniform(0, 2, 5)
            vector[-1] = rng.normal(0, 10)
            assert dual.evaluate(vector).value <= best * (1 + 1e-12)


@pytest.mark.parametrize("relaxation", RELAXATIONS)
@pytest.mark.parametrize("fleet", [None, Fleet("exact", 5), Fleet("atleast", 6), Fleet("atmost", 6)])
def test_it_is_concave_with_its_supergradients(fleet: Fleet | None, relaxation: str) -> None:
    """L(μ) ≤ L(λ) + g(λ)·(μ − λ), to the rounding of the multipliers."""
    rng = np.random.default_rng(0)
    dual = RouteDual(RouteGraph.of(plane(0, fleet=fleet)), relaxation)
    start = dual.first_multipliers()
    points = [
        dual.evaluate(start * rng.uniform(0, 2, 21) + np.append(np.zeros(20), rng.normal(0, 9))) for _ in range(25)
    ]
    for here in points:
        for there in points:
            step = there.multipliers - here.multipliers
            assert there.value <= here.value + here.violation @ step + 1e-5


@pytest.mark.parametrize("relaxation", RELAXATIONS)
def test_the_point_adds_up(relaxation: str) -> None:
    """Rows are visit counts of the chosen routes, from which value and violation follow."""
    graph = RouteGraph.of(plane(1, fleet=Fleet("exact", 5)))
    dual = RouteDual(graph, relaxation)
    vector = 1.3 * dual.first_multipliers()
    vector[-1] = -4.0
    point = dual.evaluate(vector)
    assert len(point.selection) == len(point.vehicle_value) <= 5
    assert (point.vehicle_value < 0).all()
    assert point.violation[:-1].tolist() == (1 - point.selection.sum(axis=0)).tolist()
    assert point.violation[-1] == 5 - len(point.selection)
    income = vector[:-1].sum() + 5 * vector[-1]
    assert point.value == pytest.approx(income + point.vehicle_value.sum(), abs=1e-5)
    assert point.sampled_value == point.value


@pytest.mark.parametrize("name", sorted(CONTROLLERS))
@pytest.mark.parametrize("fleet", [None, Fleet("exact", 5)])
def test_every_controller_climbs_it(name: str, fleet: Fleet | None) -> None:
    """Never above what column generation reaches; all but the control come near it from the continuous start."""
    problem = plane(2, fleet=fleet)
    top = RouteBound(problem, cuts=False)
    top.improve()
    assert top.is_converged
    bound = RouteBound(problem, controller=CONTROLLERS[name](), budget=150)
    values = [bound.improve(evaluations=1) for _ in range(151)]
    assert values == sorted(values)
    assert bound.is_finished
    assert bound.evaluations <= 150
    assert bound.evaluations == 150 or bound.is_converged  # only who is finished stops earlier
    assert (bound.evaluations < 150) == (name in ("bundle", "cg"))
    # routes of the choice meet at different customers, which the linear programme does not ask for
    assert values[-1] <= top.value * (1 + 1e-3)
    if name != "perturbed":
        assert values[-1] >= 0.9 * top.value
    assert bound.routes()


def test_paths_bound_less_than_ng_routes() -> None:
    """They are a relaxation of them, at every point."""
    rng = np.random.default_rng(0)
    graph = RouteGraph.of(plane(4))
    weak, strong = RouteDual(graph, "paths"), RouteDual(graph)
    for _ in range(10):
        vector = weak.first_multipliers() * rng.uniform(0.5, 1.5, 21)
        assert weak.evaluate(vector).value <= strong.evaluate(vector).value


def test_sums_of_large_prices_do_not_wrap() -> None:
    """A hundred customers at a trillion each: every number fits 64 bits, their sum does not."""
    n = 100
    graph = RouteGraph.of(plane(5, n))
    lowest = np.full(n, -(1 << 58))
    prices = Prices(np.full(n, 1 << 57), 0, np.array([1 << 57] * 40), np.zeros((40, n), np.int64))
    crossings = np.full(40, 6)
    value = lagrangian(graph, prices, crossings, Priced(lowest, []))
    assert value == 2 * (n * (1 << 57) + 40 * 6 * (1 << 57)) - min(n, graph.n_routes[1]) * (1 << 58)


@pytest.mark.parametrize("unit", [1e-12, 1e-6, 1e6])
@pytest.mark.parametrize("name", ["cg", "polyak"])
def test_the_unit_of_distance_does_not_matter(name: str, unit: float) -> None:
    """Bounds in tiny and huge units stay below the routes' length, and hardly differ from those in usual ones.

    Where distances are below HiGHS's tolerances, column generation sees less.
    """
    rng = np.random.default_rng(6)
    points, demand = rng.integers(0, 100, (31, 2)).astype(np.float64), rng.integers(1, 10, 30)
    values = []
    for factor in (1.0, unit):
        problem = CVRP.from_coordinates("plane", factor * points, demand, 25, rounding="none")
        bound = RouteBound(problem, controller=CONTROLLERS[name](), budget=60)
        bound.improve()
        assert 0.0 < bound.value <= clarke_wright(problem).cost
        values.append(bound.value / factor)
    assert values[1] == pytest.approx(values[0], rel=2e-2 if unit > 1e-7 or name != "cg" else 0.2)


def test_a_zero_supergradient_is_proof() -> None:
    """One customer: the climb ends at the optimum, says so, and agrees with the programme."""
    problem = CVRP.from_coordinates("one", [[0, 0], [3, 4]], [1], 1, fleet=Fleet("exact", 1))
    graph = RouteGraph.of(problem)
    dual = RouteDual(graph)
    _, proven = drive(ascend_route_dual(dual, CONTROLLERS["polyak"](), 50, np.random.default_rng(0)))
    assert proven
    assert dual.best is not None
    assert distance_units(graph, dual.best) == ng_programme(graph) == 10.0


def test_bad_multipliers_are_refused() -> None:
    """By shape and by value; from a controller in its name."""
    dual = RouteDual(RouteGraph.of(plane(0)))
    for bad in (np.zeros(20), np.full(21, np.nan)):
        with pytest.raises(InputError, match=r"multipliers: .* this dual takes 21 finite numbers, the fleet's last"):
            dual.evaluate(bad)

    class Forgetful:
        def start(self, dual: object, **_: object) -> np.ndarray:
            return np.zeros(21)

        def update(self, point: object, feedback: object = None) -> Any:
            return None

    with pytest.raises(InputError, match="controller Forgetful: multipliers"):
        RouteBound(plane(0), controller=Forgetful()).improve()


def test_a_bound_is_rounded_down_where_a_float_cannot_hold_it() -> None:
    """2^60 + 1 has more digits than a float."""
    graph = RouteGraph.of(plane(0))
    assert distance_units(graph, 2**60 + 1) * 2 * graph.scale == 2**60
    assert int(distance_units(graph, 2**60 - 1) * 2 * graph.scale) <= 2**60 - 1
