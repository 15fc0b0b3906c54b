"""The chain of moves within a search: its share of the clock, its temperatures, and what others take from it."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from routed_problems import plane, routed

from lagrl.problems.fleet import Fleet
from lagrl.problems.solution import faults
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool
from lagrl.search import chaining
from lagrl.search.budget import Budget
from lagrl.search.chaining import Chaining
from lagrl.search.shared_chain import Part
from lagrl.solve_config import SolveConfig
from lagrl.solver import solve

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP


class SetClock(Budget):
    """A budget of 10 seconds whose clock the test sets."""

    now = 0.0

    def __init__(self) -> None:
        super().__init__(None, 10.0)

    @property
    def elapsed(self) -> float:
        """Seconds that the test has set."""
        return self.now


@pytest.fixture(autouse=True)
def _short_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still during a call would make all calls long ones."""
    monkeypatch.setattr(chaining, "_MOST", 500)


def begun(seed: int = 0) -> tuple[Chaining, SetClock]:
    """Return a chain over an instance with routes by savings, and its clock."""
    problem, routes = routed(3, 50)
    incumbent, clock = Incumbent(RoutePool(problem)), SetClock()
    incumbent.offer(incumbent.pool.add_routes(routes))
    return Chaining(incumbent, clock, [seed]), clock


def solved(problem: CVRP, **options: object) -> float:
    """Solve by the clock and check the routes; return their cost."""
    config = SolveConfig(without=("bound",), **options)
    result = solve(problem, config)
    assert faults(problem, result.routes, result.cost) == []
    assert problem.fleet.allows(len(result.routes))
    assert (result.chain_seconds > 0) == config.has_chains
    return result.cost


def test_it_has_a_share_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Due until its share is spent, again when others have had theirs, and first where their work would take more."""
    chain, clock = begun()
    clock.now = 1.0
    assert chain.is_due()
    chain.seconds = 0.81
    assert not chain.is_due()
    assert chain.is_due(expected=0.1)
    clock.now = 1.2
    assert chain.is_due()
    assert not chain.is_due(elsewhere=0.3)
    monkeypatch.setattr(chaining, "is_ready", lambda room: room != "search")
    assert not chain.is_due()  # its kernels are still being compiled
    monkeypatch.undo()
    clock.now = 10.0
    assert not chain.is_due()


def test_it_needs_a_clock_and_routes() -> None:
    """Without one of them it is never due."""
    problem, routes = routed(3, 50)
    incumbent = Incumbent(RoutePool(problem))
    assert not Chaining(incumbent, SetClock(), [0]).is_due(1.0)
    incumbent.offer(incumbent.pool.add_routes(routes))
    assert Chaining(incumbent, SetClock(), [0]).is_due(1.0)
    assert not Chaining(incumbent, Budget(100, None), [0]).is_due(1.0)


def test_it_improves_the_best_routes_and_fills_the_pool() -> None:
    """By more than a percent in 60 slices; the routes in between are in the pool."""
    chain, clock = begun()
    first, n_routes = chain.incumbent.cost, len(chain.incumbent.pool)
    improved = 0
    for clock.now in np.linspace(0.0, 9.99, 60):
        improved += chain.advance()
    assert improved > 1
    assert chain.incumbent.cost < 0.99 * first
    assert len(chain.incumbent.pool) > 2 * n_routes


def test_a_part_above_the_capacity_stays_out_of_the_pool() -> None:
    """Where the others' routes exceed it, a worker offers nothing of its own; within it, it does."""
    for is_within in (False, True):
        chain, clock = begun()
        problem, pool = chain.incumbent.pool.problem, chain.incumbent.pool
        routes = [pool.routes[column] for column in chain.incumbent.columns]
        others = routes[:3] if is_within else [np.concatenate(routes[:3])]
        before = chain.incumbent.cost
        chain.share(Part(routes[3:], others, 2, chaining.Cooling(problem.n_customers)))
        for clock.now in np.linspace(0.0, 9.9, 60):
            chain.advance()
        assert (chain.incumbent.cost < before) == is_within
        assert all(problem.demand[route - 1].sum() <= problem.capacity for route in pool.routes)


def test_the_temperature_falls_with_the_clock() -> None:
    """From one mean arc to a hundredth, between the first slice and the end."""
    chain, clock = begun()
    clock.now = 2.0
    chain.advance()
    mean_arc = chain.incumbent.cost / (50 + len(chain.incumbent.columns))
    assert chain.temperature == pytest.approx(mean_arc)
    clock.now = 6.0
    assert chain.temperature == pytest.approx(0.1 * mean_arc)
    clock.now = 10.0
    assert chain.temperature == pytest.approx(0.01 * mean_arc)


def test_a_long_clock_has_several_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The temperature rises again each time, and loads may exceed the capacity in every other cycle only."""
    monkeypatch.setattr(chaining, "_MOVES_PER_CUSTOMER", 100)
    chain, clock = begun()
    shown, soft, mean_arc = [], [], chain.incumbent.cost / (50 + len(chain.incumbent.columns))
    for clock.now in np.linspace(0.0, 9.99, 60):
        chain.advance()
        shown.append(chain.temperature / mean_arc)
        assert chain._chain is not None
        soft.append(chain._chain.is_soft)
    rises = [later for earlier, later in itertools.pairwise(shown) if later > 3.0 * earlier]
    assert 2 <= len(rises) <= 6
    assert min(rises) > 0.5
    changes = [k for k in range(1, 60) if soft[k] != soft[k - 1]]
    assert changes == [k for k in range(1, 60) if shown[k] > 3.0 * shown[k - 1]]
    assert soft[0]


def test_it_goes_on_from_better_routes_of_others() -> None:
    """Routes that set partitioning or a move has found are where the next slice starts."""
    ahead, clock = begun()
    for clock.now in np.linspace(0.0, 9.99, 60):
        ahead.advance()
    behind, clock = begun(seed=1)
    behind.advance()
    found = [ahead.incumbent.pool.routes[column] for column in ahead.incumbent.columns]
    behind.incumbent.offer(behind.incumbent.pool.add_routes(found))
    clock.now = 9.9999
    behind.advance()
    assert behind._chain is not None
    assert behind._chain.cost[1] <= ahead.incumbent.cost + 1e-6


@pytest.mark.usefixtures("processor_clock")
@pytest.mark.parametrize("fleet", ["free", "exact:13", "atleast:15", "atmost:12"])
def test_a_solve_by_the_clock_uses_it(fleet: str) -> None:
    """Under every fleet rule; routes are valid."""
    problem = plane(3, 50, fleet=Fleet.parse(fleet))
    assert solved(problem, seconds=0.4) > 0.0


@pytest.mark.parametrize("fleet", ["free", "exact:13", "atleast:15", "atmost:12"])
def test_a_solve_ends_by_the_wall_clock(fleet: str) -> None:
    """0.2 s by the wall clock cost the processor at most 5 s more: other programs can only lower that."""
    problem = plane(3, 50, fleet=Fleet.parse(fleet))
    solve(problem, seconds=1e-3)  # kernels are compiled before the clock starts
    before = time.process_time()
    assert solve(problem, seconds=0.2).solution.is_feasible(problem)
    assert time.process_time() - before < 5.2


def test_only_a_clock_alone_and_exact_knapsacks_use_it() -> None:
    """Evaluations cannot count it, and an approximate sampler would not show beside it."""
    alone = SolveConfig(seconds=1.0)
    assert alone.has_chains
    for more in ({"evaluations": 9}, {"sampler": "greedy"}, {"without": ("chains",)}, {"method": "reference"}):
        assert not replace(alone, **more).has_chains
    assert not SolveConfig().has_chains
    solved(plane(3, 30), seconds=30.0, evaluations=20)


@pytest.mark.usefixtures("processor_clock")
def test_it_wins_by_the_clock() -> None:
    """Over a few instances, half a second with it gives shorter routes than half a second without."""
    total = np.zeros(2)
    for seed in range(3):
        problem = plane(seed, 120)
        total += [solve(problem, seconds=0.5, without=without).cost for without in (("bound",), ("bound", "chains"))]
    assert total[0] < total[1]
