from __future__ import annotations

import math
import re
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.errors import InputError
from lagrl.problems.distances import euclidean
from lagrl.problems.fleet import Fleet, minimum_vehicles
from lagrl.problems.generate import (
    GRID,
    Customers,
    Demand,
    Depot,
    XTypeParams,
    _attracted,
    _attraction,
    generate_x_type,
    sample_params,
)

RANGES = {"U": (1, 1), "1-10": (1, 10), "5-10": (5, 10), "1-100": (1, 100), "50-100": (50, 100)}


def make(seed=0, **changes):
    """Generate one instance from plain defaults and the given changes."""
    values = {"n_customers": 100, "depot": "C", "customers": "R", "demand": "1-10"} | changes
    return generate_x_type(XTypeParams(**values), np.random.default_rng(seed))


def distance_to_nearest(problem):
    """Return the mean distance from a customer to its nearest customer."""
    customers = problem.coordinates[1:]
    distance = euclidean(customers, customers, "none")
    np.fill_diagonal(distance, np.inf)
    return distance.min(axis=1).mean()


@pytest.mark.parametrize("demand", RANGES)
def test_uniform_demands_fill_their_range(demand):
    """A uniform demand class takes every value of its range and no other."""
    low, high = RANGES[demand]
    values = np.concatenate([make(seed, n_customers=1000, demand=demand).demand for seed in range(2)])
    np.testing.assert_array_equal(np.unique(values), np.arange(low, high + 1))


def test_quadrants_decide_the_demand():
    """Under Q, demands are 51 … 100 in the first and third quadrant and 1 … 50 in the second and fourth."""
    problem = make(n_customers=2000, demand="Q")
    x, y = problem.coordinates[1:].T
    odd = ((x >= 500) & (y >= 500)) | ((x < 500) & (y < 500))
    np.testing.assert_array_equal(np.unique(problem.demand[odd]), np.arange(51, 101))
    np.testing.assert_array_equal(np.unique(problem.demand[~odd]), np.arange(1, 51))


def test_most_demands_are_small_and_few_are_large():
    """Under SL, 70 to 95 % of the demands are 1 … 10 and the others 50 … 100, the share varying over that range."""
    shares = []
    for seed in range(60):
        demand = make(seed, n_customers=200, demand="SL").demand
        small = demand <= 10
        assert demand.min() >= 1
        assert demand.max() <= 100
        assert demand[~small].min() >= 50
        shares.append(small.mean())
    assert 0.70 <= min(shares) < 0.74
    assert 0.91 < max(shares) <= 0.95


def test_large_demands_are_spread_over_the_customers():
    """Under SL, the place of a customer in the instance says nothing about its demand."""
    large = np.mean([make(seed, n_customers=100, demand="SL").demand > 10 for seed in range(200)], axis=0)
    assert abs(large[:50].mean() - large[50:].mean()) < 0.02


def test_depot_stands_where_it_should():
    """Depot C is the centre, E the corner, and R somewhere on the grid that depends on the seed."""
    assert make(depot="C").coordinates[0].tolist() == [500, 500]
    assert make(depot="E").coordinates[0].tolist() == [0, 0]
    places = np.array([make(seed, n_customers=2, depot="R").coordinates[0] for seed in range(200)])
    assert len(np.unique(places, axis=0)) == 200
    assert places.min() < 20
    assert places.max() > 980


def test_random_customers_are_uniform_on_the_whole_grid():
    """Customers R fill the grid evenly, borders included."""
    points = np.concatenate([make(seed, n_customers=2000).coordinates[1:] for seed in range(5)])
    assert points.min() == 0
    assert points.max() == GRID
    counts, _, _ = np.histogram2d(*points.T, bins=4, range=[[0, GRID], [0, GRID]])
    np.testing.assert_allclose(counts, len(points) / 16, rtol=0.15)


def test_clusters_are_clusters():
    """Nearest customers are much closer in C than in R, and RC lies between, on average over seeds."""
    mean = {}
    for kind, n_seeds in {"R": None, "C": 3, "RC": 3}.items():
        problems = [make(seed, customers=kind, n_seeds=n_seeds) for seed in range(20)]
        mean[kind] = np.mean([distance_to_nearest(problem) for problem in problems])
    assert mean["C"] < 0.5 * mean["R"]
    assert mean["C"] < mean["RC"] < mean["R"]


def test_distance_from_the_seed_follows_the_exponential_law():
    """Around one seed with room on all sides, exp(−d / 40) in the plane makes the mean distance 2·40 = 80."""
    distances = []
    for seed in range(40):
        points = make(seed, n_customers=100, customers="C", n_seeds=1).coordinates
        if np.all(np.abs(points[1] - GRID / 2) < 200):
            distances.append(np.hypot(*(points[2:] - points[1]).T))
    assert len(distances) >= 4
    assert np.concatenate(distances).mean() == pytest.approx(80, rel=0.07)


def test_half_of_mixed_customers_are_placed_anywhere():
    """Under RC, the first half of the customers (rounded down) is as scattered as R, the other half clustered."""
    problems = [make(seed, n_customers=101, customers="RC") for seed in range(20)]
    anywhere = np.concatenate([problem.coordinates[1:51] for problem in problems])
    assert np.hypot(*(anywhere - 500).T).mean() == pytest.approx(382.6, rel=0.05)  # mean over the square of side 1000
    for problem in problems:
        n_seeds = int(re.search(r"seeds=(\d)", problem.comment)[1])
        seeds, attracted = problem.coordinates[51 : 51 + n_seeds], problem.coordinates[51 + n_seeds :]
        assert len(attracted) == 51 - n_seeds
        assert euclidean(attracted, seeds, "none").min(axis=1).mean() < 110


def test_number_of_seeds_is_drawn_from_three_to_eight():
    """Without a given number, every number of seeds from 3 to 8 occurs and no other; a given one is kept."""
    drawn = {int(re.search(r"seeds=(\d+)", make(s, n_customers=20, customers="C").comment)[1]) for s in range(80)}
    assert drawn == {3, 4, 5, 6, 7, 8}
    assert "seeds=12 " in make(customers="C", n_seeds=12).comment
    assert "seeds" not in make(customers="R").comment


@pytest.mark.parametrize("customers", get_args(Customers))
@pytest.mark.parametrize("n", [1, 2, 3])
def test_tiny_instances_can_be_generated(n, customers):
    """With fewer clustered customers than drawn seeds, all of them are seeds."""
    assert make(n_customers=n, customers=customers).n_customers == n


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), high=st.integers(2, 150))
def test_no_two_nodes_coincide(seed, high):
    """All nodes, the depot included, stand on different whole points of the grid."""
    rng = np.random.default_rng(seed)
    points = generate_x_type(sample_params(rng, (2, high)), rng).coordinates
    assert len(np.unique(points, axis=0)) == len(points)
    assert (points == points.astype(int)).all()
    assert points.min() >= 0
    assert points.max() <= GRID


def test_a_crowded_cluster_has_no_coincident_nodes():
    """Nodes stay distinct even when one seed attracts most of the points near it."""
    points = make(n_customers=1500, customers="C", n_seeds=1, depot="R").coordinates
    assert len(np.unique(points, axis=0)) == 1501


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    demand=st.sampled_from(get_args(Demand)),
    n=st.integers(1, 60),
    route_length=st.floats(1, 30),
)
def test_capacity_follows_from_the_route_length(seed, demand, n, route_length):
    """Q is ⌈r·Σd / n⌉, unless one customer needs more."""
    problem = make(seed, n_customers=n, demand=demand, route_length=route_length)
    wanted = math.ceil(route_length * int(problem.demand.sum()) / n)
    assert problem.capacity == max(wanted, problem.demand.max())


def test_largest_demand_always_fits():
    """A route length too short for the largest demand gives a capacity equal to that demand."""
    problem = make(demand="1-100", route_length=1)
    assert problem.capacity == problem.demand.max()


@pytest.mark.parametrize("demand", get_args(Demand))
def test_average_route_length_is_the_one_asked_for(demand):
    """Over many seeds, full vehicles carry n·Q / Σd = r customers on average, up to the rounding up of Q."""
    problems = [make(seed, demand=demand, route_length=9) for seed in range(40)]
    lengths = [problem.n_customers * problem.capacity / problem.demand.sum() for problem in problems]
    assert min(lengths) >= 9
    assert np.mean(lengths) == pytest.approx(9, rel=0.02)


def test_drawn_route_lengths_are_triangular():
    """Without a given route length, the average over many seeds is (3 + 6 + 25) / 3, and all lie in 3 … 25."""
    problems = [make(seed, n_customers=60, demand="50-100") for seed in range(500)]
    lengths = np.array([problem.n_customers * problem.capacity / problem.demand.sum() for problem in problems])
    assert lengths.mean() == pytest.approx(34 / 3, rel=0.05)
    assert lengths.min() >= 3
    assert lengths.max() <= 25.1
    assert np.mean(lengths < 6) == pytest.approx(9 / 66, abs=0.04)  # (6 − 3)² / ((25 − 3)·(6 − 3))


def test_instance_says_what_it_is():
    """Name, comment, fleet and rounding are those of a free-fleet CVRPLIB instance with these parameters."""
    problem = make(customers="RC", demand="Q", depot="E", n_seeds=5, route_length=7.5)
    assert problem.name == f"G-n101-k{minimum_vehicles(problem.demand, problem.capacity)}"
    assert problem.comment == "generated X-type depot=E customers=RC seeds=5 demand=Q route_length=7.5"
    assert problem.fleet == Fleet()
    assert problem.rounding == "nint"
    assert (problem.distance == np.floor(problem.distance)).all()
    assert generate_x_type(XTypeParams(5, "C", "R", "U"), np.random.default_rng(0), name="mine").name == "mine"


@pytest.mark.parametrize("customers", get_args(Customers))
@pytest.mark.parametrize("demand", get_args(Demand))
@pytest.mark.parametrize("depot", get_args(Depot))
def test_same_seed_gives_the_same_instance(depot, customers, demand):
    """Every combination, generated twice from one seed, is the same to the last bit; another seed differs."""
    first, second, other = (make(seed, depot=depot, customers=customers, demand=demand) for seed in (7, 7, 8))
    assert (first.name, first.capacity, first.comment) == (second.name, second.capacity, second.comment)
    np.testing.assert_array_equal(first.coordinates, second.coordinates)
    np.testing.assert_array_equal(first.demand, second.demand)
    np.testing.assert_array_equal(first.distance, second.distance)
    assert not np.array_equal(first.coordinates, other.coordinates)


def test_training_distribution_covers_everything():
    """Sampled parameters take every value of every characteristic, the whole range of n, and need two vehicles."""
    rng = np.random.default_rng(3)
    drawn = [sample_params(rng, (2, 9)) for _ in range(400)]
    assert {params.depot for params in drawn} == set(get_args(Depot))
    assert {params.customers for params in drawn} == set(get_args(Customers))
    assert {params.demand for params in drawn} == set(get_args(Demand))
    assert {params.n_customers for params in drawn} == set(range(2, 10))
    assert all(generate_x_type(params, rng).minimum_vehicles >= 2 for params in drawn)


def test_sampled_parameters_are_reproducible():
    """The same seed samples the same parameters."""
    first, second = ([sample_params(np.random.default_rng(5), (10, 500)) for _ in range(5)] for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_customers": 0}, r"n_customers: 0 is not a whole number in 1 … 30000"),
        ({"n_customers": 10**9}, r"n_customers: 1000000000 is not"),
        ({"n_customers": 20.0}, r"n_customers: 20\.0 is not"),
        ({"n_customers": True}, r"n_customers: True is not"),
        ({"depot": "X"}, r"depot: 'X' is not known; known: C, E, R"),
        ({"customers": "CR"}, r"customers: 'CR' is not known; known: R, C, RC"),
        ({"demand": "1-11"}, r"demand: '1-11' is not known; known: U, 1-10, 5-10, 1-100, 50-100, Q, SL"),
        ({"route_length": 0.5}, r"route_length: 0\.5 given"),
        ({"route_length": math.nan}, r"route_length: nan given"),
        ({"route_length": math.inf}, r"route_length: inf given"),
        ({"n_seeds": 3}, r"n_seeds: 3 given for customers R"),
        ({"customers": "C", "n_seeds": 0}, r"n_seeds: 0 is not a whole number in 1 … 100"),
        ({"customers": "RC", "n_seeds": 51}, r"n_seeds: 51 is not a whole number in 1 … 50"),
    ],
)
def test_bad_parameters_are_named(changes, message):
    """A parameter that is unknown or out of range is refused with its name, its value and what is known."""
    with pytest.raises(InputError, match=message):
        make(**changes)


@pytest.mark.parametrize("n_customers", [(1, 5), (9, 5), (5, 30_001)])
def test_bad_training_range_is_named(n_customers):
    """A range of n that is empty or goes beyond the limits is refused."""
    with pytest.raises(InputError, match="n_customers"):
        sample_params(np.random.default_rng(0), n_customers)


@pytest.mark.parametrize("n_seeds", [1, 3, 8])
def test_excluding_far_points_beforehand_excludes_none_that_is_attracted(n_seeds):
    """The points near seeds are those whose drawn number is below the sum of exponentials, in their order."""
    rng = np.random.default_rng(n_seeds)
    for _ in range(20):
        points, seeds = rng.integers(0, GRID + 1, (4096, 2)), rng.integers(0, GRID + 1, (n_seeds, 2))
        points[:n_seeds] = seeds
        drawn = rng.random(len(points)) ** rng.integers(1, 12)
        attracted = _attracted(points, seeds, drawn)
        assert len(attracted) > n_seeds
        np.testing.assert_array_equal(attracted, points[drawn < _attraction(points, seeds)])
