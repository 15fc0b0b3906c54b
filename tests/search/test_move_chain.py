"""The compiled chain: costs, fleet rules, optima of tiny instances, determinism and odd instances."""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lagrl.problems.cvrp import CVRP
from lagrl.problems.solution import faults
from lagrl.recovery.polish import split_to
from lagrl.recovery.savings import clarke_wright
from lagrl.search.move_chain import MoveChain

FLEETS = ["free", "exact:8", "exact:12", "atleast:12", "atmost:8", "atmost:30"]


def drawn(seed: int, n_customers: int, capacity: int = 15, rounding: str = "nint", fleet: str = "free") -> CVRP:
    """Draw customers with demands 0 … 5 on a grid of 100 by 100."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 100, (n_customers + 1, 2))
    demand = rng.integers(0, 6, n_customers)
    return CVRP.from_coordinates("drawn", points, demand, capacity, rounding=rounding, fleet=fleet)


def first_routes(problem: CVRP) -> list[np.ndarray]:
    """Routes that meet the fleet rule: each as full as possible, then cut where the rule wants more."""
    routes: list[list[int]] = []
    room: list[int] = []
    for customer in sorted(range(1, problem.n_customers + 1), key=lambda c: -problem.demand[c - 1]):
        weight = int(problem.demand[customer - 1])
        k = next((k for k, left in enumerate(room) if left >= weight), len(room))
        if k == len(room):
            routes.append([])
            room.append(problem.capacity)
        routes[k].append(customer)
        room[k] -= weight
    return split_to(problem, [np.array(route) for route in routes], problem.fleet.fewest)


def checked(problem: CVRP, chain: MoveChain, *, is_soft: bool = False) -> None:
    """Both sets of routes serve everybody within the fleet rule, at the costs that are stated.

    Loads are within the capacities; those of the current routes of a soft chain may exceed them by a tenth.
    """
    allowed = problem.capacity + math.ceil(0.1 * problem.capacity) if is_soft else problem.capacity
    wider = dataclasses.replace(problem, capacity=allowed)
    for within, routes, cost in (
        (wider, chain.routes(), chain.cost[0]),
        (problem, chain.best_routes(), chain.cost[1]),
    ):
        assert faults(within, [route.tolist() for route in routes], cost) == []
        assert problem.fleet.allows(len(routes))


def optimum(problem: CVRP) -> float:
    """Return the least cost over all routes of a tiny instance, under its fleet rule, by trying everything."""
    n, distance = problem.n_customers, problem.distance
    tour = {0: 0.0}
    for chosen in range(1, 2**n):
        customers = [i + 1 for i in range(n) if chosen >> i & 1]
        if sum(problem.demand[c - 1] for c in customers) > problem.capacity:
            continue
        stops = ([0, *order, 0] for order in itertools.permutations(customers))
        tour[chosen] = min(float(distance[path[:-1], path[1:]].sum()) for path in stops)
    best = {(0, 0): 0.0}  # by customers served and number of routes
    for served in range(2**n):
        for n_routes in range(n):
            if (served, n_routes) not in best:
                continue
            first = next((i for i in range(n) if not served >> i & 1), None)
            for chosen, cost in tour.items():
                if first is not None and chosen >> first & 1 and not chosen & served:
                    key = (served | chosen, n_routes + 1)
                    best[key] = min(best.get(key, np.inf), best[served, n_routes] + cost)
    return min(cost for (served, k), cost in best.items() if served == 2**n - 1 and problem.fleet.allows(k))


@pytest.mark.parametrize("is_soft", [False, True])
@pytest.mark.parametrize("rounding", ["nint", "none"])
@pytest.mark.parametrize("fleet", FLEETS)
def test_routes_are_valid_at_their_cost(fleet: str, rounding: str, is_soft: bool) -> None:
    """After any number of moves, hot or cold, costs are those of the routes, which keep the fleet rule."""
    problem = drawn(1, 40, rounding=rounding, fleet=fleet)
    chain = MoveChain(problem, first_routes(problem), seed=3, is_soft=is_soft)
    first = chain.cost[1]
    for temperature in (30.0, 3.0, 0.3, 0.0):
        for n_moves in (1, 2, 7, 500):
            assert 0 <= chain.run(temperature, n_moves) <= n_moves
            checked(problem, chain, is_soft=is_soft)
    assert chain.cost[1] < first


@pytest.mark.parametrize("fleet", ["free", "exact:2", "exact:3", "exact:6", "atleast:4", "atmost:2"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("is_soft", [False, True])
def test_tiny_instances_are_solved(fleet: str, seed: int, is_soft: bool) -> None:
    """The best routes of six customers, under every fleet rule, are those of trying everything."""
    problem = drawn(seed, 6, capacity=14, fleet=fleet)
    chain = MoveChain(problem, first_routes(problem), seed=0, is_soft=is_soft)
    for temperature in (40.0, 20.0, 10.0, 5.0):
        chain.run(temperature, 2_000)
    checked(problem, chain, is_soft=is_soft)
    assert chain.cost[1] == pytest.approx(optimum(problem))


def test_a_soft_chain_returns_within_the_capacity() -> None:
    """It has loads above the capacity on the way, current routes within it again, and the best never exceed it."""
    problem = drawn(5, 60, capacity=12)
    chain = MoveChain(problem, first_routes(problem), seed=4, is_soft=True)
    excess = []
    for temperature in np.geomspace(20.0, 0.5, 200):
        chain.run(float(temperature), 100)
        excess.append(sum(max(problem.demand[route - 1].sum() - 12, 0) for route in chain.routes()))
        checked(problem, chain, is_soft=True)
    assert 0.1 < np.mean(np.array(excess) == 0) < 0.9


def test_a_soft_chain_may_start_above_the_capacity() -> None:
    """There are no best routes until some are within the capacity."""
    problem = drawn(6, 20, capacity=15)
    routes = first_routes(problem)
    chain = MoveChain(problem, routes, seed=0, is_soft=True)
    chain.continue_from([np.concatenate(routes[:2]), *routes[2:]])
    assert chain.best_routes() == []
    assert chain.cost[1] == np.inf
    chain.run(5.0, 20_000)
    checked(problem, chain, is_soft=True)


def test_the_same_seed_gives_the_same_routes() -> None:
    """To the last customer; another seed goes another way."""
    problem = drawn(2, 60)
    made = []
    for seed in (5, 5, 6):
        chain = MoveChain(problem, first_routes(problem), seed)
        chain.run(5.0, 300)
        made.append([route.tolist() for route in chain.routes()])
    assert made[0] == made[1] != made[2]


def test_a_chain_beats_savings() -> None:
    """A few thousand moves from savings improve them by some percent."""
    problem = drawn(4, 80)
    chain = MoveChain(problem, [np.array(route) for route in clarke_wright(problem).routes], seed=0)
    start = chain.cost[1]
    for temperature in np.geomspace(10.0, 0.1, 20):
        chain.run(float(temperature), 1000)
    assert chain.cost[1] < 0.98 * start
    checked(problem, chain)


ODD = [
    drawn(0, 1),
    drawn(0, 2),
    drawn(0, 2, fleet="exact:2"),
    drawn(0, 30, capacity=10_000),
    drawn(0, 30, fleet="exact:30"),
    drawn(0, 8, fleet="atmost:30"),
    CVRP.from_distances("zero", np.zeros((13, 13)), np.ones(12), 4),
    CVRP.from_distances("no demand", 7.0 - 7.0 * np.eye(13), np.zeros(12), 1, fleet="atleast:3"),
    CVRP.from_distances("huge", 1e307 - 1e307 * np.eye(9), np.ones(8), 2),
    CVRP.from_distances("full", 9.0 - 9.0 * np.eye(9), np.ones(8), 2, fleet="exact:4"),
]
"""One customer, a capacity for all, a vehicle each, more vehicles than customers, no distance, no demand, no room."""


def moved(problem: CVRP, *, is_soft: bool = False) -> None:
    """Make some moves from first routes, hot and cold, and then on half of them; all routes are valid."""
    chain = MoveChain(problem, first_routes(problem), seed=1, is_soft=is_soft)
    for temperature in (1.0, 0.0):
        chain.run(temperature, 300)
        checked(problem, chain, is_soft=is_soft)
    routes = chain.best_routes() if is_soft else chain.routes()
    part, others = routes[: (len(routes) + 1) // 2], routes[(len(routes) + 1) // 2 :]
    chain.continue_from(part, len(others), 2)
    chain.run(1.0, 300)
    now = chain.best_routes() if is_soft else chain.routes()
    assert faults(problem, [route.tolist() for route in [*now, *others]]) == []
    assert problem.fleet.allows(len(chain.routes()) + len(others))


@pytest.mark.parametrize("is_soft", [False, True])
@pytest.mark.parametrize("problem", ODD, ids=lambda problem: f"{problem.name}-{problem.n_customers}-{problem.fleet}")
def test_odd_instances(problem: CVRP, is_soft: bool) -> None:
    """Valid routes, hot and cold, and where others have half of them."""
    moved(problem, is_soft=is_soft)


def test_no_index_is_out_of_range(request: pytest.FixtureRequest) -> None:
    """Kernels compiled with bounds checks, which do find a bad index, find none over odd instances and every fleet."""
    run = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import test_move_chain as tests
from lagrl.signatures import INTS, int64, kernel

@kernel(int64(INTS, int64))
def item(values, i):
    return values[i]

try:
    item(np.zeros(3, np.int64), 3)
except IndexError:
    for problem in [*tests.ODD, *(tests.drawn(1, 40, fleet=fleet) for fleet in tests.FLEETS)]:
        for is_soft in (False, True):
            tests.moved(problem, is_soft=is_soft)
    print("checked")
"""
    script = request.config.cache.mkdir("bounds_checked") / "run.py"
    script.write_text(run, encoding="utf-8")
    settings = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(script.parent)}
    command = [sys.executable, str(script), str(Path(__file__).parent)]
    assert subprocess.run(command, env=settings, capture_output=True, text=True, check=True).stdout == "checked\n"


def test_a_chain_continues_from_other_routes() -> None:
    """What was there before leaves no trace, more or fewer routes alike."""
    problem = drawn(7, 30)
    alone = [np.array([customer]) for customer in range(1, 31)]
    chain = MoveChain(problem, alone, seed=1)
    chain.run(1.0, 1000)
    chain.continue_from(first_routes(problem))
    assert [route.tolist() for route in chain.best_routes()] == [route.tolist() for route in first_routes(problem)]
    chain.continue_from(alone)
    chain.run(0.0, 1000)
    checked(problem, chain)


def test_compiled_moves_are_those_of_the_source() -> None:
    """Python, which checks every index, makes the same moves as the compiled kernel, under an exact fleet too."""
    run = """
import json, sys
sys.path.insert(0, sys.argv[1])
from test_move_chain import MoveChain, drawn, first_routes
made = []
for fleet, is_soft in (("free", False), ("exact:9", False), ("free", True)):
    problem = drawn(3, 25, fleet=fleet)
    chain = MoveChain(problem, first_routes(problem), seed=2, is_soft=is_soft)
    for _ in range(3): chain.run(4.0, 60)
    made.append([[route.tolist() for route in routes] for routes in (chain.routes(), chain.best_routes())])
print(json.dumps(made))
"""
    command = [sys.executable, "-c", run, str(Path(__file__).parent)]
    shown = [
        subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True, check=True).stdout
        for more in ({}, {"NUMBA_DISABLE_JIT": "1"})
    ]
    assert shown[0] == shown[1]
