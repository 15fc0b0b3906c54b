"""Observations of the route relaxations."""

from __future__ import annotations

import numpy as np
import pytest

from envs.config import EnvConfig
from envs.observation import FEATURES, OBSERVATION_VERSION, features_of
from envs.route.observation import (
    ROUTE_EDGE_FEATURES,
    ROUTE_FEATURES,
    ROUTE_OBSERVATION_VERSION,
    RouteObserver,
    route_space,
)
from lagrl.bounds.ascent_memory import STATE_FEATURES, AscentMemory
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_features import NODE_FEATURES, RouteFeatures
from lagrl.bounds.route_graph import RouteGraph
from lagrl.problems.bundled import read_bundled
from lagrl.problems.cvrp import CVRP


def random_dual(n: int, relaxation: str = "ng") -> RouteDual:
    """The dual of a random instance in the plane."""
    rng = np.random.default_rng(n)
    problem = CVRP.from_coordinates("T", rng.uniform(0, 100, (n + 1, 2)), rng.integers(1, 10, n), 20, rounding="none")
    return RouteDual(RouteGraph.of(problem), relaxation)


def test_the_version_names_the_features() -> None:
    """An environment's version gives the names of its columns, and no two relaxations share a version."""
    routes = EnvConfig(relaxation="ng").observation_version
    assert routes == EnvConfig(relaxation="paths").observation_version == ROUTE_OBSERVATION_VERSION == "routes-1"
    assert features_of(routes) == ROUTE_FEATURES == NODE_FEATURES + STATE_FEATURES
    assert len(set(ROUTE_FEATURES)) == len(ROUTE_FEATURES)
    assert EnvConfig().observation_version == OBSERVATION_VERSION
    assert features_of(OBSERVATION_VERSION) == FEATURES


@pytest.mark.parametrize("relaxation", ["ng", "paths"])
def test_a_policy_in_a_bound_observes_the_same(relaxation: str) -> None:
    """The columns are the features and the memory that route policies are evaluated with, in this order."""
    dual = random_dual(14, relaxation)
    features = RouteFeatures.of(dual.graph, is_paths=relaxation == "paths")
    observer, memory = RouteObserver(dual, 4), AscentMemory(features, 4, dual.graph.n_routes[0])
    for share in (0.5, 1.0, 0.8):
        point = dual.evaluate(share * dual.first_multipliers())
        memory.record(point)
        observed = observer.observe(point)
        np.testing.assert_array_equal(observed[:, : len(NODE_FEATURES)], features.nodes)
        np.testing.assert_array_equal(observed[:, len(NODE_FEATURES) :], memory.observe())
    np.testing.assert_array_equal(observer.edges.reshape(features.edges.shape), features.edges)
    np.testing.assert_array_equal(observer.neighbours, features.nearest)


@pytest.mark.parametrize("n", [1, 2, 6, 11, 15])
def test_missing_neighbours_are_the_customer_itself(n: int) -> None:
    """With fewer than ten others, the rest of a row is the own number, and its arcs are 0."""
    observer = RouteObserver(random_dual(n), 2)
    count = min(10, n - 1)
    assert (observer.neighbours[:, count:] == np.arange(n)[:, None]).all()
    assert (observer.neighbours[:, :count] != np.arange(n)[:, None]).all()
    width = len(ROUTE_EDGE_FEATURES)
    assert not observer.edges[:, count * width :].any()


@pytest.mark.parametrize("share", [0.0, 1e-6, 1.0, 1e6])
def test_any_multipliers_are_observed_within_the_space(share: float) -> None:
    """Features are finite and within the limits at λ = 0, at tiny and at absurd multipliers."""
    problem = read_bundled("G-n16-k3")
    dual = RouteDual(RouteGraph.of(problem), "paths")
    observer, space = RouteObserver(dual, 3), route_space(15)
    for _ in range(3):
        nodes = observer.observe(dual.evaluate(share * dual.first_multipliers()))
        assert np.isfinite(nodes).all()
        assert space["nodes"].contains(nodes)
    assert space["edges"].contains(observer.edges)
    assert space["neighbours"].contains(observer.neighbours)
