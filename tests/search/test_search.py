"""A search under way: decisions carried out, the budget kept, routes taken over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from partial_searches import PARTIAL, outcome, search_of
from routed_problems import plane

from lagrl.ascent import DualTrace
from lagrl.controllers.camerini import CameriniFrattaMaffioli
from lagrl.errors import InputError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.problems.solution import faults
from lagrl.relaxation.sampler import ExactSampler
from lagrl.search.moving import Moving
from lagrl.search.schedule import Decision, History, schedule_of
from lagrl.search.search import Search
from lagrl.solve_config import SolveConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.controllers.base import Feedback
    from lagrl.relaxation.dual import DualPoint
    from lagrl.search.neighbourhood import Neighbourhood

SEEDS = Decision("seeds", (4, 4))
BY_MASTER = Decision("partial", (3,), freed=6, noise=0.1, prices="master")
EVERYBODY = Decision("incumbent", (3,), noise=0.1)


@dataclass
class Listed:
    """Makes the decisions of a list, and keeps the history of each call."""

    decisions: list[Decision]
    told: list[dict[str, Any]] = field(default_factory=list)

    def next(self, history: History) -> Decision | None:
        """Return the next of the list."""
        self.told.append(vars(history) | {"outcomes": list(history.outcomes), "seeds": list(history.seeds)})
        return self.decisions[len(self.told) - 1] if len(self.told) <= len(self.decisions) else None


def test_decisions_are_carried_out_in_turn() -> None:
    """Seeds, then moves of every kind; the history has each outcome, and the search ends with the schedule."""
    problem = plane(0, 30)
    schedule = Listed([SEEDS, PARTIAL, EVERYBODY, BY_MASTER, SEEDS, PARTIAL])
    search = search_of(problem, SolveConfig(evaluations=1000), schedule)
    search.run()
    assert len(schedule.told) == 7
    assert faults(problem, search.incumbent.solution().routes) == []
    assert [told["has_routes"] for told in schedule.told] == [False] + [True] * 6
    assert [len(told["seeds"]) for told in schedule.told] == [0, 2, 2, 2, 2, 4, 4]
    spent = [told["evaluations"] for told in schedule.told]
    assert spent == sorted(spent)
    assert [told["progress"] for told in schedule.told] == [evaluations / 1000 for evaluations in spent]
    last = schedule.told[-1]["outcomes"]
    assert [kept.decision for kept in last] == [PARTIAL, EVERYBODY, BY_MASTER, PARTIAL]
    assert all(1 <= kept.evaluations <= 3 for kept in last)
    assert all(kept.is_accepted or not kept.is_better for kept in last)
    assert all(not kept.is_best or kept.is_better for kept in last)
    assert len(search.ascending.ascents) == 4


@pytest.mark.parametrize("limit", [1, 2, 7, 9, 12])
def test_no_decision_spends_more_than_is_left(limit: int) -> None:
    """Budgets larger than the limit are cut, of seeds as of moves, and the search ends at the limit."""
    schedule = Listed([Decision("seeds", (5, 5, 5)), *[Decision("partial", (50,), freed=5)] * 20])
    search = search_of(plane(1, 30), SolveConfig(evaluations=limit), schedule)
    search.run()
    assert search.incumbent.evaluations == search.budget.spent == limit
    assert search.budget.progress == 1.0


def test_a_move_before_there_are_routes_is_refused() -> None:
    """The error names the schedule and says what to do."""
    search = search_of(plane(2, 10), SolveConfig(), Listed([PARTIAL]))
    with pytest.raises(InputError, match="schedule Listed: partial before there are routes") as raised:
        search.run()
    assert "seeds" in str(raised.value.remedy)


@pytest.mark.parametrize(
    "config", [SolveConfig(without=("relinearisation", "polish")), SolveConfig(method="reference")]
)
def test_a_schedule_may_move_where_the_configuration_would_not(config: SolveConfig) -> None:
    """A custom schedule decides, for any ingredients."""
    problem = plane(3, 20)
    search = search_of(problem, config, Listed([SEEDS, PARTIAL, EVERYBODY]))
    search.run()
    assert len(search.history.outcomes) == 2
    assert faults(problem, search.incumbent.solution().routes) == []


def test_seeds_go_on_until_the_fleet_rule_is_met() -> None:
    """Five customers of 4 do not fit two vehicles of 10: seeds until the budget is over, and no routes."""
    points = [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [5, 0]]
    problem = CVRP.from_coordinates("fives", points, [4] * 5, 10, fleet=Fleet("exact", 2))
    search = search_of(problem, SolveConfig(evaluations=80))
    search.run()
    assert search.incumbent.evaluations == 80
    assert search.incumbent.solution() is None
    assert len(search.ascending.ascents) >= 3
    assert search.history.outcomes == []


def test_slices_are_the_whole() -> None:
    """A search run in several parts finds what it finds in one go."""
    problem, config = plane(4, 30), SolveConfig(evaluations=120)
    whole, sliced = search_of(problem, config), search_of(problem, config)
    whole.run()
    for progress in (0.01, 0.3, 0.31, 0.9, 1.0):
        sliced.run(progress)
        assert sliced.budget.progress >= progress
    assert outcome(whole) == outcome(sliced)


def test_the_same_seed_searches_the_same() -> None:
    """Without a clock, twice alike; another seed finds other routes on the way."""
    problem = plane(5, 30)
    searches = [search_of(problem, SolveConfig(evaluations=100, seed=seed)) for seed in (1, 1, 2)]
    for search in searches:
        search.run()
    first, again, other = map(outcome, searches)
    assert first == again
    assert first[3] != other[3]


def test_better_routes_from_elsewhere_are_gone_on_from() -> None:
    """They become the incumbent and stay at least as good; dearer ones change nothing."""
    problem = plane(6, 36)
    good = search_of(problem, SolveConfig(evaluations=200))
    good.run()
    best = [good.pool.routes[column] for column in good.incumbent.columns]
    poor = search_of(problem, SolveConfig(evaluations=200, without=("polish",)), Listed([SEEDS, *[PARTIAL] * 30]))
    poor.run(0.04)
    assert poor.incumbent.cost > good.incumbent.cost
    poor.take_over(best)
    assert poor.incumbent.cost == good.incumbent.cost
    n_before = len(poor.incumbent.history)
    poor.take_over([np.array([customer]) for customer in range(1, 37)])
    assert len(poor.incumbent.history) == n_before
    poor.run()
    assert poor.incumbent.cost <= good.incumbent.cost
    assert faults(problem, poor.incumbent.solution().routes) == []


def test_a_search_may_begin_with_routes_from_elsewhere() -> None:
    """Before anything was searched, they are a beginning like any other."""
    problem = plane(7, 20)
    search = search_of(problem, SolveConfig(evaluations=60))
    search.take_over([np.array([customer]) for customer in range(1, 21)])
    search.run()
    assert len(search.ascending.ascents) >= 1
    assert search.incumbent.cost < search.incumbent.history[0][2]
    assert faults(problem, search.incumbent.solution().routes) == []


def current(search: Search) -> tuple[int, ...]:
    """Return the columns that the search continues from; none before there are routes."""
    return search.current.columns


class Watching(Listed):
    """Keeps the columns that the search continues from at each decision."""

    search: Search

    def next(self, history: History) -> Decision | None:
        """Return the next of the list."""
        self.seen = [*getattr(self, "seen", []), current(self.search)]
        return super().next(history)


@pytest.mark.parametrize("n_customers", [30, 170])
def test_what_is_accepted_is_gone_on_from(n_customers: int) -> None:
    """Accepted routes become the current ones, others leave them as they are, and better means shorter than those."""
    schedule = Watching([Decision("seeds", (2,)), *[PARTIAL] * 25])
    config = SolveConfig(evaluations=1000, without=("polish", "partition"))
    schedule.search = search = search_of(plane(11, n_customers), config, schedule)
    search.run()
    outcomes, seen = search.history.outcomes, schedule.seen[1:]
    assert {kept.is_accepted for kept in outcomes} == {True, False}
    for kept, before, after in zip(outcomes, seen, seen[1:], strict=False):
        if not kept.is_accepted:
            assert sorted(before) == sorted(after)
        elif kept.is_better:
            assert search.pool.cost_of(after) < search.pool.cost_of(before)


class Restless:
    """Annealing that accepts everything and starts a cycle after every third step."""

    def __init__(self) -> None:
        self.turns = self.cycle = 0

    def accepts(self, increase: float, mean_arc: float, progress: float) -> bool:
        """Accept every increase in cost."""
        return True

    def update(self, progress: float) -> bool:
        """Start a cycle after every third step."""
        self.turns += 1
        self.cycle += self.turns % 3 == 0
        return self.turns % 3 == 0


def test_a_cycle_begins_with_the_best_or_with_new_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each cycle continues from the incumbent, and every other cycle starts from seeds."""
    schedule = Watching([Decision("seeds", (2,)), *[PARTIAL] * 12])
    config = SolveConfig(evaluations=1000, without=("polish", "partition"))
    schedule.search = search = search_of(plane(12, 30), config, schedule)
    monkeypatch.setattr(search.moving, "_annealing", Restless())
    search.run()
    assert [told["restarted"] for told in schedule.told[1:]] == [False] * 3 + [True] * 3 + [False] * 3 + [True] * 3 + [
        False
    ]
    incumbent_cost = {spent: cost for spent, _, cost in search.incumbent.history}
    for turn in (4, 7, 10, 13):
        spent = schedule.told[turn]["evaluations"]
        best = min(cost for evaluations, cost in incumbent_cost.items() if evaluations <= spent)
        assert search.pool.cost_of(schedule.seen[turn]) == best
    assert any(search.pool.cost_of(columns) > search.incumbent.cost for columns in schedule.seen[5:])


def test_routes_of_the_pool_are_recombined() -> None:
    """Set partitioning finds good routes that were never in one solution, and the search continues from them."""
    problem = plane(13, 36)
    good = search_of(problem, SolveConfig(evaluations=200))
    good.run()
    best = [good.pool.routes[column] for column in good.incumbent.columns]
    costs = []
    for without in (("polish",), ("polish", "partition")):
        schedule = Watching([Decision("seeds", (1,)), PARTIAL])
        schedule.search = search = search_of(problem, SolveConfig(evaluations=1000, without=without), schedule)
        search.pool.add_routes(best)
        search.run()
        costs.append(search.incumbent.cost)
        assert schedule.told[1]["has_prices"] == ("partition" not in without)
        assert search.pool.cost_of(current(search)) <= costs[-1] or "partition" in without
    assert costs[0] <= good.incumbent.cost < costs[1]


@pytest.mark.parametrize("rule", ["exact", "atleast"])
def test_polished_routes_meet_the_fleet_rule(rule: str) -> None:
    """Where polish merges routes that the fleet rule requires, they are cut again; all of them stay polished."""
    for seed in range(5):
        problem = plane(seed, 24, 40, Fleet.parse(f"{rule}:8"))
        search = search_of(problem, SolveConfig(evaluations=50), Listed([Decision("seeds", (3,))]))
        search.run()
        alone = search.pool.add_routes([1 + np.arange(3 * k, 3 * k + 3) for k in range(8)])
        polished = search.moving._polished(search.current.part_of(alone, range(8)), alone)
        assert len(polished) >= 8
        assert problem.fleet.allows(len(polished))
        assert search.pool.solution(polished).is_feasible(problem)
        assert search.pool.cost_of(polished) < search.pool.cost_of(alone)


@pytest.mark.parametrize("fleet", ["free", "exact:58", "atleast:62", "atmost:58"])
def test_a_large_instance_is_worked_on_in_neighbourhoods(fleet: str) -> None:
    """With more customers than a neighbourhood, routes outside it stay in place and all customers are served."""
    problem = plane(8, 170, 10, Fleet.parse(fleet))
    schedule = Listed([Decision("seeds", (2,)), *[PARTIAL] * 40])
    search = search_of(problem, SolveConfig(evaluations=120), schedule)
    search.run(0.1)
    neighbourhood = search.current.neighbourhood
    assert not neighbourhood.is_whole
    search.run()
    solution = search.incumbent.solution()
    assert solution is not None
    assert faults(problem, solution.routes, solution.cost) == []
    history = [cost for _, _, cost in search.incumbent.history]
    assert history == sorted(history, reverse=True)
    assert search.current.neighbourhood is not neighbourhood  # another neighbourhood had its turn


def test_every_evaluation_is_reported() -> None:
    """Counts rise to the budget, one call at least per step of the loop."""
    counted: list[int] = []
    search = search_of(plane(9, 20), SolveConfig(evaluations=40), advance=lambda now: counted.append(now.evaluations))
    search.run()
    assert counted == sorted(counted)
    assert counted[-1] == 40


def test_the_record_is_complete() -> None:
    """Seconds of every part, none negative, those in use above 0, and what is left out at 0."""
    search = search_of(plane(10, 25), SolveConfig(evaluations=60, without=("bound",)))
    search.run()
    report = search.report()
    seconds_of = report.record.seconds_of
    assert set(seconds_of) == {"polish", "partition", "bound", "chains", "sampling", "recording", "decoding"}
    assert min(seconds_of.values()) == 0.0 == seconds_of["bound"]
    assert seconds_of["polish"] > 0.0
    assert seconds_of["partition"] > 0.0
    assert report.elapsed > 0.0
    assert report.incumbent is search.incumbent
    assert report.record.lower_bound == 0.0
    bare = search_of(plane(10, 25), SolveConfig(evaluations=60, without=("polish", "partition", "bound")))
    bare.run()
    assert bare.record().seconds_of["polish"] == bare.record().seconds_of["partition"] == 0.0


def test_moves_polish_their_two_cheapest_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cheapest first, never more than two, and two wherever an ascent found as many."""
    calls: list[list[float]] = []
    cheapest, polished = DualTrace.cheapest, Moving._polished

    def asked(trace: DualTrace, most: int) -> list[tuple[int, ...]]:
        calls.append([])
        assert most == (1 if len(calls) <= 2 else 2)  # two linearisations from seeds come first
        return cheapest(trace, most)

    def noted(moving: Moving, neighbourhood: Neighbourhood, columns: Sequence[int]) -> tuple[int, ...]:
        calls[-1].append(moving.pool.cost_of(columns))
        return polished(moving, neighbourhood, columns)

    monkeypatch.setattr(DualTrace, "cheapest", asked)
    monkeypatch.setattr(Moving, "_polished", noted)
    search_of(plane(14, 30), SolveConfig(evaluations=80)).run()
    assert {len(costs) for costs in calls[2:]} == {1, 2}
    assert all(costs == sorted(costs) for costs in calls)


def test_controllers_are_told_the_masters_duals() -> None:
    """None before the master was solved; then a price of 0 or more for each customer of the dual at hand."""
    told: list[tuple[int, NDArray[np.float64] | None]] = []

    class Listening(CameriniFrattaMaffioli):
        def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
            assert feedback is not None
            told.append((len(point.multipliers), feedback.master_duals))
            return super().update(point, feedback)

    problem = plane(15, 30)
    config = SolveConfig(evaluations=200)
    search = Search(problem, config, Listening, ExactSampler(), schedule_of(config))
    search.run()
    first = next(i for i, (_, duals) in enumerate(told) if duals is not None)
    assert 0 < first < len(told) - 1
    assert {n for n, _ in told} > {30}
    for n, duals in told[first:]:
        assert duals is not None
        assert duals.shape == (n,)
        assert duals.min() >= 0.0
        assert duals.max() > 0.0
