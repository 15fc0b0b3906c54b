"""The compiled insertion beyond what `relinearise` shows of it."""

from __future__ import annotations

import numpy as np
import pytest

from lagrl.problems.cvrp import CVRP
from lagrl.problems.solution import route_cost
from lagrl.relaxation import insertion_kernels


def grid(n_customers: int) -> CVRP:
    """Draw customers on a grid."""
    rng = np.random.default_rng(n_customers)
    return CVRP.from_coordinates("grid", rng.integers(0, 50, (n_customers + 1, 2)), [1] * n_customers, n_customers)


def test_route_lengths_are_those_of_the_depot_and_back() -> None:
    """Routes laid end to end are measured one by one; an empty one between them is 0 long."""
    problem = grid(8)
    routes = [[3, 1, 4], [], [8], [2, 5, 7, 6]]
    length = np.full(4, np.nan)
    start = np.cumsum([0, *map(len, routes)])
    insertion_kernels.route_lengths(problem.distance, np.concatenate(routes).astype(np.int64), start, length)
    assert length.tolist() == [route_cost(problem, route) for route in routes]


def test_turns_decide_who_goes_first() -> None:
    """Customers are inserted in the given order, whatever their own, and ties take the first place."""
    distance = np.full((4, 4), 10.0) - 10.0 * np.eye(4)  # every place is as good
    customer, vehicle = np.array([1, 2, 3]), np.zeros(3, np.int64)
    node, start = np.empty(0, np.int64), np.array([0, 0])
    for order in ([0, 1, 2], [2, 0, 1]):
        new_node, new_start = np.empty(3, np.int64), np.empty(2, np.int64)
        turns = np.array(order)
        insertion_kernels.insert_customers(distance, node, start, customer, vehicle, turns, new_node, new_start)
        assert new_start.tolist() == [0, 3]
        assert new_node.tolist() == customer[turns[::-1]].tolist()


@pytest.mark.parametrize("n_routes", [1, 3])
def test_inputs_stay_as_they_are(n_routes: int) -> None:
    """The kept routes are read, never written: other code may use them."""
    problem = grid(9)
    node, start = np.arange(1, 7), np.linspace(0, 6, n_routes + 1).astype(np.int64)
    node_before, start_before = node.copy(), start.copy()
    new_node, new_start = np.empty(9, np.int64), np.empty(n_routes + 1, np.int64)
    insertion_kernels.insert_customers(
        problem.distance,
        node,
        start,
        np.array([7, 8, 9]),
        np.array([0, n_routes - 1, -1]),
        np.arange(3),
        new_node,
        new_start,
    )
    assert new_start[-1] == 8
    np.testing.assert_array_equal(node, node_before)
    np.testing.assert_array_equal(start, start_before)
