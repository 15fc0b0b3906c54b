"""Whole-number costs are never above the distances, loads let nothing out, memories are the nearest customers'."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_routes import optimum, small_problem

from lagrl.bounds.route_graph import RouteGraph, positive_loads
from lagrl.bounds.trivial import trivial_bound
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.integers(1, 90), st.integers(1, 400))
def test_what_fits_the_capacity_fits_the_room(demand: list[int], capacity: int, most: int) -> None:
    """For every set of customers; and where the room is large enough, nothing else fits."""
    array = np.minimum(demand, capacity)
    load, room = positive_loads(array, capacity, most)
    assert (load > 0).all()
    is_exact = most >= (capacity + 1) * (len(demand) + 1)
    for size in range(1, len(demand) + 1):
        for chosen in itertools.combinations(range(len(demand)), size):
            fits = array[list(chosen)].sum() <= capacity
            has_room = load[list(chosen)].sum() <= room
            assert has_room or not fits
            if is_exact:
                assert has_room == fits


def test_common_divisors_go_and_huge_rooms_shrink() -> None:
    """So that time and memory depend on what loads can be, not on the unit."""
    assert positive_loads(np.array([300, 500]), 1150, 10**6)[1] <= 11
    load, room = positive_loads(np.array([10**9 - 1, 10**9, 7]), 2 * 10**9, 1000)
    assert room <= 1003
    assert load.tolist() == [499, 500, 1]


@pytest.mark.parametrize("factor", [1e-9, 0.37, 1.0, 1e13])
def test_costs_are_just_below_the_distances(factor: float) -> None:
    """By less than a grid unit, which is a billionth of the longest distance or less; exact for whole numbers."""
    problem = small_problem(3, 6)
    scaled = CVRP("scaled", problem.demand, problem.capacity, problem.distance * factor)
    graph = RouteGraph.of(scaled)
    there = np.roll(scaled.distance, -1, axis=(0, 1)) * graph.scale
    assert (graph.cost % 2 == 0).all()
    assert (graph.cost / 2 <= there).all()
    assert (graph.cost / 2 > there - 1).all()
    assert 1.0 / graph.scale <= 2e-9 * scaled.distance.max()


def test_the_lesser_of_nearly_equal_distances_counts() -> None:
    """A matrix may be symmetric up to rounding only."""
    distance = np.array([[0.0, 1.0, 2.0], [1.0 + 1e-10, 0.0, 3.0], [2.0, 3.0, 0.0]])
    graph = RouteGraph.of(CVRP("nearly", np.array([1, 1]), 2, distance))
    assert np.array_equal(graph.cost, graph.cost.T)
    assert graph.cost[0, 2] == 2 * graph.scale


def test_memories_are_of_the_nearest_customers() -> None:
    """The requested number of neighbours without the customer itself; bits give their positions."""
    graph = RouteGraph.of(small_problem(8, 6), 3)
    distance = graph.cost[:6, :6]
    for j in range(6):
        near = graph.near[j].tolist()
        assert j not in near
        assert len(set(near)) == 3
        others = [i for i in range(6) if i != j and i not in near]
        assert max(distance[j, near]) <= min(distance[j, others])
        assert [graph.bit[j, i] for i in near] == [1, 2, 4]
        assert not graph.bit[j, [j, *others]].any()
    assert RouteGraph.of(small_problem(8, 2), 8).near.shape == (2, 1)


def test_ng_routes_are_told_from_others() -> None:
    """A customer may be visited again after a customer far away."""
    points = [[0, 0], [1, 0], [2, 0], [50, 0], [51, 0]]
    graph = RouteGraph.of(CVRP.from_coordinates("line", points, [1, 1, 1, 1], 10), 1)
    assert graph.is_ng_route((0, 1, 2, 3))
    assert graph.is_ng_route((0, 2, 0))
    assert not graph.is_ng_route((0, 1, 0))
    assert not graph.is_ng_route((0, 0))
    assert not graph.is_ng_route((0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0))


@pytest.mark.parametrize("seed", range(60))
def test_the_trivial_bound_is_one(seed: int) -> None:
    """On the plane and where the triangle inequality does not hold, under any rule."""
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, 4)
    distance = problem.distance if seed % 2 else problem.distance * rng.choice([1.0, 9.0], (5, 5))
    distance = np.maximum(distance, distance.T)
    for fleet in (Fleet(), Fleet("exact", problem.minimum_vehicles), Fleet("atleast", 3), Fleet("atmost", 5)):
        ruled = CVRP("small", problem.demand, problem.capacity, distance, fleet=fleet)
        graph = RouteGraph.of(ruled)
        bound = trivial_bound(graph) / (2 * graph.scale)
        assert bound <= optimum(ruled) * (1 + 1e-12)
        assert bound > 0 or not distance.any()
