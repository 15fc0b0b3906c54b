"""Observations of version 1: unchanged, for the checkpoints that were trained with them."""

from __future__ import annotations

import numpy as np
import pytest
from env_samplers import NoisySampler
from former_observation import as_it_was

from envs.config import EnvConfig
from envs.env import LagrangianCVRP
from envs.observation import ObserverV1, make_observer, observation_space, padded
from lagrl.controllers.base import Feedback
from lagrl.problems.bundled import read_bundled
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linearise import linearise
from lagrl.relaxation.seeding import SEEDINGS


@pytest.mark.parametrize("sampler", [None, NoisySampler()])
def test_every_bit_is_as_it_was(sampler: NoisySampler | None) -> None:
    """Under an exact and under a noisy sampler, with and without an incumbent, not a bit differs."""
    rng = np.random.default_rng(3)
    problem = read_bundled("G-n31-k5")
    seeds = SEEDINGS["sweep"](problem, 5, rng)
    dual = AssignmentDual(linearise(problem, seeds), sampler, shots=4, rng=rng)
    observer, points = make_observer(dual, 40, 1), []
    for step in range(12):
        points.append(dual.evaluate(rng.uniform(0, 30 * dual.scale * rng.random(), 30)))
        target = 9000.0 if step > 5 else None
        seen = observer.observe(points[-1], Feedback(assignment_upper_bound=target))
        assert np.array_equal(seen, as_it_was(dual, points, target, 40))
    assert np.abs(seen).max() == 10.0


def test_the_environment_gives_them_by_configuration() -> None:
    """With observation=1, nodes have 14 features of the former names within ±10."""
    env = LagrangianCVRP(EnvConfig(n_max=20, n_customers=(10, 15), route_sampler="exact", observation=1))
    state, _ = env.reset(seed=0)
    assert state["nodes"].shape == (20, 14) == (20, len(ObserverV1.features))
    assert env.observation_space.contains(state)
    assert env.observation_space["nodes"].high.max() == 10.0


def test_values_stay_in_the_space() -> None:
    """Features of extreme multipliers are clipped."""
    problem = read_bundled("G-n16-k3")
    dual = AssignmentDual(linearise(problem, SEEDINGS["sweep"](problem, 3, np.random.default_rng(0))))
    observer = ObserverV1(dual, 5)
    for factor in (0.0, 1e9, 3.0):
        nodes = observer.observe(dual.evaluate(np.full(15, factor * dual.scale)), None)
        assert observation_space(20, 1).contains(padded(nodes, observer.neighbours, 20))
