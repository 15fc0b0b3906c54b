"""Routes from a linear relaxation: an estimate before any evaluation."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest

import lagrl
from lagrl.problems.generate import generate
from lagrl.recovery.rounding import round_relaxation, rounded_cost
from lagrl.relaxation.linearise import vehicles_to_try
from lagrl.relaxation.seeding import SEEDINGS, candidate_seeds, seeding_rule

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP


def shortest_tour(problem: CVRP, customers: list[int]) -> float:
    """Return the length of the shortest tour from the depot, by trying all orders."""
    orders = ([0, *order, 0] for order in permutations(customers))
    return min(float(problem.distance[order[:-1], order[1:]].sum()) for order in orders)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rule", ["kmeans", "sweep", "concentrators"])
def test_routes_of_a_rounded_relaxation_serve_all_customers_within_the_capacity(rule: str, seed: int) -> None:
    """No vehicle is overloaded, and the cost is at least that of the shortest tours of its customers, and near it."""
    problem = generate(11, seed=seed)
    n_vehicles = min(problem.minimum_vehicles + 1, problem.n_customers)
    found = round_relaxation(problem, SEEDINGS[rule](problem, n_vehicles, np.random.default_rng(seed)))
    load = np.bincount(found.vehicle[found.vehicle >= 0], problem.demand[found.vehicle >= 0], n_vehicles)
    assert (load <= problem.capacity).all()
    clusters = [(np.flatnonzero(found.vehicle == k) + 1).tolist() for k in range(n_vehicles)]
    if (found.vehicle < 0).any() or max(map(len, clusters)) > 7:
        return
    shortest = sum(shortest_tour(problem, cluster) for cluster in clusters if cluster)
    assert shortest - 1e-9 <= found.cost <= 1.1 * shortest


def test_the_estimate_is_that_of_the_seeds() -> None:
    """Tours to the seeds and the relaxation's value, computed once for both."""
    problem = generate(30, seed=3)
    seeds = SEEDINGS["kmeans"](problem, problem.minimum_vehicles, np.random.default_rng(0))
    found = round_relaxation(problem, seeds)
    assert found.estimate == pytest.approx(seeds.estimated_cost(problem))
    assert found.dual.value == pytest.approx(found.estimate - 2.0 * seeds.distance[:, 0].sum())


def test_a_solve_takes_the_cheapest_seeds_by_the_rounded_relaxation() -> None:
    """Its first linearisation is that of the seeds with the shortest rounded routes, where the estimate has others."""
    differ = 0
    for seed in range(4):
        problem, rule = generate(40, seed=seed), "cheapest:9"
        n_vehicles, stream = vehicles_to_try(problem), [0, 0, 0]
        by_routes = seeding_rule(rule, rounded_cost)(problem, n_vehicles, np.random.default_rng(stream))
        mixture = ("concentrators", "kmeans", "sweep")
        candidates = candidate_seeds(problem, n_vehicles, np.random.default_rng(stream), mixture, 9)
        chosen = min((round_relaxation(problem, seeds) for seeds in candidates), key=lambda one: one.cost)
        assert rounded_cost(by_routes, problem) == chosen.cost
        found = lagrl.solve(problem, seedings=(rule,), method="reference", evaluations=1, linearisations=1)
        assert found.ascents[0].linear_value == pytest.approx(chosen.dual.value)
        by_estimate = seeding_rule(rule)(problem, n_vehicles, np.random.default_rng(stream))
        differ += round_relaxation(problem, by_estimate).dual.value != pytest.approx(chosen.dual.value)
    assert differ > 0
