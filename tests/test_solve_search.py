"""The search around the incumbent as a whole: ingredients, budgets, odd instances and mistakes."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lagrl.errors import FleetError, InputError, SolutionError, UnknownNameError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.problems.solution import faults
from lagrl.recovery.polish import Polisher
from lagrl.search import Decision, History
from lagrl.search import budget as budget_module
from lagrl.search import clock as clock_module
from lagrl.solve_config import INGREDIENTS
from lagrl.solver import SolveConfig, SolveResult, solve

LEFT_OUT = [tuple(chosen) for size in range(6) for chosen in itertools.combinations(INGREDIENTS, size)]
FLEETS = ["free", "exact:{fewest}", "exact:{more}", "atleast:{fewest}", "atleast:{more}", "atmost:{fewest}"]


def plane(seed: int, n_customers: int, capacity: int = 15, rounding: Any = "nint") -> CVRP:
    """Draw customers with demands 1 … 5 on a grid of 100 by 100."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 100, (n_customers + 1, 2))
    return CVRP.from_coordinates("plane", points, rng.integers(1, 6, n_customers), capacity, rounding=rounding)


def outcome(result: SolveResult) -> tuple[object, ...]:
    """Everything of a result that the clock has no part in."""
    history = [(evaluations, cost) for evaluations, _, cost in result.history]
    return result.solution, result.dual_value, result.evaluations, history, len(result.ascents)


def sound(result: SolveResult) -> SolveResult:
    """Check what holds of every result: feasible, at the cost stated, with a history that falls to it."""
    problem = result.problem
    assert faults(problem, result.solution.routes, result.solution.cost) == []
    costs = [cost for _, _, cost in result.history]
    assert all(later < earlier for earlier, later in itertools.pairwise(costs))
    assert costs[-1] == pytest.approx(result.solution.cost)
    assert [spent for spent, _, _ in result.history] == sorted(spent for spent, _, _ in result.history)
    assert [seconds for _, seconds, _ in result.history] == sorted(seconds for _, seconds, _ in result.history)
    assert result.lower_bound is None or result.lower_bound <= result.solution.cost + 1e-6
    return result


@pytest.mark.parametrize("without", LEFT_OUT, ids=lambda names: "+".join(names) or "nothing")
@pytest.mark.parametrize("budget", [{"evaluations": 60}, {"seconds": 0.1}], ids=["evaluations", "seconds"])
@pytest.mark.usefixtures("processor_clock")
def test_every_ingredient_can_be_left_out(without: tuple[str, ...], budget: dict[str, Any]) -> None:
    """Each alone and with others, counted or by the clock: routes are feasible, and what is left out takes no time."""
    result = sound(solve(plane(0, 30), SolveConfig(without=without, **budget)))
    assert "evaluations" not in budget or result.evaluations == 60
    has_chains = "seconds" in budget and "chains" not in without  # they may take the whole of a tenth of a second
    assert result.chain_seconds == 0.0 or has_chains
    for seconds, name in ((result.polish_seconds, "polish"), (result.partition_seconds, "partition")):
        assert seconds == 0.0 or name not in without
        assert seconds > 0.0 or name in without or has_chains
    assert result.bound_seconds == 0.0 or "bound" not in without
    if "bound" in without:
        assert (result.lower_bound, result.gap_to_bound) == (None, None)


@pytest.mark.parametrize("ingredient", ["relinearisation", "polish", "partition"])
def test_ingredients_make_a_difference(ingredient: str) -> None:
    """Leaving one out changes the way: none of them is a name without a part."""
    problem = plane(1, 40)
    config = SolveConfig(evaluations=80, without=("bound",))
    whole, less = (solve(problem, replace(config, without=("bound", *more))) for more in ((), (ingredient,)))
    assert outcome(whole) != outcome(less)


def test_all_ingredients_beat_none() -> None:
    """Over a few instances, with the same evaluations."""
    total = np.zeros(2)
    for seed in range(4):
        problem = plane(seed, 40)
        bare = tuple(INGREDIENTS)
        total += [solve(problem, SolveConfig(evaluations=80, without=w)).solution.cost for w in ((), bare)]
    assert total[0] < total[1]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"without": ("pollish",)}, UnknownNameError, "unknown ingredient 'pollish'; did you mean 'polish'"),
        ({"without": ("polish", "")}, UnknownNameError, "unknown ingredient ''"),
        ({"without": ("bound",), "method": "reference"}, InputError, "without: bound given; leave it out"),
        ({"workers": 0}, InputError, "workers: 0 given; give 1 or more"),
        ({"workers": -2}, InputError, "workers: -2"),
    ],
)
def test_mistakes_are_refused_by_name(options: dict[str, Any], error: type[InputError], message: str) -> None:
    """An unknown ingredient, an ingredient of the reference method, and no worker are refused before any work."""
    with pytest.raises(error, match=message):
        SolveConfig(**options)


@pytest.mark.parametrize("seed", [0, 5])
def test_the_same_seed_gives_the_same_routes(seed: int) -> None:
    """Without a clock, to the last improvement; another seed goes another way."""
    problem = plane(2, 40)
    first, again, other = (
        solve(problem, SolveConfig(evaluations=100, seed=number)) for number in (seed, seed, seed + 1)
    )
    assert outcome(first) == outcome(again)
    assert outcome(first) != outcome(other)


def test_more_evaluations_never_end_dearer_than_seeds_alone() -> None:
    """What the first linearisations found is a start, and the incumbent only becomes better."""
    problem = plane(3, 40)
    result = sound(solve(problem, SolveConfig(evaluations=150)))
    assert result.solution.cost <= min(min(ascent.trace.route_cost) for ascent in result.ascents)
    assert len(result.history) > 1


@pytest.mark.parametrize("call_seconds", [0.001, 0.05, 1.0])
def test_polish_takes_about_half_of_the_seconds_at_most(monkeypatch: pytest.MonkeyPatch, call_seconds: float) -> None:
    """The local search exceeds half of the seconds by one call at most, with a clock that the test sets."""
    now, polish = [0.0], Polisher.polish

    def read() -> float:
        now[0] += 1e-3
        return now[0]

    def slow(self: Polisher, routes: Any) -> Any:
        now[0] += call_seconds
        return polish(self, routes)

    for module in (clock_module, budget_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=read))
    monkeypatch.setattr(Polisher, "polish", slow)
    result = sound(solve(plane(0, 30), SolveConfig(seconds=2.0, without=("chains",))))
    assert 0.0 < result.polish_seconds <= 0.5 * 2.0 + call_seconds + 0.01


def test_the_record_holds_what_came_of_it() -> None:
    """Plain JSON values: cost, bound and gap, seconds of the parts, and the history."""
    result = solve(plane(4, 25), SolveConfig(evaluations=50))
    record = result.record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["cost"] == result.solution.cost
    assert record["feasible"] is True
    assert record["lower_bound"] == result.lower_bound
    for part in ("polish", "partition", "bound"):
        assert record[f"{part}_seconds"] == pytest.approx(getattr(result, f"{part}_seconds"), abs=1e-6)
    history = record["history"]
    assert isinstance(history, list)
    assert [(row[0], row[2]) for row in history] == [(spent, cost) for spent, _, cost in result.history]
    bounded = replace(result, lower_bound=0.8 * result.solution.cost)
    assert bounded.gap_to_bound == pytest.approx(25.0)
    assert bounded.record()["gap_to_bound_pct"] == pytest.approx(25.0)
    unbounded = replace(result, lower_bound=None)
    assert unbounded.record()["lower_bound"] is unbounded.record()["gap_to_bound_pct"] is None


@pytest.mark.parametrize("rule", FLEETS)
@pytest.mark.parametrize("n_customers", [6, 32])
def test_fleet_rules_are_kept(rule: str, n_customers: int) -> None:
    """Exactly K, at least K or any number, with no vehicle to spare and with more than are needed."""
    problem = plane(5, n_customers, 20)
    fewest = problem.minimum_vehicles
    fleet = Fleet.parse(rule.format(fewest=fewest, more=fewest + 3))
    for without in ((), ("polish",), ("relinearisation",)):
        sound(solve(replace(problem, fleet=fleet), SolveConfig(evaluations=60, without=without)))


@pytest.mark.parametrize("rule", ["exact:10", "atleast:10"])
def test_every_customer_alone(rule: str) -> None:
    """As many vehicles as customers leave one way only."""
    problem = replace(plane(6, 10), fleet=Fleet.parse(rule))
    result = sound(solve(problem, SolveConfig(evaluations=40)))
    assert result.solution.n_routes == 10
    assert result.solution.cost == 2 * problem.distance[0, 1:].sum()


def odd(kind: str) -> CVRP:
    """Build an instance that has something unusual about it."""
    problem = plane(7, 12)
    points = problem.coordinates
    assert points is not None
    if kind == "one customer":
        return CVRP.from_coordinates(kind, points[:2], [3], 5)
    if kind == "two customers on the depot":
        return CVRP.from_coordinates(kind, [(1, 1)] * 3, [3, 3], 5)
    if kind == "one vehicle, full to the last unit":
        return CVRP.from_coordinates(kind, points, problem.demand, int(problem.demand.sum()), fleet=Fleet("exact", 1))
    if kind == "capacity is the total demand":
        return CVRP.from_coordinates(kind, points, problem.demand, int(problem.demand.sum()))
    if kind == "zero demands":
        return CVRP.from_coordinates(kind, points, np.where(np.arange(12) % 3, problem.demand, 0), 15)
    if kind == "zero demands on routes of their own":
        return CVRP.from_coordinates(kind, points, [0] * 11 + [5], 5, fleet=Fleet("exact", 6))
    if kind == "nobody demands anything":
        return CVRP.from_coordinates(kind, points, [0] * 12, 1)
    if kind == "coincident points":
        return CVRP.from_coordinates(kind, [(0, 0), *[(3, 4)] * 6, *[(-5, 12)] * 6], [1] * 12, 3)
    if kind == "all on the depot":
        return CVRP.from_coordinates(kind, [(4, 4)] * 13, [1] * 12, 5)
    if kind == "matrix of whole numbers":
        return CVRP(kind, problem.demand, 15, problem.distance.astype(np.int64))
    if kind == "matrix without triangles":
        rng = np.random.default_rng(0)
        distance = np.triu(rng.integers(1, 100, (13, 13)), 1).astype(np.float64)
        return CVRP(kind, problem.demand, 15, distance + distance.T)
    if kind == "fractions":
        return CVRP.from_coordinates(kind, points / 7, problem.demand, 15, rounding="none")
    if kind == "unit square":
        return CVRP.from_coordinates(kind, points / 100, problem.demand, 15, rounding="none")
    assert kind == "far away"
    return CVRP.from_coordinates(kind, points * 1e6, problem.demand, 15)


ODD = [
    *("one customer", "two customers on the depot", "one vehicle, full to the last unit"),
    *("capacity is the total demand", "zero demands", "zero demands on routes of their own"),
    *("nobody demands anything", "coincident points", "all on the depot", "matrix of whole numbers"),
    *("matrix without triangles", "fractions", "unit square", "far away"),
]


@pytest.mark.parametrize("kind", ODD)
def test_odd_instances_are_solved(kind: str) -> None:
    """By all ingredients and by each without another, with any seeds."""
    problem = odd(kind)
    for without in ((), ("polish",), ("partition",)):
        sound(solve(problem, SolveConfig(evaluations=45, without=without)))
    sound(solve(problem, SolveConfig(evaluations=45, seedings=("concentrators", "farthest"))))
    sound(solve(problem, SolveConfig(seconds=0.03)))


def test_the_best_is_found_where_it_is_known() -> None:
    """Proven optima: two places of six customers, three per vehicle; no distance; the tour of a short circle."""
    assert solve(odd("coincident points"), SolveConfig(evaluations=40)).solution.cost == 2 * (2 * 5 + 2 * 13)
    assert solve(odd("all on the depot"), SolveConfig(evaluations=40)).solution.cost == 0.0
    angle = 2 * np.pi * np.arange(11) / 11
    circle = CVRP.from_coordinates("circle", 1000 * np.stack([np.cos(angle), np.sin(angle)], 1), [1] * 10, 10)
    best = 11 * round(2000 * math.sin(math.pi / 11))
    assert solve(circle, SolveConfig(evaluations=40)).solution.cost == pytest.approx(best)


@pytest.mark.parametrize("chains", [(), ("chains",)])
@pytest.mark.parametrize("without", [(), ("polish",), ("relinearisation",), ("partition",)])
@pytest.mark.parametrize("seconds", [1e-6, 1e-3])
def test_too_little_time_still_gives_routes(without: tuple[str, ...], seconds: float, chains: tuple[str, ...]) -> None:
    """One step of the loop is always taken, whatever the clock says, or one call of the chain."""
    result = sound(solve(plane(8, 30), SolveConfig(seconds=seconds, without=(*without, *chains))))
    assert result.evaluations >= 1 or (not chains and result.chain_seconds > 0)


@pytest.mark.parametrize("evaluations", [1, 2, 3])
def test_one_evaluation_is_enough(evaluations: int) -> None:
    """The smallest budgets are kept to the last evaluation."""
    assert sound(solve(plane(9, 30), SolveConfig(evaluations=evaluations))).evaluations == evaluations


@pytest.mark.parametrize("budget", [{"evaluations": 90}, {"seconds": 0.1}], ids=["evaluations", "seconds"])
@pytest.mark.parametrize("without", [(), ("polish",), ("relinearisation",), tuple(INGREDIENTS)])
def test_a_fleet_that_packs_nothing_is_reported(budget: dict[str, Any], without: tuple[str, ...]) -> None:
    """Two vehicles that the demands fill only in sum: no routes, and an error that names the rule and a way out."""
    points = [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [5, 0]]
    problem = CVRP.from_coordinates("fives", points, [4] * 5, 10, fleet=Fleet("exact", 2))
    with pytest.raises(SolutionError, match=r"fives: no routes that meet the fleet rule exact:2 (were found|exist)"):
        solve(problem, SolveConfig(without=without, **budget))


def test_a_proof_that_nothing_packs_ends_the_search() -> None:
    """Before the clock does, and the error says that more time is no help."""
    points = [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [5, 0]]
    problem = CVRP.from_coordinates("fives", points, [4] * 5, 10, fleet=Fleet("exact", 2))
    with pytest.raises(SolutionError, match=r"exact:2 exist: the lower bound proves it; allow more vehicles, or use"):
        solve(problem, SolveConfig(seconds=1000.0))  # the test's own time limit is far below


@pytest.mark.parametrize("workers", [1, 2])
def test_a_proof_ends_the_search(workers: int) -> None:
    """Customers on a line, two a vehicle: the bound meets the routes long before the clock would end it."""
    problem = CVRP.from_coordinates("line", [[10 * i, 0] for i in range(31)], [1] * 30, 2)
    result = sound(solve(problem, SolveConfig(seconds=1000.0, workers=workers)))
    assert result.seconds < 500.0
    assert result.lower_bound == result.solution.cost == sum(2 * 10 * i for i in range(2, 31, 2))
    assert result.gap_to_bound == 0.0


def test_too_few_vehicles_are_refused_at_once() -> None:
    """A fleet that the demands exclude is refused with the instance, not after a search."""
    with pytest.raises(FleetError, match="exact:1 is too few vehicles"):
        replace(plane(10, 12), fleet=Fleet("exact", 1))


class Frugal:
    """A user's schedule: seeds, then twenty customers freed three times, then no more."""

    def __init__(self) -> None:
        self.told: list[tuple[int, bool, int]] = []

    def next(self, history: History) -> Decision | None:
        """Return a decision, see `lagrl.search.Schedule`."""
        self.told.append((history.n_seeds, history.has_routes, len(history.outcomes)))
        if not history.has_routes:
            return Decision("seeds", (6,))
        return Decision("partial", (4,), freed=20) if len(history.outcomes) < 3 else None


def test_a_schedule_of_ones_own_decides() -> None:
    """A custom schedule is called, sees the outcomes, and ends the solve before the budget does."""
    schedule = Frugal()
    result = sound(solve(plane(11, 30), SolveConfig(evaluations=500), schedule=schedule))
    assert schedule.told == [(0, False, 0), (1, True, 0), (1, True, 1), (1, True, 2), (1, True, 3)]
    assert result.evaluations <= 6 + 3 * 4
    assert len(result.ascents) == 1


class Silent:
    """A user's schedule that has nothing to do."""

    def next(self, history: History) -> None:
        """Return a decision, see `lagrl.search.Schedule`."""


def test_a_schedule_that_does_nothing_is_reported() -> None:
    """No budget would help."""
    with pytest.raises(SolutionError, match=r"stopped before any evaluation; let its first decision be for seeds"):
        solve(plane(12, 10), SolveConfig(evaluations=10), schedule=Silent())


class Greedy:
    """A custom schedule that requests too many evaluations, and moves before there are routes."""

    def __init__(self, first: Decision) -> None:
        self.first = first

    def next(self, history: History) -> Decision:
        """Return a decision, see `lagrl.search.Schedule`."""
        return self.first if not history.n_seeds else Decision("incumbent", (1000,))


def test_a_schedule_may_choose_the_seeds() -> None:
    """A schedule chooses seedings by name, and sees the cost of each rule's routes."""

    class Choosing:
        def next(self, history: History) -> Decision | None:
            rules = ("farthest", "concentrators", None, "sweep")
            self.seeds = list(history.seeds)
            return Decision("seeds", (4,), seeding=rules[history.n_seeds]) if history.n_seeds < 4 else None

    schedule = Choosing()
    config = SolveConfig(evaluations=100, seedings=("kmeans",))
    result = sound(solve(plane(13, 25), config, schedule=schedule))
    chosen = ["farthest", "concentrators", "kmeans", "sweep"]
    assert [ascent.seeding for ascent in result.ascents] == [rule for rule, _ in schedule.seeds] == chosen
    assert [cost for _, cost in schedule.seeds] == [min(ascent.trace.route_cost) for ascent in result.ascents]


def test_budgets_hold_whatever_a_schedule_asks_for() -> None:
    """Seeds and moves of a thousand evaluations spend what is allowed."""
    result = sound(solve(plane(12, 30), SolveConfig(evaluations=23), schedule=Greedy(Decision("seeds", (9, 1000)))))
    assert result.evaluations == 23


def test_a_schedule_that_moves_first_is_reported() -> None:
    """By the name of its class, and with what to do."""
    with pytest.raises(InputError, match=r"schedule Greedy: incumbent before .* return seeds"):
        solve(plane(12, 30), SolveConfig(evaluations=23), schedule=Greedy(Decision("incumbent", (5,))))


class Answering:
    """A user's schedule that answers what it was made with, or raises it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def next(self, history: History) -> Any:
        """Return a decision, see `lagrl.search.Schedule`."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (Answering("seeds"), "schedule Answering: next: returned 'seeds'; return a lagrl.search.Decision or None"),
        (Answering(KeyError("plan")), r"schedule Answering: .*KeyError: 'plan'"),
        (Answering, r"schedule type: .*TypeError: .*missing 1 required positional argument"),
    ],
)
def test_a_schedule_that_answers_nonsense_is_reported(schedule: Any, message: str) -> None:
    """Anything but a decision, an exception, and a class given for an object are errors in its name."""
    with pytest.raises(InputError, match=message):
        solve(plane(12, 10), SolveConfig(evaluations=10), schedule=schedule)
