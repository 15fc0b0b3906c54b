"""Labelled states of an expert's episodes, which PPO imitates while it learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envs.core import EpisodeBatch
from train.config import without_routes
from train.dataset import States
from train.experts import expert_factory, expert_label, expert_target, start_expert

if TYPE_CHECKING:
    from envs.config import EnvConfig
    from lagrl.controllers.base import Controller

_STREAM = 0x50504F49  # "PPOI": separates these random streams from others of training
_N_ENVS = 16


def collect_expert_states(config: EnvConfig, expert: str, n_states: int, seed: int) -> States:
    """Let an expert control episodes and label their states; the same arguments give the same states.

    Parameters
    ----------
    config
        Configuration of the episodes. Routes are not computed: no rule of lagrl uses them, and they take most of the
        time.
    expert
        A name of `train.experts`.
    n_states
        Number of states; states without a labelled customer do not count.
    seed
        Seed of the episodes.

    Raises
    ------
    UnknownNameError
        If there is no such expert.
    InputError
        If the expert fails.
    """
    batch = EpisodeBatch(without_routes(config), min(_N_ENVS, n_states))
    rngs = [np.random.default_rng([_STREAM, seed, index]) for index in range(batch.n_envs)]
    make = expert_factory(expert)

    def started(index: int) -> Controller:
        return start_expert(make, batch.episodes[index], np.random.default_rng(0))

    for index in range(batch.n_envs):
        batch.reset(index, rngs[index])
    experts = [started(index) for index in range(batch.n_envs)]
    states: list[States] = []
    while len(states) < n_states:
        targets = []
        for index, (one, episode) in enumerate(zip(experts, batch.episodes, strict=True)):
            targets.append(expert_target(one, episode))
            label, mask = expert_label(targets[-1], episode, config.action)
            if mask.any():
                states.append(States.single(batch.observation(index), label, mask))
        for index in np.flatnonzero(batch.step_multipliers(targets).terminated).tolist():
            batch.reset(index, rngs[index])
            experts[index] = started(index)
    return States.joined(states[:n_states])
