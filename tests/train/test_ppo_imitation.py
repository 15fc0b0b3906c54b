from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from ppo_runs import TINY_ENV

from envs.action import next_multipliers
from envs.core import EpisodeBatch
from lagrl.errors import UnknownNameError
from train.experts import expert_factory
from train.ppo.imitation import _STREAM, collect_expert_states


def test_labels_lead_where_the_expert_goes() -> None:
    """Taking the labels as actions gives the expert's multipliers, where they are within the action's reach."""
    states = collect_expert_states(TINY_ENV, "hwc", 1, seed=4)
    batch = EpisodeBatch(replace(TINY_ENV, route_sampler="exact", route_every=7), 1)
    batch.reset(0, np.random.default_rng([_STREAM, 4, 0]))
    episode = batch.episodes[0]
    assert episode.step is not None
    expert = expert_factory("hwc")()
    expert.start(episode.dual, budget=episode.budget, rng=np.random.default_rng(0), initial=episode.initial)
    target = expert.update(episode.step.point, episode.step.feedback)
    n = episode.n_customers
    reached = next_multipliers(
        states.actions[0, :n].numpy(), episode.step.point, episode.dual.scale, batch.config.action
    )
    inside = states.labelled[0, :n].numpy() & (np.abs(states.actions[0, :n].numpy()) < 1)
    assert inside.any()
    np.testing.assert_allclose(reached[inside], target[inside], rtol=1e-4)
    torch.testing.assert_close(states.observations["nodes"][0], torch.from_numpy(batch.observation(0)["nodes"]))


def test_same_seed_same_states() -> None:
    """States are as many as asked for, all labelled somewhere and never on padding; another seed gives others."""
    first, again, other = (collect_expert_states(TINY_ENV, "hwc", 30, seed) for seed in (1, 1, 2))
    assert len(first) == 30
    assert torch.equal(first.actions, again.actions)
    assert all(torch.equal(first.observations[key], again.observations[key]) for key in first.observations)
    assert not torch.equal(first.actions, other.actions)
    assert first.labelled.any(dim=1).all()
    assert not (first.labelled & ~first.observations["node_mask"].bool()).any()


def test_sample_keeps_states_together() -> None:
    """What is drawn are whole states: observation, action and mask of one and the same."""
    states = collect_expert_states(TINY_ENV, "hwc", 10, seed=1)
    torch.manual_seed(0)
    drawn = states.sample(50, torch.device("cpu"))
    assert len(drawn) == 50
    for k in range(50):
        same = [
            m
            for m in range(10)
            if torch.equal(drawn.actions[k], states.actions[m])
            and torch.equal(drawn.labelled[k], states.labelled[m])
            and torch.equal(drawn.observations["nodes"][k], states.observations["nodes"][m])
        ]
        assert same


def test_unknown_expert_is_named() -> None:
    """A name that is no controller is refused."""
    with pytest.raises(UnknownNameError, match="hwcc"):
        collect_expert_states(TINY_ENV, "hwcc", 1, seed=0)
