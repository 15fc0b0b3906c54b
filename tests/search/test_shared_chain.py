"""One chain in parts: splits, the fleet rule, what is joined, and the memory that processes share."""

from __future__ import annotations

import sys
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from routed_problems import plane, routed

from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.problems.solution import faults
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.polish import split_to
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.savings import clarke_wright
from lagrl.search.move_chain import MoveChain
from lagrl.search.shared_chain import SharedChain, split_routes
from lagrl.search.shared_routes import RouteBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Routes = Sequence[NDArray[np.int64]]


def lists(routes: Routes) -> list[list[int]]:
    """Return routes as lists."""
    return [route.tolist() for route in routes]


def incumbent_of(problem: CVRP, routes: Routes) -> Incumbent:
    """Return an incumbent with these routes."""
    incumbent = Incumbent(RoutePool(problem))
    assert incumbent.offer(incumbent.pool.add_routes(routes))
    return incumbent


@pytest.mark.parametrize("n_parts", [1, 2, 3, 40])
def test_a_split_has_every_route_once(n_parts: int) -> None:
    """In parts of about equally many customers; with more parts than routes some are empty; another is different."""
    problem, routes = routed(3, 60)
    rng = np.random.default_rng(0)
    parts = split_routes(problem, routes, n_parts, rng)
    assert len(parts) == n_parts
    assert sorted(lists([route for part in parts for route in part])) == sorted(lists(routes))
    sizes = [sum(map(len, part)) for part in parts]
    longest = max(map(len, routes))
    assert max(sizes) <= 60 / n_parts + longest
    if 1 < n_parts < len(routes):
        assert min(sizes) >= 60 / n_parts - longest
        others = [lists(split_routes(problem, routes, n_parts, rng)[0]) for _ in range(5)]
        assert any(sorted(other) != sorted(lists(parts[0])) for other in others)


def test_parts_are_apart() -> None:
    """Two far clusters of customers are not mixed."""
    points = [[50, 0], *([x, y] for x in (0, 100) for y in range(8))]
    problem = CVRP.from_coordinates("clusters", points, [1] * 16, 2)
    routes = [np.array([c, c + 1]) for c in range(1, 17, 2)]
    rng = np.random.default_rng(1)
    seen = {
        tuple(sorted(len([r for r in part if r[0] <= 8]) for part in split_routes(problem, routes, 2, rng)))
        for _ in range(30)
    }
    assert (0, 4) in seen


def test_tiny_and_huge() -> None:
    """One customer, and distances near the largest number."""
    rng = np.random.default_rng(0)
    single = plane(0, 1)
    assert sum(map(len, split_routes(single, [np.array([1])], 2, rng))) == 1
    huge = CVRP.from_distances("huge", 1e307 - 1e307 * np.eye(9), np.ones(8), 2)
    routes = [np.array([c, c + 1]) for c in range(1, 9, 2)]
    assert [len(part) for part in split_routes(huge, routes, 2, rng)] == [2, 2]


@pytest.mark.parametrize("fleet", ["free", "exact:21", "atleast:21", "atmost:21"])
def test_parts_change_apart_and_meet_the_fleet_rule(fleet: str) -> None:
    """Three chains at once, each on its own routes, joined and split again: valid routes, cheaper than before."""
    problem = plane(5, 60, fleet=Fleet.parse(fleet))
    routes = split_to(problem, [np.array(route) for route in clarke_wright(problem).routes], problem.fleet.fewest)
    incumbent = incumbent_of(problem, routes)
    first = incumbent.cost
    shared = SharedChain(incumbent, 3, [0])
    chains = [MoveChain(problem, routes, seed) for seed in range(3)]
    for progress in np.linspace(0.0, 0.9, 10):
        found = []
        for chain, part in zip(chains, shared.split(progress, 0), strict=True):
            chain.continue_from(part.own, len(part.others), part.n_parts)
            chain.run(5.0 * (1.0 - progress), 300)
            customers = sorted(np.concatenate(part.own).tolist())
            assert sorted(np.concatenate(chain.routes()).tolist()) == customers
            assert chain.cost[1] <= incumbent.pool.cost_of(incumbent.pool.add_routes(part.own)) + 1e-6
            found.append((chain.routes(), chain.best_routes()))
        shared.join(found)
        joined = [route for current, _ in found for route in current]
        assert faults(problem, lists(joined)) == []
        assert problem.fleet.allows(len(joined))
    assert incumbent.cost < first
    assert faults(problem, incumbent.solution().routes, incumbent.cost) == []


def test_the_best_of_each_part_make_the_best_of_all() -> None:
    """Improvements of two workers add up; the next parts have their current routes."""
    problem, routes = routed(6, 60)
    incumbent = incumbent_of(problem, [route[::-1] if k % 2 else route for k, route in enumerate(routes)])
    shared = SharedChain(incumbent, 2, [0])
    parts = shared.split(0.0, 0)
    better, worse = [], []
    for part in parts:
        chain = MoveChain(problem, part.own, 0)
        chain.continue_from(part.own, len(part.others), 2)
        chain.run(0.0, 500)
        better.append(chain.best_routes())
        worse.append([np.array([customer]) for route in part.own for customer in route])
    before = incumbent.cost
    shared.join(list(zip(worse, better, strict=True)))
    gain = [incumbent.pool.cost_of(incumbent.pool.add_routes(part.own)) for part in parts]
    gain = [
        cost - incumbent.pool.cost_of(incumbent.pool.add_routes(found))
        for cost, found in zip(gain, better, strict=True)
    ]
    assert min(gain) > 0.0
    assert incumbent.cost == pytest.approx(before - sum(gain))
    assert {len(route) for part in shared.split(0.1, 0) for route in part.own} == {1}


def test_it_goes_on_from_better_routes_of_others() -> None:
    """Set partitioning or a move has found them; so does a new cycle of the temperature."""
    problem, routes = routed(7, 40)
    alone = [np.array([customer]) for customer in range(1, 41)]
    shared = SharedChain(incumbent_of(problem, alone), 2, [0])
    parts = shared.split(0.0, 0)
    shared.incumbent.offer(shared.incumbent.pool.add_routes(routes))
    shared.join([(part.own, part.own) for part in parts])
    found = [route for part in shared.split(0.1, 0) for route in part.own]
    assert sorted(lists(found)) == sorted(lists(routes))


def test_loads_above_the_capacity_stay_out_of_the_pool() -> None:
    """Parts may have them; the best routes of all are joined from workers that have some within the capacity only."""
    problem, routes = routed(9, 60)
    incumbent = incumbent_of(problem, routes)
    first = incumbent.cost
    shared = SharedChain(incumbent, 2, [0])
    chains = [MoveChain(problem, routes, seed, is_soft=True) for seed in range(2)]
    joined = 0
    for progress in np.linspace(0.0, 0.9, 30):
        found = []
        for chain, part in zip(chains, shared.split(progress, 0), strict=True):
            chain.continue_from(part.own, len(part.others), part.n_parts)
            chain.run(8.0 * 0.01**progress, 1500)
            found.append((chain.routes(), chain.best_routes()))
        shared.join(found)
        joined += any(problem.demand[route - 1].sum() > problem.capacity for current, _ in found for route in current)
    assert joined > 5
    assert incumbent.cost < first
    assert faults(problem, incumbent.solution().routes, incumbent.cost) == []
    assert all(problem.demand[route - 1].sum() <= problem.capacity for route in incumbent.pool.routes)


def test_a_worker_without_a_part_changes_nothing() -> None:
    """Of more workers than routes some have none; whatever they return is left out."""
    problem = plane(8, 3, 15)
    routes = [np.array([1, 2, 3])]
    incumbent = incumbent_of(problem, routes)
    shared = SharedChain(incumbent, 3, [0])
    parts = shared.split(0.0, 0)
    assert sorted(len(part.own) for part in parts) == [0, 0, 1]
    shared.join([(routes, routes)] * 3)
    assert [len(part.own) for part in shared.split(0.1, 0)].count(1) == 1


def test_a_box_returns_what_was_written() -> None:
    """Lists of routes, empty ones too; the last list as far as there is room; before the first, nothing."""
    box = RouteBox(get_context("spawn"), 20)
    assert box.read() == []
    some = [np.array([3, 1]), np.array([2])]
    assert box.write(some, [], some) == 2
    assert [lists(routes) for routes in box.read()] == [[[3, 1], [2]], [], [[3, 1], [2]]]
    assert box.write(some, [np.arange(1, 10), np.array([4]), np.array([5])]) == 2
    assert [lists(routes) for routes in box.read()] == [[[3, 1], [2]], [list(range(1, 10)), [4]]]
    assert box.write([]) == 0
    assert box.read() == [[]]
    with pytest.raises(ValueError, match="broadcast"):
        box.write([np.arange(1, 30)], [])


def append(box: RouteBox) -> None:
    """Add a route, in another process."""
    box.write(*box.read(), [np.array([7, 8])])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at the folder of Linux' shared memory")
def test_another_process_writes_to_the_same_memory_and_no_file_is_left() -> None:
    """There is no name that a killed process could leave behind."""
    before = set(Path("/dev/shm").iterdir())
    context = get_context("spawn")
    box = RouteBox(context, 20)
    box.write([np.array([1])])
    process = context.Process(target=append, args=(box,))
    process.start()
    assert not {file for file in set(Path("/dev/shm").iterdir()) - before if file.name.startswith("pym-")}
    process.join()
    assert [lists(routes) for routes in box.read()] == [[[1]], [[7, 8]]]
