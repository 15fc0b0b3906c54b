"""Seeds: as many as vehicles, reproducible, and where each rule says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.errors import FleetError, InputError, InstanceError, UnknownNameError
from lagrl.problems.bundled import bundled_names, read_bundled
from lagrl.problems.cvrp import CVRP
from lagrl.relaxation.linear_dual import linear_dual
from lagrl.relaxation.linearise import linearise
from lagrl.relaxation.pricing_kernels import assign_by_regret
from lagrl.relaxation.seeding import (
    SEEDINGS,
    Seeds,
    _drawn,
    _plane,
    candidate_seeds,
    cheapest,
    farthest,
    kmeans,
    seeding_rule,
    sweep,
)
from lagrl.relaxation.seeding_kernels import cluster_within_capacity

rules = pytest.mark.parametrize("rule", SEEDINGS)


def scattered(seed: int, n: int = 30, tightness: float = 0.9, n_vehicles: int = 5) -> CVRP:
    """Scatter customers with demands 1 … 20 on a plane, for about this many vehicles."""
    rng = np.random.default_rng(seed)
    demand = rng.integers(1, 21, n)
    capacity = max(int(np.ceil(demand.sum() / (tightness * n_vehicles))), int(demand.max()))
    return CVRP.from_coordinates("scattered", 1000 * rng.random((n + 1, 2)), demand, capacity, rounding="none")


def without_coordinates(problem: CVRP) -> CVRP:
    """Return the same instance, of which only the distances are known."""
    return CVRP(problem.name, problem.demand, problem.capacity, problem.distance)


def placed(rule: str, problem: CVRP, n_vehicles: int, seed: int = 0) -> np.ndarray:
    """Place seeds, check that they are what `Seeds` promises, and return their distances [K, n + 1]."""
    seeds = SEEDINGS[rule](problem, n_vehicles, np.random.default_rng(seed))
    assert seeds.rule == rule
    assert seeds.n_vehicles == n_vehicles
    assert seeds.distance.shape == (n_vehicles, problem.n_customers + 1)
    assert np.isfinite(seeds.distance).all()
    assert (seeds.distance >= 0).all()
    return seeds.distance


@rules
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 12), share=st.floats(0, 1))
def test_any_number_of_vehicles_gets_seeds(rule: str, seed: int, n: int, share: float) -> None:
    """From one vehicle (`cheapest`: enough for the demand) to one per customer, with and without coordinates."""
    problem = scattered(seed, n, n_vehicles=max(1, n // 3))
    least = problem.minimum_vehicles if rule == "cheapest" else 1  # its estimate is of possible routes
    n_vehicles = least + round(share * (n - least))
    placed(rule, problem, n_vehicles, seed)
    placed(rule, without_coordinates(problem), n_vehicles, seed)


@rules
def test_the_same_generator_places_the_same_seeds_and_another_does_not(rule: str) -> None:
    """The Generator's draw is the only difference between variants of a rule."""
    problem = scattered(1, 120)  # more than concentrators choose from
    assert np.array_equal(placed(rule, problem, 5, seed=3), placed(rule, problem, 5, seed=3))
    variants = {placed(rule, problem, 5, seed).tobytes() for seed in range(6)}
    assert len(variants) >= 3


@rules
def test_coincident_points_are_no_obstacle(rule: str) -> None:
    """All customers on one point, which may be the depot's."""
    for place in ((7.0, 7.0), (0.0, 0.0)):
        problem = CVRP.from_coordinates("heap", [(0, 0), *[place] * 6], [1] * 6, 2, rounding="none")
        assert placed(rule, problem, 3)[:, 1:] == pytest.approx(0.0)


@rules
@pytest.mark.parametrize("demand", [[0] * 8, [0] * 7 + [3]])
def test_customers_without_demand_are_no_obstacle(rule: str, demand: list[int]) -> None:
    """Without any demand, all customers have the same weight in the centres."""
    points = 100 * np.random.default_rng(0).random((9, 2))
    problem = CVRP.from_coordinates("idle", points, demand, 5, rounding="none")
    for n_vehicles in (1, 3, 8):
        placed(rule, problem, n_vehicles)


@rules
def test_distances_alone_place_seeds_at_customers(rule: str) -> None:
    """Without coordinates nothing else has known distances; the customers are those of the scaled plane."""
    problem = without_coordinates(scattered(2))
    for row in placed(rule, problem, 5):
        assert (problem.distance[1:] == row).all(axis=1).any()


@pytest.mark.parametrize("n_customers", [40, 400])
def test_places_are_found_again_from_their_distances(n_customers: int) -> None:
    """Few nodes are scaled together, many by their distances to some of them; both keep every distance."""
    problem = scattered(4, n_customers)
    assert problem.coordinates is not None
    apart = problem.coordinates[:, None] - problem.coordinates
    distance = np.hypot(apart[..., 0], apart[..., 1])
    found = _plane(CVRP.from_distances("matrix", distance, problem.demand, problem.capacity))
    between = found[:, None] - found
    assert np.hypot(between[..., 0], between[..., 1]) == pytest.approx(distance, abs=1e-8 * distance.max())


@rules
@pytest.mark.parametrize("n_vehicles", [0, 31])
def test_vehicles_without_a_customer_are_refused(rule: str, n_vehicles: int) -> None:
    """More vehicles than customers, or none."""
    with pytest.raises(FleetError, match=f"{n_vehicles} vehicles for 30 customers"):
        SEEDINGS[rule](scattered(3), n_vehicles, np.random.default_rng(0))


def test_sweep_cuts_sectors_of_equal_demand() -> None:
    """On a circle of equal customers the seeds are the centres of K equal arcs, wherever the first cut lies."""
    angle = 2 * np.pi * np.arange(24) / 24
    circle = 100 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    problem = CVRP.from_coordinates("circle", [(0, 0), *circle], [1] * 24, 6, rounding="none")
    for seed in range(5):
        distance = sweep(problem, 4, np.random.default_rng(seed)).distance
        arc = circle[:6].mean(axis=0)
        assert distance[:, 0] == pytest.approx(np.full(4, np.hypot(*arc)))
        nearest = np.bincount(distance[:, 1:].argmin(axis=0), minlength=4)
        assert nearest.tolist() == [6, 6, 6, 6]


def test_sweep_balances_demand_rather_than_customers() -> None:
    """A quarter of the circle has nine tenths of the demand, and attracts most of the seeds."""
    angle = 2 * np.pi * (np.arange(40) + 0.5) / 40
    circle = 100 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    demand = np.where(angle < np.pi / 2, 27, 1)
    problem = CVRP.from_coordinates("lopsided", [(0, 0), *circle], demand, 100, rounding="none")
    distance = sweep(problem, 10, np.random.default_rng(0)).distance
    in_heavy_quarter = distance[:, 1:].argmin(axis=1) < 10
    assert in_heavy_quarter.sum() in (8, 9, 10)


def test_an_empty_sector_takes_nobodys_last_customer() -> None:
    """One customer spans most sectors; even with a vehicle for each customer, no seed falls back on the depot."""
    problem = CVRP.from_coordinates(
        "heavy", [(0, 0), (100, 1), (90, 50), (1, 95), (-80, 3), (-7, -60)], [1, 1, 96, 1, 1], 100, rounding="none"
    )
    for seed in range(20):
        distance = sweep(problem, 5, np.random.default_rng(seed)).distance
        assert sorted(distance[:, 1:].argmin(axis=1)) == [0, 1, 2, 3, 4]
        assert distance[:, 1:].min(axis=1) == pytest.approx(np.zeros(5))


def test_farthest_picks_customers_in_gonzalezs_order() -> None:
    """Each seed is a new customer, none nearer to depot and former seeds than any customer left is."""
    problem = scattered(4)
    distance = farthest(problem, 6, np.random.default_rng(0)).distance
    chosen = [int(np.flatnonzero((problem.distance[1:] == row).all(axis=1))[0]) for row in distance]
    assert len(set(chosen)) == 6
    for count in range(1, 6):
        apart = problem.distance[np.array([0, *(np.array(chosen[:count]) + 1)])][:, 1:].min(axis=0)
        assert apart[chosen[count]] == apart.max()


def spread(problem: CVRP, seeds: Seeds) -> float:
    """Return the demand-weighted squared distance of customers to their nearest seed."""
    return float(problem.demand @ seeds.distance[:, 1:].min(axis=0) ** 2)


@pytest.mark.parametrize("seed", range(5))
def test_kmeans_lies_closer_than_random_customers(seed: int) -> None:
    """Its seeds' spread is below that of every one of 20 random choices of customers."""
    problem = scattered(seed, 60)
    rng = np.random.default_rng(seed)
    ours = spread(problem, kmeans(problem, 6, rng))
    random = [Seeds(problem.distance[1 + rng.choice(60, 6, replace=False)], "random") for _ in range(20)]
    assert ours < min(spread(problem, seeds) for seeds in random)


def test_kmeans_finds_clusters_that_fill_vehicles() -> None:
    """Four tight clusters of a vehicle's load each get one seed each, in their middle."""
    rng = np.random.default_rng(0)
    middles = np.array([(100.0, 0.0), (0.0, 100.0), (-100.0, 0.0), (0.0, -100.0)])
    points = np.repeat(middles, 5, axis=0) + rng.normal(0, 1, (20, 2))
    problem = CVRP.from_coordinates("clusters", [(0, 0), *points], [2] * 20, 10, rounding="none")
    distance = kmeans(problem, 4, rng).distance[:, 1:].reshape(4, 4, 5).mean(axis=2)
    assert sorted(distance.argmin(axis=1)) == [0, 1, 2, 3]
    assert (distance.min(axis=1) < 5).all()


@rules
def test_bundled_instances_can_be_linearised_with_any_number_of_vehicles(rule: str) -> None:
    """From the fewest vehicles to some more, costs stay finite and vehicles differ."""
    problem = read_bundled(bundled_names()[1])
    for n_vehicles in range(problem.minimum_vehicles, problem.minimum_vehicles + 4):
        cost = linearise(problem, SEEDINGS[rule](problem, n_vehicles, np.random.default_rng(0))).cost
        assert all(not np.array_equal(first, second) for first, second in pairwise(cost))


def test_the_estimate_is_the_tours_to_the_seeds_and_the_linear_relaxation() -> None:
    """Twice the way to each seed, plus the relaxation's value of the same linearisation."""
    problem = scattered(5)
    seeds = kmeans(problem, 5, np.random.default_rng(0))
    expected = 2 * seeds.distance[:, 0].sum() + linear_dual(linearise(problem, seeds)).value
    assert seeds.estimated_cost(problem) == pytest.approx(expected)


@pytest.mark.parametrize("n_candidates", [1, 2, 7])
def test_the_cheapest_seeds_have_the_lowest_estimate_of_their_candidates(n_candidates: int) -> None:
    """The same generator draws the candidates again; the rules take turns."""
    problem = scattered(6)
    chosen = seeding_rule(f"cheapest:{n_candidates}")(problem, 5, np.random.default_rng(1))
    mixture = ("concentrators", "kmeans", "sweep")
    candidates = candidate_seeds(problem, 5, np.random.default_rng(1), mixture, n_candidates)
    assert [seeds.rule for seeds in candidates] == [mixture[index % 3] for index in range(n_candidates)]
    best = min(candidates, key=lambda seeds: seeds.estimated_cost(problem))
    assert np.array_equal(chosen.distance, best.distance)


def test_more_candidates_never_raise_the_estimate() -> None:
    """The first candidates of 12 are those of 4, which is the number if none is given."""
    for seed in range(5):
        problem = scattered(seed)
        costs = [
            seeding_rule(name)(problem, 5, np.random.default_rng(seed)).estimated_cost(problem)
            for name in ("cheapest:1", "cheapest", "cheapest:4", "cheapest:12")
        ]
        assert costs[0] >= costs[1] == costs[2] >= costs[3]


@pytest.mark.parametrize("name", ["cheapest:0", "cheapest:-1", "cheapest:", "cheapest:2.5", "cheapest:²"])
def test_no_number_of_candidates_below_1(name: str) -> None:
    """K is a whole number of 1 or more, in a name and in Python."""
    with pytest.raises(InputError, match="give the number of seedings, 1 or more"):
        seeding_rule(name)
    with pytest.raises(InputError, match="0 seedings to choose from"):
        cheapest(scattered(0), 5, np.random.default_rng(0), 0)


@pytest.mark.parametrize("name", ["cheap", "kmeans:4", "cheapests:4"])
def test_unknown_rules_are_named(name: str) -> None:
    """Only `cheapest` takes a number."""
    with pytest.raises(UnknownNameError, match=f"unknown seeding '{name}'"):
        seeding_rule(name)


def test_vehicles_that_cannot_carry_the_demand_have_no_estimate() -> None:
    """The error states both loads."""
    with pytest.raises(InstanceError, match="is above the total capacity"):
        cheapest(scattered(0), 1, np.random.default_rng(0))


@pytest.mark.parametrize("seed", range(12))
def test_compiled_clusters_are_those_of_the_plain_alternation(seed: int) -> None:
    """Lloyd's alternation in arrays has the same groups and the same bits of the centres."""
    problem = scattered(seed, n=20 + 5 * seed, tightness=(0.7, 0.95, 1.0)[seed % 3], n_vehicles=3 + seed % 4)
    rng = np.random.default_rng(seed)
    customers, mass = problem.coordinates[1:], problem.demand.astype(float) * (rng.random(problem.n_customers) < 0.9)
    first = customers[rng.choice(problem.n_customers, 3 + seed % 4, replace=False)]
    centre, group = first.copy(), np.empty(problem.n_customers, np.int64)
    cluster_within_capacity(customers, mass, problem.demand, problem.capacity, 20, centre, group)

    plain, own = first.copy(), np.full(problem.n_customers, -1)
    for _ in range(20):
        apart = np.hypot(*(plain[:, None] - customers[None]).transpose(2, 0, 1))
        before, own = own, np.full(problem.n_customers, -1)
        assign_by_regret(apart, problem.demand, np.full(len(plain), problem.capacity), own)
        own = np.where(own < 0, apart.argmin(axis=0), own)
        if (own == before).all():
            break
        load = np.bincount(own, mass, len(plain))
        for axis in (0, 1):
            total = np.bincount(own, mass * customers[:, axis], len(plain))
            plain[:, axis] = np.where(load > 0, total / np.where(load > 0, load, 1.0), plain[:, axis])
    assert group.tolist() == own.tolist()
    assert centre.tobytes() == plain.tobytes()


def test_a_seed_is_drawn_as_numpy_chooses() -> None:
    """The draw in proportion to weights is that of `Generator.choice`, and leaves the generator in the same state."""
    for seed in range(200):
        weight = np.random.default_rng(seed).random(1 + seed % 60) * (np.random.default_rng(seed + 1).random() < 0.9)
        weight[-1] = 1.0
        one, other = np.random.default_rng(seed), np.random.default_rng(seed)
        assert _drawn(weight, one) == other.choice(len(weight), p=weight / weight.sum())
        assert one.random() == other.random()
