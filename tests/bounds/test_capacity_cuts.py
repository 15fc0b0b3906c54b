"""Cuts hold for every solution, and violated ones are found."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from small_routes import drive, small_problem, solutions

from lagrl.bounds.capacity_cuts import CutSeparator
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import minimum_vehicles


def edges_of(routes: list[tuple[int, ...]], n: int) -> np.ndarray:
    """Return how often each edge is driven, [n + 1, n + 1] and symmetric, the depot last."""
    edge = np.zeros((n + 1, n + 1))
    for route in routes:
        for a, b in itertools.pairwise([n, *route, n]):
            edge[a, b] += 1.0
            edge[b, a] += 1.0
    return edge


def boundary(edge: np.ndarray, member: np.ndarray) -> float:
    """Return the weight of the edges that leave a set."""
    inside = np.append(member.astype(bool), False)
    return float(edge[inside][:, ~inside].sum())


@pytest.mark.parametrize("seed", range(15))
def test_every_solution_satisfies_every_cut(seed: int) -> None:
    """Cuts that are found at random mixtures of routes, held against all solutions of the instance."""
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, 5)
    n, everything = problem.n_customers, [edges_of(routes, 5) for routes in solutions(problem)]
    separator = CutSeparator(problem)
    for _ in range(6):
        loops = [tuple(rng.permutation(n)[: rng.integers(1, n + 1)].tolist()) for _ in range(3)]
        member, crossings = drive(separator.separate(sum(edges_of([loop], n) for loop in loops) / 2.0))
        for cut, least in zip(member, crossings, strict=True):
            assert all(boundary(edge, cut) >= least for edge in everything)


@pytest.mark.parametrize("seed", range(10))
def test_what_it_finds_is_violated_and_new(seed: int) -> None:
    """By at least a little each; and the same set does not come twice."""
    rng = np.random.default_rng(seed)
    problem = CVRP.from_coordinates("plane", rng.integers(0, 100, (21, 2)), rng.integers(1, 10, 20), 25)
    order = rng.permutation(20).tolist()
    edge = 0.5 * edges_of([tuple(order)], 20) + 0.5 * edges_of([tuple(order[:10]), tuple(order[10:])], 20)
    separator = CutSeparator(problem)
    first, crossings = drive(separator.separate(edge))
    assert len(first) > 0
    assert all(least - boundary(edge, cut) > 0.01 for cut, least in zip(first, crossings, strict=True))
    again, _ = drive(separator.separate(edge))
    assert not {cut.tobytes() for cut in first} & {cut.tobytes() for cut in again}


def test_a_subtour_and_an_overloaded_route_are_found() -> None:
    """The simplest violations: customers not connected to the depot, and a route that carries too much."""
    problem = CVRP("six", np.full(6, 4), 12, np.ones((7, 7)) - np.eye(7))
    overloaded = edges_of([(0, 1, 2, 3, 4), (5,)], 6)
    cuts, crossings = drive(CutSeparator(problem).separate(overloaded))
    assert 2.0 in [least - boundary(overloaded, cut) for cut, least in zip(cuts, crossings, strict=True)]
    subtour = edges_of([(3, 4, 5)], 6)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        subtour[a, b] = subtour[b, a] = 1.0
    cuts, crossings = drive(CutSeparator(problem).separate(subtour))
    assert ([1, 1, 1, 0, 0, 0], 2) in zip(cuts.tolist(), crossings.tolist(), strict=True)


@pytest.mark.parametrize("seed", range(10))
def test_a_set_needs_the_vehicles_of_bin_packing(seed: int) -> None:
    """Which can be more than its load over the capacity: here all do not fit two to a vehicle."""
    demand = np.random.default_rng(seed).integers(51, 60, 12)
    problem = CVRP("tight", demand, 100, np.ones((13, 13)) - np.eye(13))
    cuts, crossings = drive(CutSeparator(problem).separate(edges_of([tuple(range(12))], 12)))
    vehicles = [minimum_vehicles(demand[cut.astype(bool)], 100) for cut in cuts]
    assert crossings.tolist() == [2 * count for count in vehicles]
    assert any(
        2 * -(-demand[cut.astype(bool)].sum() // 100) < least for cut, least in zip(cuts, crossings, strict=True)
    )


def test_a_solution_violates_nothing() -> None:
    """Nothing is found where nothing is wrong."""
    problem = CVRP("six", np.full(6, 4), 12, np.ones((7, 7)) - np.eye(7))
    cuts, crossings = drive(CutSeparator(problem).separate(edges_of([(0, 1, 2), (3, 4, 5)], 6)))
    assert (len(cuts), len(crossings)) == (0, 0)
