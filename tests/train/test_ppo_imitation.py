from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from ppo_runs import TINY_ENV

from envs.action import next_multipliers
from envs.core import EpisodeBatch
from lagrl.errors import UnknownNameError
from train.dataset import States
from train.experts import expert_factory
from train.ppo.imitation import _STREAM, collect_expert_states


def test_labels_lead_where_the_expert_goes() -> None:
    """The labels as actions give the expert's multipliers, where these are within the action's range."""
    states = collect_expert_states(TINY_ENV, "hwc", 1, seed=4)
    batch = EpisodeBatch(replace(TINY_ENV, route_sampler="exact", route_every=7), 1)
    batch.reset(0, np.random.default_rng([_STREAM, 4, 0]))
    episode = batch.episodes[0]
    assert episode.step is not None
    expert = expert_factory("hwc")()
    expert.start(episode.dual, budget=episode.budget, rng=np.random.default_rng(0), initial=episode.initial)
    target = expert.update(episode.step.point, episode.step.feedback)
    n = episode.n_customers
    assert states.sizes.tolist() == [n]
    reached = next_multipliers(states.labels, episode.step.point, episode.dual.scale, batch.config.action)
    inside = states.is_labelled & (np.abs(states.labels) < 1)
    assert inside.any()
    np.testing.assert_allclose(reached[inside], target[inside], rtol=1e-4)
    np.testing.assert_array_equal(states.nodes, batch.observation(0)["nodes"][:n])


def test_same_seed_same_states() -> None:
    """The requested number of states is returned, each with a label; another seed gives other states."""
    first, again, other = (collect_expert_states(TINY_ENV, "hwc", 30, seed) for seed in (1, 1, 2))
    assert len(first) == 30
    for field in fields(States):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(again, field.name))
    assert not np.array_equal(first.labels, other.labels)
    starts = np.cumsum(first.sizes) - first.sizes
    assert np.logical_or.reduceat(first.is_labelled, starts).all()


def test_unknown_expert_is_named() -> None:
    """A name that is no controller raises an error with that name."""
    with pytest.raises(UnknownNameError, match="hwcc"):
        collect_expert_states(TINY_ENV, "hwcc", 1, seed=0)
