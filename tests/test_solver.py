"""From an instance to routes, under every fleet rule, budget and mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lagrl.bounds.bound import lower_bound
from lagrl.errors import BudgetError, FleetError, InputError, SolutionError, UnknownNameError
from lagrl.problems.bundled import bundled_names, read_bundled
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.fleet import Fleet
from lagrl.problems.solution import faults
from lagrl.solver import SolveConfig, SolveResult, default_linearisations, solve

SMALL, MIDDLE, LARGE, *_, LARGEST = bundled_names()


def outcome(result: SolveResult) -> tuple[object, ...]:
    """Everything of a result that the clock has no part in."""
    history = [(evaluations, cost) for evaluations, _, cost in result.history]
    return result.solution, result.dual_value, result.evaluations, history, len(result.ascents)


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_instances_are_solved(name: str) -> None:
    """Both reconstructions give feasible routes; the pool's are no dearer, and all costs are what routes cost."""
    problem = read_bundled(name)
    config = SolveConfig(evaluations=40)
    pool = solve(problem, config)
    cluster = solve(problem, replace(config, method="reference"))
    for result in (pool, cluster):
        assert faults(problem, result.solution.routes, result.solution.cost) == []
        assert result.evaluations == 40
        assert result.history[-1][2] == pytest.approx(result.solution.cost)
        gap = problem.gap_percent(result.solution.cost)
        assert gap is not None
        assert gap < 15.0
    assert (
        sum(len(ascent.trace) for ascent in cluster.ascents) == 40 > sum(len(ascent.trace) for ascent in pool.ascents)
    )
    assert pool.solution.cost <= cluster.solution.cost


def test_set_partitioning_pays() -> None:
    """On an instance of many short routes, the pool holds better combinations than any single assignment."""
    problem, config = read_bundled(bundled_names()[3]), SolveConfig(evaluations=20)
    assert solve(problem, config).solution.cost < solve(problem, replace(config, method="reference")).solution.cost


def test_same_seed_same_result_and_another_seed_another() -> None:
    """A solve depends on its seed and on nothing else; of a few seeds, some differ."""
    problem = read_bundled(MIDDLE)
    results = [outcome(solve(problem, SolveConfig(evaluations=25, seed=seed))) for seed in (0, 0, 1, 2, 3)]
    assert results[0] == results[1]
    assert len({str(result) for result in results[1:]}) > 1


def test_other_processes_find_the_same() -> None:
    """Seeds mean the same in every process, whatever its hash seed."""
    here = solve(read_bundled(LARGE), SolveConfig(evaluations=30, seed=5))
    script = f"""
import json
from lagrl.problems.bundled import read_bundled
from lagrl.solver import SolveConfig, solve
result = solve(read_bundled({LARGE!r}), SolveConfig(evaluations=30, seed=5))
print(json.dumps([result.solution.routes, result.dual_value, [[e, c] for e, _, c in result.history]]))
"""
    printed = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "77"},
        timeout=120,
    ).stdout
    routes, dual_value, history = json.loads(printed)
    assert tuple(map(tuple, routes)) == here.solution.routes
    assert dual_value == here.dual_value
    assert history == [[evaluations, cost] for evaluations, _, cost in here.history]


@pytest.mark.parametrize("linearisations", [None, 1, 3, 7, 50])
@pytest.mark.parametrize("budget", [1, 2, 7, 25])
def test_budget_is_spent_to_the_last_evaluation(budget: int, linearisations: int | None) -> None:
    """Never more evaluations than allowed, and none left over: solved duals make room for other linearisations."""
    for name in (SMALL, LARGE):
        config = SolveConfig(evaluations=budget, linearisations=linearisations, method="reference")
        seen: list[int] = []
        result = solve(read_bundled(name), config, lambda now, seen=seen: seen.append(now.evaluations))
        assert result.evaluations == budget == seen[-1]
        assert seen == sorted(set(seen))
        lanes = linearisations or default_linearisations(budget)
        assert len(result.ascents) >= min(lanes, budget)
        assert all(len(ascent.trace) <= -(-budget // min(lanes, budget)) for ascent in result.ascents)


def test_without_a_budget_there_are_two_hundred() -> None:
    """Neither evaluations nor seconds given: 200 evaluations; with seconds only, the clock alone decides."""
    assert solve(read_bundled(SMALL)).evaluations == 200
    assert (SolveConfig().evaluation_limit, SolveConfig(seconds=2.0).evaluation_limit) == (200, None)
    assert SolveConfig(seconds=2.0, evaluations=7).evaluation_limit == 7


@pytest.mark.parametrize(("method", "without"), [("reference", ()), ("search", ()), ("search", ("chains",))])
def test_clock_is_kept(method: Any, without: tuple[str, ...]) -> None:
    """On 200 customers a second is overrun by little (the margin is for a busy machine), and used."""
    problem = read_bundled(LARGEST)
    solve(problem, SolveConfig(evaluations=1))  # kernels are compiled before the clock starts
    started = time.perf_counter()
    result = solve(problem, SolveConfig(seconds=1.0, method=method, without=without))
    assert 0.5 < time.perf_counter() - started < 8.0
    if method == "search" and not without:
        assert result.chain_seconds > 0.4
    else:
        assert result.evaluations > 4
    assert result.solution.is_feasible(problem)


def test_no_time_is_enough_for_one_evaluation() -> None:
    """However short the time, one evaluation is made and its routes are returned; both limits hold together."""
    result = solve(read_bundled(LARGE), SolveConfig(seconds=1e-6))
    assert result.evaluations == 1
    assert result.solution.is_feasible(read_bundled(LARGE))
    assert solve(read_bundled(SMALL), SolveConfig(seconds=60.0, evaluations=30)).evaluations == 30


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"evaluations": 0}, BudgetError, "evaluations: 0 allows nothing"),
        ({"evaluations": -3}, BudgetError, "evaluations: -3"),
        ({"seconds": 0.0}, BudgetError, "seconds: 0.0"),
        ({"seconds": -1.0}, BudgetError, "seconds: -1.0"),
        ({"seconds": float("nan")}, BudgetError, "seconds: nan"),
        ({"seconds": float("inf")}, BudgetError, "seconds: inf"),
        ({"linearisations": 0}, InputError, "linearisations: 0"),
        ({"shots": 0}, BudgetError, "shots: 0"),
        ({"seed": -1}, InputError, "seed: -1 is negative"),
        ({"method": "serch"}, UnknownNameError, "unknown method 'serch'; did you mean 'search'"),
        ({"sampler": "exakt"}, UnknownNameError, "unknown sampler 'exakt'; did you mean 'exact'"),
        ({"seedings": ()}, InputError, "seedings: no rule given"),
        ({"seedings": ("sweep", "kmean")}, UnknownNameError, "unknown seeding 'kmean'; did you mean 'kmeans'"),
    ],
)
def test_mistakes_are_refused_at_once(options: dict[str, Any], error: type[InputError], message: str) -> None:
    """Each wrong setting is a typed error that names it, its value and a way out, before anything runs."""
    with pytest.raises(error, match=message) as raised:
        SolveConfig(**options)
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("controller", "error"),
    [("polyakk", UnknownNameError), ("nowhere:Rule", InputError), ("json:loads", InputError), ("json:no", InputError)],
)
def test_unknown_controllers_are_refused(controller: str, error: type[InputError]) -> None:
    """A controller that does not exist, or is none, is refused by name."""
    with pytest.raises(error, match=controller.split(":")[0]):
        solve(read_bundled(SMALL), SolveConfig(controller=controller))


FLEETS = ["free", "exact:4", "exact:5", "exact:15", "atleast:2", "atleast:6", "atleast:15", "atmost:4", "atmost:15"]


@pytest.mark.parametrize("rule", FLEETS)
def test_fleet_rules_are_kept(rule: str) -> None:
    """Exactly K, at least K or any number of routes, up to one customer each."""
    bundled = read_bundled(SMALL)
    problem = replace(bundled, fleet=Fleet.parse(rule))
    for method in ("reference", "search"):
        result = solve(problem, SolveConfig(evaluations=20, method=method))
        assert faults(problem, result.solution.routes) == []
        assert problem.fleet.allows(result.solution.n_routes)


def test_free_fleets_take_more_vehicles_where_they_must() -> None:
    """Five customers of 4 on vehicles of 10 need three, though the bound on the vehicles says two."""
    points = [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [5, 0]]
    problem = CVRP.from_coordinates("fives", points, [4] * 5, 10)
    assert problem.minimum_vehicles == 2
    assert solve(problem, SolveConfig(evaluations=5)).solution.n_routes == 3
    with pytest.raises(SolutionError, match="fives: no routes that meet the fleet rule exact:2"):
        solve(replace(problem, fleet=Fleet("exact", 2)), SolveConfig(evaluations=5))


def test_a_limit_on_the_vehicles_is_kept() -> None:
    """Five customers of 4 on vehicles of 10: three routes of 82; two do not pack."""
    points = [[0, 0], [10, 0], [0, 10], [-10, 0], [0, -10], [7, 7]]
    problem = CVRP.from_coordinates("fours", points, [4] * 5, 10, fleet="atmost:3")
    result = solve(problem, SolveConfig(evaluations=20))
    assert (result.cost, result.solution.n_routes) == (82, 3)
    assert result.record()["fleet"] == "atmost:3"
    assert lower_bound(replace(problem, fleet=Fleet())).rounded <= lower_bound(problem).rounded <= 82
    with pytest.raises(SolutionError, match="fours: no routes that meet the fleet rule atmost:2"):
        solve(replace(problem, fleet=Fleet("atmost", 2)), SolveConfig(evaluations=5))
    with pytest.raises(FleetError, match=r"atmost:1 is too few vehicles: .* needs at least 2; use --fleet atmost:2"):
        replace(problem, fleet=Fleet("atmost", 1))


def small(name: str, demand: list[int], capacity: int, fleet: Fleet | None = None, points: Any = None) -> CVRP:
    """Customers on a parabola unless points are given."""
    given = [[i, i * i] for i in range(len(demand) + 1)] if points is None else points
    return CVRP.from_coordinates(name, given, demand, capacity, fleet=fleet)


ODD = [
    small("one customer", [3], 5),
    small("one customer exactly", [5], 5, Fleet("exact", 1)),
    small("one vehicle", [1, 2, 3, 4], 100, Fleet("exact", 1)),
    small("capacity is the total", [1, 2, 3, 4], 10),
    small("one each", [7, 8, 9], 9, Fleet("exact", 3)),
    small("some demand nothing", [0, 5, 0, 5, 0], 5),
    small("some demand nothing, all apart", [0, 5, 0, 5, 0], 5, Fleet("exact", 5)),
    small("nobody demands anything", [0, 0, 0], 1),
    small("all on the depot", [1, 1, 1, 1], 2, None, [[4, 4]] * 5),
    small("pairs on one spot", [1, 1, 1, 1], 2, None, [[0, 0], [3, 4], [3, 4], [5, 12], [5, 12]]),
    small("full to the last unit", [6, 4, 5, 5, 7, 3], 10, Fleet("exact", 3)),
]


@pytest.mark.parametrize("problem", ODD, ids=lambda problem: problem.name)
@pytest.mark.parametrize("method", ["reference", "search"])
def test_odd_instances(problem: CVRP, method: Any) -> None:
    """The smallest, emptiest and fullest instances are solved like any other."""
    result = solve(problem, SolveConfig(evaluations=12, method=method))
    assert faults(problem, result.solution.routes, result.solution.cost) == []
    assert result.evaluations == 12


def test_costs_of_odd_instances() -> None:
    """Where there is only one sensible answer, it is found."""
    cost = {problem.name: solve(problem, SolveConfig(evaluations=12)).solution.cost for problem in ODD}
    assert cost["all on the depot"] == 0.0
    assert cost["pairs on one spot"] == 2 * 5 + 2 * 13
    assert cost["one each"] == sum(2 * ODD[4].distance[0, 1:])


def test_distances_alone_are_enough() -> None:
    """An instance without coordinates is solved by every seeding."""
    bundled = read_bundled(MIDDLE)
    problem = CVRP("matrix", bundled.demand, bundled.capacity, bundled.distance.copy())
    for rule in ("kmeans", "sweep", "farthest"):
        result = solve(problem, SolveConfig(evaluations=10, seedings=(rule,)))
        assert result.solution.is_feasible(problem)
        assert {ascent.seeding for ascent in result.ascents} == {rule}


def test_dual_values_bound_their_own_linearisation() -> None:
    """In every ascent the highest L is at least the linear relaxation's value and at most its cheapest assignment."""
    for name in (SMALL, MIDDLE, LARGE):
        result = solve(read_bundled(name), SolveConfig(evaluations=60, method="reference"))
        for ascent in result.ascents:
            dual_value = ascent.trace.dual_value
            assert dual_value is not None
            assert dual_value <= min(ascent.trace.assignment_cost) + 1e-6
            assert dual_value >= ascent.linear_value - 1e-6 * abs(ascent.linear_value)
        best = min(result.ascents, key=lambda ascent: min(ascent.trace.route_cost))
        assert result.dual_value == best.trace.dual_value
        assert result.solution.cost == pytest.approx(min(best.trace.route_cost))


def test_seedings_and_vehicles_take_turns() -> None:
    """Rules alternate, and a vehicle more is tried only where the fleet is not fixed."""
    problem = read_bundled(LARGE)
    free = solve(problem, SolveConfig(evaluations=16, linearisations=8, method="reference"))
    assert [ascent.seeding for ascent in free.ascents[:4]] == ["kmeans", "sweep"] * 2
    needed = problem.minimum_vehicles
    assert {ascent.n_vehicles for ascent in free.ascents} == {needed, needed + 1}
    fixed = replace(problem, fleet=Fleet("exact", needed + 1))
    exact = solve(fixed, SolveConfig(evaluations=16, linearisations=8, method="reference"))
    assert {ascent.n_vehicles for ascent in exact.ascents} == {needed + 1}


@pytest.mark.skipif(not os.environ.get("LAGRL_DATA"), reason="LAGRL_DATA does not name a folder of CVRPLIB files")
@pytest.mark.parametrize("name", ["P-n16-k8", "A-n32-k5", "X-n200-k36"])
def test_benchmark_instances_under_their_own_fleet(name: str) -> None:
    """A few evaluations give feasible routes under the rule of each family, not below the best known cost."""
    problem = read_instance(Path(os.environ["LAGRL_DATA"]) / name[0] / f"{name}.vrp")
    result = solve(problem, SolveConfig(evaluations=25))
    assert faults(problem, result.solution.routes, result.solution.cost) == []
    gap = problem.gap_percent(result.solution.cost)
    assert gap is not None
    assert 0.0 <= gap < 12.0


@pytest.mark.parametrize(("evaluations", "asked"), [(10, 7), (25, 10), (50, 20), (12, 4), (7, 7), (3, 8)])
def test_as_many_linearisations_are_tried_as_were_asked_for(evaluations: int, asked: int) -> None:
    """Their shares differ by one at most, unless a dual was solved before its share was spent."""
    config = SolveConfig(evaluations=evaluations, linearisations=asked, controller="perturbed", method="reference")
    result = solve(read_bundled(LARGE), config)
    shares = [len(ascent.trace) for ascent in result.ascents]
    assert sum(shares) == evaluations
    assert len(shares) == min(asked, evaluations)
    assert max(shares) - min(shares) <= 1


def test_a_capacity_beyond_counting_is_no_obstacle() -> None:
    """10^10 units, of which no table of capacities could be held, in pricing or in repair."""
    demand = [10**9 + 7 * customer for customer in range(1, 41)]
    points = [[customer, customer * customer % 7] for customer in range(41)]
    problem = CVRP.from_coordinates("huge", points, demand, 10**10)
    solution = solve(problem, SolveConfig(evaluations=10)).solution
    assert sorted(customer for route in solution.routes for customer in route) == list(range(1, 41))
    assert max(sum(demand[customer - 1] for customer in route) for route in solution.routes) <= 10**10
