"""Features of an instance for route networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lagrl.bounds.route_features import EDGE_FEATURES, N_NEAREST, NODE_FEATURES, RouteFeatures
from lagrl.bounds.route_graph import RouteGraph
from lagrl.problems.cvrp import CVRP
from lagrl.problems.generate import generate


def features_of(points: np.ndarray, demand: np.ndarray, capacity: int) -> RouteFeatures:
    """Return the features of an instance in the plane with unrounded distances."""
    problem = CVRP.from_coordinates("T", points, demand, capacity, rounding="none")
    return RouteFeatures.of(RouteGraph.of(problem))


@pytest.mark.parametrize("n", [1, 2, 5, 10, 11, 40])
def test_shapes_for_any_number_of_customers(n: int) -> None:
    """There is a row for every customer and an arc to each of its nearest, also where there are fewer than ten."""
    rng = np.random.default_rng(n)
    features = features_of(rng.uniform(0, 100, (n + 1, 2)), rng.integers(1, 10, n), 20)
    assert features.nodes.shape == (n, len(NODE_FEATURES))
    assert features.edges.shape == (n, min(N_NEAREST, n - 1), len(EDGE_FEATURES))
    assert np.isfinite(features.nodes).all()
    assert np.isfinite(features.edges).all()
    assert (features.unit > 0).all()


def test_rotation_reflection_and_scale_change_nothing() -> None:
    """The same points turned, mirrored and enlarged have the same features; the unit grows with the distances."""
    rng = np.random.default_rng(0)
    points, demand = rng.uniform(0, 100, (31, 2)), rng.integers(1, 10, 30)
    turn = np.array([[np.cos(1.0), -np.sin(1.0)], [np.sin(1.0), np.cos(1.0)]])
    one = features_of(points, demand, 40)
    other = features_of(7.0 * (points * [1, -1]) @ turn + 1000.0, demand, 40)
    np.testing.assert_allclose(one.nodes, other.nodes, atol=1e-5)
    np.testing.assert_allclose(one.edges, other.edges, atol=1e-5)
    np.testing.assert_allclose(7.0 * one.unit, other.unit, rtol=1e-6)


def test_coordinates_are_not_used() -> None:
    """An instance given by its distances alone has the features of the one with coordinates, except how it is read."""
    problem = generate(25, seed=3)
    matrix = replace(problem, coordinates=None, rounding="explicit")
    one, other = (RouteFeatures.of(RouteGraph.of(each)) for each in (problem, matrix))
    same = [k for k, name in enumerate(NODE_FEATURES) if name != "is_covering"]
    np.testing.assert_array_equal(one.nodes[:, same], other.nodes[:, same])
    np.testing.assert_array_equal(one.edges, other.edges)


def test_nearest_are_the_nearest() -> None:
    """The nearest customers come in the order of their distances, the customer itself never."""
    problem = generate(40, seed=1)
    features = RouteFeatures.of(RouteGraph.of(problem))
    distance = problem.distance[1:, 1:]
    for i, row in enumerate(features.nearest):
        others = np.delete(distance[i], i)
        assert i not in row
        np.testing.assert_array_equal(distance[i, row], np.sort(others)[:N_NEAREST])


def test_all_points_in_one_place() -> None:
    """Where all distances are 0, features and units are finite."""
    features = features_of(np.zeros((8, 2)), np.ones(7, dtype=np.int64), 3)
    assert np.isfinite(features.nodes).all()
    assert np.isfinite(features.edges).all()
    assert (features.unit > 0).all()
