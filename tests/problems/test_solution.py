"""Routes, their cost and their faults."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.problems.solution import Solution, faults, route_cost


def line(fleet: Fleet | None = None) -> CVRP:
    """Four customers at 1, 2, 3, 4 on a line from the depot, demands 1, 2, 3, 4, capacity 6."""
    points = [[x, 0] for x in range(5)]
    return CVRP.from_coordinates("line", points, [1, 2, 3, 4], 6, fleet=fleet)


def test_cost_is_there_and_back() -> None:
    """Each route starts and ends at the depot; empty routes are dropped."""
    solution = Solution.of(line(), [[1, 2, 3], [], np.array([4])])
    assert solution == Solution(((1, 2, 3), (4,)), 14.0)
    assert (solution.n_routes, solution.is_feasible(line())) == (2, True)
    assert route_cost(line(), [3, 1, 2]) == 3 + 2 + 1 + 2


@pytest.mark.parametrize("customer", [-1, 0, 5])
def test_unknown_customers_have_no_cost(customer: int) -> None:
    """The depot, negative numbers and numbers above n are not customers."""
    with pytest.raises(IndexError, match=f"customer {customer} is not in 1 … 4"):
        Solution.of(line(), [[1, customer]])


@pytest.mark.parametrize(
    ("routes", "options", "expected"),
    [
        ([[1, 2, 3], [4]], {}, []),
        ([[1, 2, 3], [4]], {"stated_cost": 14.004}, []),
        ([[1, 2, 3], [4]], {"stated_cost": 15.0}, ["stated cost is 15, the routes cost 14"]),
        ([[1, 2, 3]], {}, ["customer 4 is not visited"]),
        ([[1, 2, 3], [4, 1]], {}, ["customer 1 is visited 2 times"]),
        ([[1, 2], [3, 4]], {}, ["route 2 carries 7, above CAPACITY 6"]),
        ([[1, 2, 3], [4], []], {}, ["route 3 is empty"]),
        ([[1, 2, 3], [4, 5]], {"stated_cost": 1.0}, ["customer 5 does not exist (1 … 4)"]),
        ([[1, 2, 3], [4, 0]], {}, ["customer 0 does not exist (1 … 4)"]),
    ],
)
def test_each_fault_is_reported(routes: list[list[int]], options: dict[str, Any], expected: list[str]) -> None:
    """One sentence for each thing that is wrong, none for a solution."""
    assert faults(line(), routes, **options) == expected


@pytest.mark.parametrize(
    ("rule", "right"), [("exact:2", True), ("exact:3", False), ("atleast:3", False), ("atmost:2", True)]
)
def test_the_fleet_rule_is_part_of_feasibility(rule: str, right: bool) -> None:
    """Two routes solve the instance only where the rule allows two."""
    solution = Solution.of(line(), [[1, 2, 3], [4]])
    assert solution.is_feasible(line(Fleet.parse(rule))) is right


@given(order=st.permutations([1, 2, 3, 4]), cuts=st.sets(st.integers(1, 3)))
def test_a_partition_is_faulty_only_by_its_loads(order: list[int], cuts: set[int]) -> None:
    """Of a partition of the customers, only routes with a load (here Σ customers) above 6 are faults."""
    ends = [0, *sorted(cuts), 4]
    routes = [order[i:j] for i, j in itertools.pairwise(ends)]
    assert len(faults(line(), routes)) == sum(sum(route) > 6 for route in routes)
