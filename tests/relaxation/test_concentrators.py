"""Concentrators: seeds with a cheap linearisation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lagrl.problems.cvrp import CVRP
from lagrl.problems.generate import XTypeParams, generate_x_type
from lagrl.relaxation.concentrators import locate_concentrators
from lagrl.relaxation.linear_dual import linear_dual
from lagrl.relaxation.linearise import linearise
from lagrl.relaxation.seeding import SEEDINGS, Seeds


def clustered(seed: int, n_customers: int = 40) -> CVRP:
    """Draw an X-type instance of clustered customers, about five to a route."""
    params = XTypeParams(n_customers, "R", "C", "1-10", route_length=5.0)
    return generate_x_type(params, np.random.default_rng(seed))


def surrogate(problem: CVRP, seeds: Seeds) -> float:
    """Return what a linearisation costs at least: the tours to its seeds, and the relaxed assignment's value."""
    return 2 * float(seeds.distance[:, 0].sum()) + linear_dual(linearise(problem, seeds)).value


def test_linearisations_of_clusters_are_cheaper_than_k_means() -> None:
    """On average over clustered instances the surrogate is no dearer than that of k-means."""
    total = dict.fromkeys(("concentrators", "kmeans"), 0.0)
    for seed in range(8):
        problem = clustered(seed)
        for rule in total:
            seeds = SEEDINGS[rule](problem, problem.minimum_vehicles, np.random.default_rng(seed))
            total[rule] += surrogate(problem, seeds)
    assert total["concentrators"] <= total["kmeans"]


def test_sites_are_nearly_the_best_of_all_sets() -> None:
    """On instances where all sets of three can be tried, the surrogate is within a tenth of the least."""
    for seed in range(4):
        problem = clustered(seed, 12)
        problem = CVRP(problem.name, np.ones(12, np.int64), 4, problem.distance)

        def value(chosen: tuple[int, ...], problem: CVRP = problem) -> float:
            return surrogate(problem, Seeds(problem.distance[np.array(chosen) + 1], "chosen"))

        least = min(value(chosen) for chosen in itertools.combinations(range(12), 3))
        found = locate_concentrators(problem, 3, np.random.default_rng(seed))
        assert value(tuple(found.tolist())) <= 1.1 * least


@pytest.mark.parametrize("n_vehicles", [1, 2, 9, 20])
def test_different_customers_are_chosen(n_vehicles: int) -> None:
    """From one to as many as there are customers, each is picked once at most."""
    problem = clustered(1, 20)
    chosen = locate_concentrators(problem, n_vehicles, np.random.default_rng(0))
    assert len(set(chosen.tolist())) == n_vehicles
    assert set(chosen.tolist()) <= set(range(20))


def test_the_same_generator_chooses_the_same() -> None:
    """Draws are the only difference, and with more customers than sites they make one."""
    problem = clustered(2, 120)
    first, again, other = (locate_concentrators(problem, 6, np.random.default_rng(seed)).tolist() for seed in (5, 5, 6))
    assert first == again != other


def hard(kind: str) -> CVRP:
    """Build an instance that leaves nothing to choose by."""
    n_customers = 12
    distance = np.full((n_customers + 1, n_customers + 1), 10.0) - 10.0 * np.eye(n_customers + 1)
    demand = np.full(n_customers, 3)
    points = np.tile([[0.0, 0.0]], (n_customers + 1, 1))
    if kind == "no demand":
        return CVRP.from_coordinates(kind, 100 * np.random.default_rng(0).random((13, 2)), 0 * demand, 5)
    if kind == "one spot":
        points[1:] = (30.0, 40.0)
    if kind in ("one spot", "on the depot"):
        return CVRP.from_coordinates(kind, points, demand, 9)
    return CVRP(kind, demand, 9, distance)


@pytest.mark.parametrize("kind", ["no demand", "one spot", "on the depot", "all as far"])
@pytest.mark.parametrize("n_vehicles", [1, 4, 12])
def test_nothing_to_choose_by_is_no_obstacle(kind: str, n_vehicles: int) -> None:
    """Zero demands, coincident points, equal distances and too few vehicles (1) give seeds all the same."""
    problem = hard(kind)
    chosen = locate_concentrators(problem, n_vehicles, np.random.default_rng(0))
    assert len(set(chosen.tolist())) == n_vehicles
    assert SEEDINGS["concentrators"](problem, n_vehicles, np.random.default_rng(0)).n_vehicles == n_vehicles
