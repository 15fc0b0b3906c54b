"""The master kept warm over a growing pool, against solving each pool from scratch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from small_problems import plane

from lagrl.problems.fleet import Fleet
from lagrl.recovery.partition_master import PartitionMaster, RouteMatrix
from lagrl.recovery.pool import RoutePool

FLEETS = [Fleet(), Fleet("atleast", 5), Fleet("exact", 5), Fleet("exact", 7), Fleet("atmost", 5)]
fleets = pytest.mark.parametrize("fleet", FLEETS, ids=str)


def started(seed: int, fleet: Fleet, n_customers: int = 20) -> tuple[RoutePool, list[int], np.random.Generator]:
    """Draw a pool of one solution that meets the fleet rule."""
    rng = np.random.default_rng(seed)
    pool = RoutePool(plane(rng, n_customers, 5 * n_customers, fleet))
    return pool, pool.add_assignment(np.arange(n_customers) % max(fleet.count, 5)), rng


def grow(pool: RoutePool, rng: np.random.Generator, n_routes: int) -> None:
    """Add random routes of one to five customers."""
    n = pool.problem.n_customers
    pool.add_clusters([np.sort(1 + rng.choice(n, int(rng.integers(1, 6)), replace=False)) for _ in range(n_routes)])


def program_value(pool: RoutePool) -> float:
    """Solve the relaxation over all of the pool's routes at once, without any column generation."""
    from lagrl.highs import new_solver

    solver = new_solver()
    solver.passModel(RouteMatrix(pool).program(np.arange(len(pool))))
    solver.run()
    return float(solver.getInfo().objective_function_value)


@fleets
def test_a_warm_sequence_is_a_cold_solve_each_time(fleet: Fleet) -> None:
    """After every growth the value is that of the whole programme, and no route has a negative reduced cost."""
    pool, incumbent, rng = started(0, fleet)
    master, values = PartitionMaster(pool), []
    for n_routes in (0, 1, 30, 0, 300, 5, 600, 600):
        grow(pool, rng, n_routes)
        relaxation = master.relax(incumbent)
        assert relaxation is not None
        assert relaxation.value == pytest.approx(program_value(pool))
        assert len(relaxation.reduced_cost) == len(pool)
        assert relaxation.reduced_cost.min() >= -1e-5
        assert relaxation.value <= pool.cost_of(incumbent) + 1e-6
        values.append(relaxation.value)
    assert all(later <= earlier + 1e-6 for earlier, later in itertools.pairwise(values))
    assert values[-1] < values[0]


@fleets
def test_reduced_costs_are_lengths_less_prices(fleet: Fleet) -> None:
    """The customers' prices, and one for a route, explain every reduced cost; a free fleet's routes have no price."""
    pool, incumbent, rng = started(1, fleet)
    grow(pool, rng, 200)
    relaxation = PartitionMaster(pool).relax(incumbent)
    assert relaxation is not None
    covered = np.array([relaxation.customer_price[route - 1].sum() for route in pool.routes])
    of_a_route = pool.cost - covered - relaxation.reduced_cost
    assert of_a_route == pytest.approx(np.full(len(pool), of_a_route[0]), abs=1e-6)
    if fleet.rule == "free":
        assert of_a_route[0] == pytest.approx(0.0, abs=1e-9)
    else:
        total = relaxation.customer_price.sum() + fleet.count * of_a_route[0]
        assert total == pytest.approx(relaxation.value)


@fleets
def test_columns_leave_and_come_back(fleet: Fleet) -> None:
    """Changing incumbents fill HiGHS until columns leave; values stay those of the whole pool."""
    pool, incumbent, rng = started(2, fleet)
    n, count = pool.problem.n_customers, len(incumbent)
    grow(pool, rng, 100)
    master, held = PartitionMaster(pool), []
    for turn in range(150):
        shuffled = np.empty(n, np.int64)
        shuffled[rng.permutation(n)] = np.arange(n) % count
        incumbent = pool.add_assignment(shuffled)
        relaxation = master.relax(incumbent)
        assert relaxation is not None
        held.append(len(master._held))
        assert len(set(master._held.tolist())) == len(master._held)
        assert master._solver.getNumCol() == len(master._held)
        if turn % 25 == 0 or held[-1] < max(held):
            assert relaxation.value == pytest.approx(program_value(pool))
            assert relaxation.reduced_cost.min() >= -1e-5
    assert min(np.diff(held)) < 0
    assert max(held) < len(pool)
    final = master.relax(incumbent)  # some of its columns have left, or will have
    assert final is not None
    assert final.value == pytest.approx(program_value(pool))


@fleets
def test_routes_appear_under_another_incumbent(fleet: Fleet) -> None:
    """An incumbent of routes added later, which a warm master has never seen, enters by itself."""
    pool, incumbent, rng = started(3, fleet)
    master = PartitionMaster(pool)
    master.relax(incumbent)
    order = rng.permutation(20)
    new = pool.add_assignment(np.argsort(order) % len(incumbent))
    relaxation = master.relax(new)
    assert relaxation is not None
    assert relaxation.value == pytest.approx(program_value(pool))
    assert relaxation.value <= min(pool.cost_of(incumbent), pool.cost_of(new)) + 1e-6


def test_no_time_gives_none_and_harms_nothing() -> None:
    """Without a second there is no relaxation, before the first as later; with time again there is the right one."""
    pool, incumbent, rng = started(4, Fleet())
    master = PartitionMaster(pool)
    assert master.relax(incumbent, 0.0) is None
    grow(pool, rng, 100)
    assert master.relax(incumbent, -1.0) is None
    relaxation = master.relax(incumbent)
    assert relaxation is not None
    assert relaxation.value == pytest.approx(program_value(pool))
    grow(pool, rng, 300)
    assert master.relax(incumbent, 0.0) is None
    relaxation = master.relax(incumbent, 60.0)
    assert relaxation is not None
    assert relaxation.value == pytest.approx(program_value(pool))


def test_the_same_sequence_gives_the_same_prices() -> None:
    """Nothing depends on chance, nor on the clock without one."""
    prices = []
    for _ in range(2):
        pool, incumbent, rng = started(5, Fleet("atleast", 5))
        master = PartitionMaster(pool)
        for n_routes in (50, 200):
            grow(pool, rng, n_routes)
            relaxation = master.relax(incumbent)
            assert relaxation is not None
        prices.append(relaxation.customer_price)
    np.testing.assert_array_equal(*prices)


def test_the_matrix_holds_each_routes_customers() -> None:
    """Entries of chosen columns are their customers and the fleet's row, also for columns taken in later."""
    pool, _, rng = started(6, Fleet(), 9)
    matrix = RouteMatrix(pool)
    n_before = len(matrix)
    grow(pool, rng, 20)
    matrix.update()
    assert n_before < len(matrix) == len(pool)
    matrix.update()
    chosen = np.array([len(pool) - 1, 0, 3])
    start, row = matrix.entries(chosen)
    for number, column in enumerate(chosen):
        mine = row[start[number] : start[number + 1]]
        assert sorted(mine.tolist()) == sorted([*(pool.routes[column] - 1).tolist(), 9])
    price = rng.random(10)
    expected = [cost - price[route - 1].sum() - price[9] for route, cost in zip(pool.routes, pool.cost, strict=True)]
    assert matrix.reduced_cost(price) == pytest.approx(np.array(expected))


def test_a_pool_without_routes_is_an_empty_matrix() -> None:
    """Nothing there yet is no mistake."""
    pool = RoutePool(plane(np.random.default_rng(0), 4))
    assert len(RouteMatrix(pool)) == 0
