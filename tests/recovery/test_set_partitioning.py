"""The best combination of pooled routes, against trying them all."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from small_problems import plane

from lagrl.errors import SolutionError
from lagrl.problems.fleet import Fleet
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.set_partitioning import PartitionLimits, partition

FLEETS = [Fleet(), Fleet("atleast", 3), Fleet("exact", 3), Fleet("exact", 4), Fleet("atmost", 3)]
THOROUGH = PartitionLimits(nodes=10_000)


def small_pool(seed: int, fleet: Fleet, n_clusters: int = 14) -> tuple[RoutePool, list[int]]:
    """Draw a pool over six customers and the columns of one solution of as many routes as the rule names."""
    rng = np.random.default_rng(seed)
    pool = RoutePool(plane(rng, 6, 20, fleet))
    incumbent = pool.add_assignment(np.arange(6) % max(fleet.count, 3))
    for _ in range(n_clusters):
        pool.add_clusters([np.sort(rng.choice(6, rng.integers(1, 4), replace=False)) + 1])
    return pool, incumbent


def cheapest(pool: RoutePool) -> float:
    """Return the cost of the best combination that visits each customer once under the fleet rule, by enumeration."""
    sets = [frozenset(route.tolist()) for route in pool.routes]
    best = np.inf
    for size in range(1, 7):
        for chosen in itertools.combinations(range(len(pool)), size):
            if sum(len(sets[c]) for c in chosen) != 6 or not pool.problem.fleet.allows(size):
                continue
            if len(frozenset().union(*(sets[c] for c in chosen))) == 6:
                best = min(best, pool.cost_of(chosen))
    return best


@pytest.mark.parametrize("fleet", FLEETS, ids=str)
def test_best_combination_is_found(fleet: Fleet) -> None:
    """With nodes enough, the answer is the brute force's, proven, and sometimes better than the incumbent."""
    n_better = 0
    for seed in range(12):
        pool, incumbent = small_pool(seed, fleet)
        found = partition(pool, incumbent, THOROUGH)
        assert found.cost == pytest.approx(cheapest(pool)) == pytest.approx(pool.cost_of(found.columns))
        assert found.is_proven
        assert pool.solution(found.columns).is_feasible(pool.problem)
        n_better += found.cost < pool.cost_of(incumbent)
    assert n_better >= 3


@pytest.mark.parametrize("fleet", FLEETS, ids=str)
@pytest.mark.parametrize("limits", [PartitionLimits(), PartitionLimits(nodes=0), PartitionLimits(columns=4)], ids=repr)
def test_what_is_stated_holds_under_any_limits(fleet: Fleet, limits: PartitionLimits) -> None:
    """The answer solves the instance, is never dearer than the incumbent, and is called proven only where it is."""
    for seed in range(12):
        pool, incumbent = small_pool(seed, fleet)
        found = partition(pool, incumbent, limits)
        assert pool.solution(found.columns).is_feasible(pool.problem)
        assert found.cost <= pool.cost_of(incumbent)
        assert found.cost == pytest.approx(pool.cost_of(found.columns))
        best = cheapest(pool)
        assert found.cost >= best - 1e-6
        assert not found.is_proven or found.cost == pytest.approx(best)


@pytest.mark.parametrize("fleet", FLEETS, ids=str)
def test_prices_are_those_of_the_relaxation(fleet: Fleet) -> None:
    """The relaxation is no dearer than any combination; with a free fleet its prices prove that, route by route."""
    for seed in range(25):
        pool, incumbent = small_pool(seed, fleet)
        found = partition(pool, incumbent)
        assert found.master_value is not None
        assert found.customer_price is not None
        assert found.master_value <= found.cost + 1e-6
        covered = np.array([found.customer_price[route - 1].sum() for route in pool.routes])
        reduced_cost = pool.cost - covered
        if fleet.rule == "free":
            assert reduced_cost.min() >= -1e-6
            assert found.customer_price.sum() == pytest.approx(found.master_value)
        else:  # one more price: that of a route, which the customers' prices leave to be made up
            fleet_price = (found.master_value - found.customer_price.sum()) / fleet.count
            assert reduced_cost.min() >= fleet_price - 1e-6
            assert fleet.rule == "exact" or fleet_price >= -1e-6


def test_relaxation_is_not_always_tight() -> None:
    """Three pairs of three customers: the relaxation takes half of each, which no combination of routes can."""
    problem = plane(np.random.default_rng(0), 3, 20)
    distance = np.full((4, 4), 10.0) - 10.0 * np.eye(4)
    pool = RoutePool(type(problem)("triangle", np.ones(3, np.int64), 2, distance))
    incumbent = pool.add_assignment(np.array([0, 0, 1]))
    pool.add_clusters([np.array([1, 3]), np.array([2, 3])])
    found = partition(pool, incumbent, THOROUGH)
    assert found.master_value == pytest.approx(45.0)
    assert (found.cost, found.is_proven) == (50.0, True)


def test_no_time_returns_the_incumbent() -> None:
    """Where the seconds are over before they begin, the incumbent comes back, with no claim about it."""
    pool, incumbent = small_pool(0, Fleet())
    found = partition(pool, incumbent, PartitionLimits(seconds=0.0))
    assert found.columns == tuple(incumbent)
    assert (found.cost, found.is_proven) == (pool.cost_of(incumbent), False)
    assert found.master_value is found.customer_price is None


def test_rounds_end_the_integer_programme_in_the_same_place() -> None:
    """One round leaves the incumbent where more rounds improve on it; a limit gives the same result twice."""
    rng = np.random.default_rng(9)
    pool = RoutePool(plane(rng, 24, 20))
    incumbent = pool.add_assignment(np.arange(24) // 3)
    for _ in range(700):
        pool.add_clusters([np.sort(rng.choice(24, rng.integers(1, 5), replace=False)) + 1])
    full = partition(pool, incumbent)
    assert full.cost < pool.cost_of(incumbent)
    costs = [partition(pool, incumbent, PartitionLimits(rounds=rounds)).cost for rounds in (1, 1, 3, 3, 10**6)]
    assert costs[0] == costs[1] == pool.cost_of(incumbent)
    assert costs[1] >= costs[2] == costs[3] >= costs[4] == full.cost
    assert not partition(pool, incumbent, PartitionLimits(rounds=1)).is_proven


@pytest.mark.parametrize(("evaluations", "columns"), [(1, 100), (10, 100), (30, 300), (100, 1000), (5000, 1000)])
def test_without_a_clock_the_columns_follow_the_evaluations(evaluations: int, columns: int) -> None:
    """Ten for each, between 100 and 1,000; one node, and no seconds."""
    assert PartitionLimits.without_clock(evaluations) == PartitionLimits(columns=columns)


def test_columns_limit_keeps_the_incumbents() -> None:
    """However few columns may enter, the incumbent's are among them, so there is always an answer."""
    pool, incumbent = small_pool(1, Fleet("exact", 4))
    found = partition(pool, incumbent, PartitionLimits(columns=1))
    assert pool.solution(found.columns).is_feasible(pool.problem)


def test_two_stages_are_no_worse_than_one() -> None:
    """From 300 columns on a small programme goes first; the answer is still the whole one's."""
    rng = np.random.default_rng(9)
    pool = RoutePool(plane(rng, 14, 20))
    incumbent = pool.add_assignment(np.arange(14) // 3)
    for _ in range(700):
        pool.add_clusters([np.sort(rng.choice(14, rng.integers(1, 5), replace=False)) + 1])
    one = partition(pool, incumbent, PartitionLimits(nodes=10_000, columns=299))
    two = partition(pool, incumbent, PartitionLimits(nodes=10_000, columns=2000))
    assert two.is_proven
    assert two.cost <= one.cost < pool.cost_of(incumbent)


def test_same_pool_same_answer() -> None:
    """Nothing in it depends on the clock or on chance."""
    first, second = (partition(*small_pool(5, Fleet())) for _ in range(2))
    assert first.columns == second.columns
    np.testing.assert_array_equal(first.customer_price, second.customer_price)


@pytest.mark.parametrize("change", ["missing", "twice", "fleet", "none"])
def test_incumbent_must_solve_the_instance(change: str) -> None:
    """An incumbent that leaves someone out, visits them twice or breaks the fleet rule is refused by name."""
    pool, incumbent = small_pool(2, Fleet("exact", 4))
    wrong = {"missing": incumbent[1:], "twice": [*incumbent[:3], incumbent[0]], "none": []}
    if change == "fleet":
        wrong["fleet"] = pool.add_assignment(np.arange(6) % 3)
    with pytest.raises(SolutionError, match=r"plane: incumbent: \d routes that do not solve the instance"):
        partition(pool, wrong[change])
