"""The compiled chain: costs, fleet rules, optima of tiny instances, determinism and odd instances."""

from __future__ import annotations

import itertools
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
    return CVRP.from_coordinates("drawn", points, demand, capacity, rounding=rounding, fleet=fleet)  # type: ignore[arg-type]


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


def checked(problem: CVRP, chain: MoveChain) -> None:
    """Both sets of routes serve everybody within the capacities and the fleet rule, at the costs that are stated."""
    for routes, cost in ((chain.routes(), chain.cost[0]), (chain.best_routes(), chain.cost[1])):
        assert faults(problem, [route.tolist() for route in routes], cost) == []
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


@pytest.mark.parametrize("rounding", ["nint", "none"])
@pytest.mark.parametrize("fleet", FLEETS)
def test_routes_are_valid_at_their_cost(fleet: str, rounding: str) -> None:
    """After any number of moves, hot or cold, costs are those of the routes, which keep the fleet rule."""
    problem = drawn(1, 40, rounding=rounding, fleet=fleet)
    chain = MoveChain(problem, first_routes(problem), seed=3)
    first = chain.cost[1]
    for temperature in (30.0, 3.0, 0.3, 0.0):
        for n_moves in (1, 2, 7, 500):
            assert 0 <= chain.run(temperature, n_moves) <= n_moves
            checked(problem, chain)
    assert chain.cost[1] < first


@pytest.mark.parametrize("fleet", ["free", "exact:2", "exact:3", "exact:6", "atleast:4", "atmost:2"])
@pytest.mark.parametrize("seed", range(3))
def test_tiny_instances_are_solved(fleet: str, seed: int) -> None:
    """The best routes of six customers, under every fleet rule, are those of trying everything."""
    problem = drawn(seed, 6, capacity=14, fleet=fleet)
    chain = MoveChain(problem, first_routes(problem), seed=0)
    for temperature in (40.0, 20.0, 10.0, 5.0):
        chain.run(temperature, 2_000)
    checked(problem, chain)
    assert chain.cost[1] == pytest.approx(optimum(problem))


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


@pytest.mark.parametrize(
    "problem",
    [
        drawn(0, 1),
        drawn(0, 2),
        drawn(0, 2, fleet="exact:2"),
        drawn(0, 30, capacity=10_000),
        drawn(0, 30, fleet="exact:30"),
        CVRP.from_distances("zero", np.zeros((13, 13)), np.ones(12), 4),
        CVRP.from_distances("no demand", 7.0 - 7.0 * np.eye(13), np.zeros(12), 1, fleet="atleast:3"),
        CVRP.from_distances("huge", 1e307 - 1e307 * np.eye(9), np.ones(8), 2),
        CVRP.from_distances("full", 9.0 - 9.0 * np.eye(9), np.ones(8), 2, fleet="exact:4"),
    ],
    ids=lambda problem: f"{problem.name}-{problem.n_customers}-{problem.fleet}",
)
def test_odd_instances(problem: CVRP) -> None:
    """One customer, a capacity for all, a vehicle each, no distance, no demand, no room left: valid routes."""
    chain = MoveChain(problem, first_routes(problem), seed=1)
    for temperature in (1.0, 0.0):
        chain.run(temperature, 300)
        checked(problem, chain)


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
for fleet in ("free", "exact:9"):
    problem = drawn(3, 25, fleet=fleet)
    chain = MoveChain(problem, first_routes(problem), seed=2)
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
