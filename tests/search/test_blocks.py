"""The search in blocks: its parts equal those with a matrix, its routes are valid, and what it cannot do is refused."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lagrl.compilation import compile_kernels
from lagrl.errors import InputError, SolutionError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.problems.generate import generate
from lagrl.problems.solution import faults
from lagrl.recovery.pool import lengths
from lagrl.recovery.savings import clarke_wright
from lagrl.search import blocks
from lagrl.search.blocks import BlockSearch, divided, remaining_rule
from lagrl.search.move_chain import MoveChain
from lagrl.solve_config import SolveConfig
from lagrl.solver import solve

if TYPE_CHECKING:
    from lagrl.problems.distances import Rounding


def drawn(n_customers: int, rounding: Rounding = "nint", fleet: str = "free") -> tuple[CVRP, CVRP]:
    """Draw an instance, and return it with and without its matrix."""
    rng = np.random.default_rng(n_customers)
    points, demand = rng.uniform(0, 1000, (n_customers + 1, 2)), rng.integers(0, 6, n_customers)
    problem = CVRP.from_coordinates("drawn", points, demand, 20, rounding=rounding, fleet=fleet)
    return problem, replace(problem, matrix=None)


def searched(problem: CVRP, size: int, seed: int = 0) -> BlockSearch:
    """Search under a clock that is 10 ms later each time that it is read, so that its speed does not matter."""
    now = itertools.count()
    compile_kernels("recovery", "relaxation", "search")  # reads the clock
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_MOST", 400)
        patch.setattr(time, "perf_counter", lambda: 0.01 * next(now))
        search = BlockSearch(problem, SolveConfig(seconds=4.0, seed=seed), size=size)
        search.run()
    return search


@pytest.mark.parametrize("rounding", ["nint", "none"])
def test_savings_and_chains_are_those_with_a_matrix_to_the_bit(rounding: str) -> None:
    """First routes, their lengths, and the routes after moves in a part of the instance."""
    problem, bare = drawn(90, rounding)
    first, same = clarke_wright(problem), clarke_wright(bare)
    assert first == same
    routes = [np.array(route) for route in first.routes]
    assert np.array_equal(lengths(problem, routes), lengths(bare, routes))
    found = []
    for one in (problem, bare):
        customers = np.sort(np.concatenate(routes[:8]))
        number = {c: i for i, c in enumerate(customers.tolist(), 1)}
        chain = MoveChain(
            one.restricted_to(customers), [np.array([number[c] for c in r.tolist()]) for r in routes[:8]], 3
        )
        chain.run(5.0, 2000)
        found.append(([route.tolist() for route in chain.routes()], chain.cost.tolist()))
    assert found[0] == found[1]


def test_near_savings_are_those_of_all_pairs_where_lists_are_long_enough() -> None:
    """With 300 customers a list leaves pairs out, and the routes cost at most 2 % more."""
    problem, bare = drawn(300)
    full, near = clarke_wright(problem).cost, clarke_wright(bare)
    assert faults(bare, near.routes, near.cost) == []
    assert near.cost <= 1.02 * full


@pytest.mark.parametrize("size", [1, 30, 90, 1000])
def test_blocks_hold_every_route_once(size: int) -> None:
    """Of at most `size` customers, or one route; hardly more blocks than needed."""
    problem, _ = drawn(400)
    routes = [np.array(route) for route in clarke_wright(problem).routes]
    found = divided(problem, routes, size, np.random.default_rng(1))
    assert sorted(k for block in found for k in block) == list(range(len(routes)))
    assert all(len(block) == 1 or sum(len(routes[k]) for k in block) <= size for block in found)
    assert size < 30 or len(found) <= 2 * -(-400 // size) - (size == 1000)


@pytest.mark.parametrize(
    ("fleet", "n_others", "expected"),
    [
        ("free", 9, "free"),
        ("exact:12", 9, "exact:3"),
        ("atmost:30", 9, "atmost:21"),
        ("atleast:12", 9, "atleast:3"),
        ("atleast:12", 12, "free"),
    ],
)
def test_a_block_keeps_the_rule_of_all(fleet: str, n_others: int, expected: str) -> None:
    """Any number of routes that the remaining rule allows is allowed together with the others."""
    rule, whole = remaining_rule(Fleet.parse(fleet), n_others), Fleet.parse(fleet)
    assert str(rule) == expected
    assert all(rule.allows(k) == whole.allows(k + n_others) for k in range(1, 40))


@pytest.mark.parametrize("fleet", ["free", "atleast:70", "atmost:39", "exact:65"])
@pytest.mark.parametrize("rounding", ["nint", "none"])
def test_routes_are_valid_and_better(fleet: str, rounding: str) -> None:
    """After visits of several blocks: valid routes at their cost, better than the savings, the same again."""
    _, bare = drawn(300, rounding, "free")
    bare = replace(bare, fleet=Fleet.parse(fleet))
    first = searched(bare, 80)
    solution = first.incumbent.solution()
    assert solution is not None
    assert faults(bare, solution.routes, first.incumbent.cost) == []
    assert first.incumbent.cost < first.incumbent.history[0][2]
    assert searched(bare, 80).incumbent.solution() == solution
    assert searched(bare, 80, seed=1).incumbent.solution() != solution


def test_a_fleet_that_savings_do_not_meet_is_one_clear_line() -> None:
    """Five demands of 3, 3 and 2, 2, 2 fill two vehicles of 6, which neither savings nor insertion finds."""
    points = [(0, 0), (9, 9), (9, -9), (10, 10), (10, -10), (-9, 0)]
    tight = CVRP.from_coordinates("tight", points, [3, 3, 2, 2, 2], 6, fleet="atmost:2")
    with pytest.raises(SolutionError, match=r"^tight: fleet: no routes that meet the fleet rule atmost:2 were found"):
        solve(replace(tight, matrix=None), seconds=0.1)


def test_the_record_says_what_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance above the limit: savings and chains alone; the callback stops it, after the savings too."""
    problem, now = generate(5001, seed=1), itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: 0.01 * next(now))
    result = solve(problem, seconds=2.0)
    assert 2.0 <= result.elapsed < 2.2
    assert faults(problem, result.routes, result.cost) == []
    record = result.record()
    assert record["parts"] == ["chains"]
    assert (record["evaluations"], record["lower_bound"], record["dual_value"]) == (0, None, None)
    assert result.cost < result.history[0][2]
    stopped = solve(problem, seconds=1e6, on_evaluation=lambda now: True)
    assert stopped.is_interrupted and stopped.parts == ()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "seconds"),
        ({"evaluations": 50}, "evaluations"),
        ({"seconds": 1, "evaluations": 50}, "evaluations"),
        ({"seconds": 1, "method": "reference"}, "method"),
        ({"seconds": 1, "controller": "volume"}, "controller"),
        ({"seconds": 1, "sampler": "qaoa"}, "sampler"),
        ({"seconds": 1, "workers": 2}, "workers"),
        ({"seconds": 1, "without": "chains"}, "without"),
        ({"seconds": 1, "linearisations": 3}, "linearisations"),
        ({"seconds": 1, "shots": 7}, "shots"),
        ({"seconds": 1, "seedings": "sweep"}, "seedings"),
        ({"seconds": 1, "journal": "answers.jsonl"}, "journal"),
    ],
)
def test_what_chains_do_not_use_is_refused(settings: dict[str, Any], field: str) -> None:
    """One line names the setting and the reason, before anything runs."""
    _, bare = drawn(20)
    with pytest.raises(InputError, match=f"^drawn: {field}: .*20 customers, without a distance matrix"):
        solve(bare, **settings)


def test_tiny_and_odd_instances() -> None:
    """One customer, all at one place, one block for all, and a route longer than a block."""
    for n, places in ((1, 5), (2, 5), (40, 1), (40, 3)):
        points = np.random.default_rng(n).integers(0, places, (n + 1, 2))
        problem = CVRP.from_coordinates("odd", points, np.ones(n, np.int64), 25, rounding="none")
        result = searched(replace(problem, matrix=None), 20)
        solution = result.incumbent.solution()
        assert solution is not None and faults(problem, solution.routes, solution.cost) == []


def test_a_route_too_long_for_a_matrix_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """One vehicle that takes everybody: the routes are those of the savings, and the search ends at once."""
    monkeypatch.setattr(blocks, "MOST_IN_MATRIX", 30)
    _, bare = drawn(40)
    bare = replace(bare, capacity=1000)
    search = searched(bare, 20)
    assert search.incumbent.solution() == clarke_wright(bare)
    assert search.report().record.seconds_of["chains"] == 0.0
