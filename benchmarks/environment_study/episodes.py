"""Actors of the environment study, and their episodes.

An actor is a name: `random`, `zero`, a classical rule (`hwc`, `cfm`, …), whose multipliers replace the actions, or a
checkpoint, which observes in its own version. All actors meet the same episodes: equal instances, seeds and
linearisations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.core import EpisodeBatch
from policies.checkpoint import load_checkpoint
from policies.graph import as_tensors
from train.experts import expert_factory, expert_target, start_expert

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from envs.config import EnvConfig
    from envs.episode import Episode

    Mover = Callable[[EpisodeBatch], list[NDArray[np.float64] | None] | NDArray[np.float32]]

_EPISODES, _ACTIONS = 0x454E5653, 0x41435453  # random streams of episodes and of random actions


def episode_rng(seed: int) -> np.random.Generator:
    """Return the generator that the episode of a seed is drawn from."""
    return np.random.default_rng([_EPISODES, seed])


def play(config: EnvConfig, actor: str, seeds: list[int], *, stream: int = 0) -> list[tuple[Episode, float]]:
    """Let an actor play one episode for every seed, together; return the episodes and their returns.

    Parameters
    ----------
    config
        Configuration of the episodes.
    actor
        Name of the actor.
    seeds
        Seed of each episode.
    stream
        Number of the random actions; equal seeds with other streams are the same episodes under other actions.
    """
    if "/" in actor:
        checkpoint = load_checkpoint(actor)
        config = replace(config, action=checkpoint.action, observation=checkpoint.policy.observation)
    batch = EpisodeBatch(config, len(seeds))
    for index, seed in enumerate(seeds):
        batch.reset(index, episode_rng(seed))
    move = _mover(actor, batch, [np.random.default_rng([_ACTIONS, seed, stream]) for seed in seeds])
    returns = np.zeros(len(seeds))
    resting: list[int] = []
    while len(resting) < len(seeds):
        moves = move(batch)
        if isinstance(moves, np.ndarray):
            step = batch.step(moves, resting)
        else:
            step = batch.step_multipliers([None if index in resting else row for index, row in enumerate(moves)])
        returns += step.rewards
        resting = [index for index, episode in enumerate(batch.episodes) if episode.is_over]
    return list(zip(batch.episodes, returns.tolist(), strict=True))


def _mover(actor: str, batch: EpisodeBatch, rngs: list[np.random.Generator]) -> Mover:
    n_max = batch.config.n_max
    if actor == "random":
        return lambda _: np.stack([rng.uniform(-1.0, 1.0, n_max).astype(np.float32) for rng in rngs])
    if actor == "zero":
        return lambda _: np.zeros((batch.n_envs, n_max), np.float32)
    if "/" in actor:
        import torch

        net = load_checkpoint(actor).net

        def policy(batch: EpisodeBatch) -> NDArray[np.float32]:
            with torch.inference_mode():
                means: NDArray[np.float32] = net.mean(as_tensors(batch.observations())).numpy()
            return means.clip(-1.0, 1.0)

        return policy
    make = expert_factory(actor)
    experts = [start_expert(make, episode, np.random.default_rng(0)) for episode in batch.episodes]

    def rule(batch: EpisodeBatch) -> list[NDArray[np.float64] | None]:
        return [
            None if episode.is_over else expert_target(expert, episode)
            for expert, episode in zip(experts, batch.episodes, strict=True)
        ]

    return rule


def summary(episode: Episode) -> dict[str, Any]:
    """Return an episode's results: route cost over savings, exact gap, share served, steps."""
    info = episode.info()
    names = ("best_route_ratio", "best_gap", "best_share_served", "n_customers", "evaluations", "is_optimal")
    return {name: info[name] for name in names}
