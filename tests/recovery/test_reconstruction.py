"""An assignment becomes pool columns that serve all customers."""

from __future__ import annotations

import numpy as np
import pytest
from small_problems import plane

from lagrl.problems.cvrp import CVRP
from lagrl.problems.solution import faults
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.reconstruction import ClusterTours, InsertionTours
from lagrl.relaxation.relinearise import PartialRoutes


def cut_up(seed: int, n_customers: int = 16) -> tuple[CVRP, RoutePool, list[int]]:
    """Draw customers and keep routes of four, in the order of their numbers."""
    problem = plane(np.random.default_rng(seed), n_customers, 20)
    pool = RoutePool(problem)
    return problem, pool, pool.add_routes([np.arange(first, first + 4) for first in range(1, n_customers, 4)])


def driven(pool: RoutePool, columns: list[int]) -> list[list[int]]:
    """Return the routes of some columns."""
    return [pool.routes[column].tolist() for column in columns]


@pytest.mark.parametrize("seed", range(10))
def test_insertion_serves_everyone(seed: int) -> None:
    """Freed customers join vehicles with room or travel in extra routes; untouched routes come first, as they are."""
    problem, pool, columns = cut_up(seed)
    rng = np.random.default_rng(seed)
    freed = 1 + rng.permutation(8)[:5]  # of the first two routes
    partial = PartialRoutes.of(problem, [pool.routes[column] for column in columns[:2]], freed)
    assignment = rng.integers(-1, 2, 5)
    room = partial.assignment_problem.capacity
    for k in range(2):
        mine = np.flatnonzero(assignment == k)
        assignment[mine[np.cumsum(problem.demand[freed[mine] - 1]) > room[k]]] = -1
    tours = InsertionTours(partial, columns[2:])
    found = tours.columns(pool, assignment)
    assert found[:2] == columns[2:]
    assert faults(problem, driven(pool, found)) == []
    alone = {frozenset(route) for route in driven(pool, found)[2:] if set(route) <= set(freed.tolist())}
    assert set().union(*alone) >= set(freed[assignment < 0].tolist())
    assert not tours.no_empty


def test_a_route_without_anybody_left_is_dropped() -> None:
    """A vehicle whose customers all went elsewhere drives nothing."""
    problem, pool, columns = cut_up(0)
    problem = CVRP(problem.name, problem.demand, 100, problem.distance)
    pool = RoutePool(problem)
    columns = pool.add_routes([np.array([1, 2]), np.arange(3, 17)])
    partial = PartialRoutes.of(problem, [pool.routes[column] for column in columns], np.array([1, 2]))
    found = InsertionTours(partial, []).columns(pool, np.array([1, 1]))
    assert len(found) == 1
    assert sorted(driven(pool, found)[0]) == list(range(1, 17))


def test_loads_are_inserted_one_vehicle_at_a_time() -> None:
    """What each vehicle selected becomes a route with its kept customers, though others selected the same."""
    problem, pool, columns = cut_up(1)
    freed = np.array([4, 5, 6])
    partial = PartialRoutes.of(problem, [pool.routes[column] for column in columns[:3]], freed)
    n_before = len(pool)
    InsertionTours(partial, columns[3:]).add_loads(pool, np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1]], np.uint8))
    new = [set(route.tolist()) for route in pool.routes[n_before:]]
    assert new == [{1, 2, 3, 4, 5}, {5, 6, 9, 10, 11, 12}]


def test_cluster_tours_of_some_customers_keep_the_others_routes() -> None:
    """Fixed columns come first, and clusters contain the neighbourhood's customers only."""
    problem, pool, columns = cut_up(2)
    tours = ClusterTours(True, np.arange(5, 9), [columns[0], *columns[2:]])
    found = tours.columns(pool, np.array([0, 1, 0, -1]))
    assert found[:3] == [columns[0], *columns[2:]]
    assert faults(problem, driven(pool, found)) == []
    assert sorted(sorted(route) for route in driven(pool, found)[3:]) == [[5, 7], [6], [8]]
    assert tours.no_empty
    tours.add_loads(pool, np.array([[1, 1, 1, 0], [0, 0, 0, 0]], np.uint8))
    assert sorted(pool.routes[-1].tolist()) == [5, 6, 7]


def test_cluster_tours_of_everybody() -> None:
    """Without given customers it covers all customers, as the pool does."""
    problem, pool, _ = cut_up(3)
    tours = ClusterTours(False)
    found = tours.columns(pool, np.arange(16) // 4)
    assert found == pool.add_assignment(np.arange(16) // 4)
    assert faults(problem, driven(pool, found)) == []
    assert not tours.no_empty
