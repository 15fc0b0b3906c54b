"""Features of an assignment problem for networks, and the prices of the capacities among them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from lagrl.controllers.assignment_features import (
    EDGE_FEATURES,
    N_NEAREST,
    NODE_FEATURES,
    AssignmentFeatures,
    capacity_prices,
)
from lagrl.problems.assignment import AssignmentProblem


def problem_of(seed: int, n_vehicles: int, n: int) -> AssignmentProblem:
    """Return a random problem whose vehicles have little room."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(1, 20, n)
    capacity = np.full(n_vehicles, -(-int(weight.sum()) // n_vehicles) + 5)
    return AssignmentProblem(rng.uniform(0.0, 100.0, (n_vehicles, n)), weight, capacity)


@pytest.mark.parametrize(("n_vehicles", "n"), [(1, 1), (1, 7), (2, 2), (3, 11), (5, 40)])
def test_shapes_for_any_size(n_vehicles: int, n: int) -> None:
    """There is a row for every customer and an arc to each of its nearest; all numbers are finite."""
    problem = problem_of(0, n_vehicles, n)
    features = AssignmentFeatures.of(problem, np.random.default_rng(1).uniform(0.0, 150.0, n))
    assert features.nodes.shape == (n, len(NODE_FEATURES))
    assert features.edges.shape == (n, min(N_NEAREST, n - 1), len(EDGE_FEATURES))
    assert np.isfinite(features.nodes).all()
    assert np.isfinite(features.edges).all()
    assert (features.unit > 0).all()
    assert all(i not in row for i, row in enumerate(features.nearest))


def test_costs_of_zero_have_finite_features() -> None:
    """Where all costs and multipliers are 0, features are finite and units positive."""
    problem = AssignmentProblem(np.zeros((2, 5)), np.ones(5, np.int64), np.full(2, 3))
    features = AssignmentFeatures.of(problem, np.zeros(5))
    assert np.isfinite(features.nodes).all()
    assert (features.unit > 0).all()


def test_scale_and_order_of_vehicles_change_nothing() -> None:
    """Costs and multipliers times 7, vehicles in another order and demands times 3 have the same features."""
    problem = problem_of(2, 4, 25)
    first = np.random.default_rng(3).uniform(20.0, 90.0, 25)
    other = AssignmentProblem(7.0 * problem.cost[::-1].copy(), 3 * problem.weight, 3 * problem.capacity)
    one, two = AssignmentFeatures.of(problem, first), AssignmentFeatures.of(other, 7.0 * first)
    np.testing.assert_allclose(one.nodes, two.nodes, atol=1e-5)
    np.testing.assert_allclose(one.edges, two.edges, atol=1e-5)
    np.testing.assert_allclose(7.0 * one.unit, two.unit)


@pytest.mark.parametrize("seed", range(6))
def test_capacity_prices_are_those_of_the_linear_relaxation(seed: int) -> None:
    """Each is an optimal dual price of the vehicle's fractional knapsack, as a solver of linear programmes finds it."""
    problem = problem_of(seed, 3, 12)
    multipliers = np.random.default_rng(seed + 10).uniform(0.0, 160.0, 12)
    for k, price in enumerate(capacity_prices(problem, multipliers)):
        profit = multipliers - problem.cost[k]
        solved = linprog(-profit, A_ub=problem.weight[None], b_ub=problem.capacity[k : k + 1], bounds=(0.0, 1.0))
        dual = price * problem.capacity[k] + np.maximum(profit - price * problem.weight, 0.0).sum()
        assert price >= 0.0
        assert dual == pytest.approx(-solved.fun)
