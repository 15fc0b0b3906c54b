"""The demonstrations of a cloning run: the episodes in which the expert acted, complete with their rewards.

The dataset of a run has the labelled states of all episodes, but no rewards and no actions of the learner. Where the
expert acted, its labels are the actions: the episode is repeated with them in the environment, and every state of the
dataset must come again to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.env import LagrangianCVRP
from lagrl.errors import InputError
from train.bc.dagger import draw_learner, episode_seed, expert_share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from train.bc.config import BCConfig
    from train.dataset import States


@dataclass(frozen=True)
class Demonstration:
    """An episode of T steps in which the expert acted.

    Attributes
    ----------
    number
        Number of the episode within the run.
    seed
        Seed of its generator: `env.np_random = numpy.random.default_rng(seed)`, then `env.reset()`, starts it again.
    observations
        [T + 1, …] by name, as in the environment.
    actions
        [T, N] float32, 0 beyond the instance's customers and for those that the action does not move.
    rewards, terminations
        [T] float64, and [T] bool of which the last is true.
    infos
        [T + 1] scalars of the environment by name.
    """

    number: int
    seed: list[int]
    observations: dict[str, NDArray[Any]]
    actions: NDArray[np.float32]
    rewards: NDArray[np.float64]
    terminations: NDArray[np.bool_]
    infos: dict[str, NDArray[Any]]


def demonstrations(config: BCConfig, states: States, rounds: int) -> Iterator[Demonstration]:
    """Repeat the episodes of the first rounds in which the expert acted, in order.

    Parameters
    ----------
    config, states
        Configuration of the run, and its dataset.
    rounds
        Number of rounds that the dataset has.

    Raises
    ------
    InputError
        If an episode does not come again: this version of the code, or a sampler, differs from that of the run.
    """
    env = LagrangianCVRP(config.env)
    starts = np.cumsum(states.sizes)[:-1]
    nodes, labels = np.split(states.nodes, starts), np.split(states.labels, starts)
    number = 0
    for round_ in range(rounds):
        share = expert_share(config.beta, round_)
        for episode in range(config.episodes_of(round_)):
            if not draw_learner(np.random.default_rng(episode_seed(config.seed, round_, episode, 1)), share):
                own = np.flatnonzero(states.episodes == number)
                seed = episode_seed(config.seed, round_, episode, 0)
                yield _repeated(env, number, seed, [(nodes[state], labels[state]) for state in own])
            number += 1


def _repeated(
    env: LagrangianCVRP,
    number: int,
    seed: list[int],
    labelled: list[tuple[NDArray[np.float32], NDArray[np.float32]]],
) -> Demonstration:
    """Repeat an episode with its labels [n] at features [n, F] in order; states without any have action 0."""
    env.np_random = np.random.default_rng(seed)
    observation, info = env.reset()
    observations, infos = [observation], [info]
    actions, rewards = [], []
    is_over, used = False, 0
    while not is_over:
        action = np.zeros(env.config.n_max, np.float32)
        if used < len(labelled):
            nodes, label = labelled[used]
            if np.array_equal(observation["nodes"][: len(nodes)], nodes):
                action[: len(label)] = label
                used += 1
        observation, reward, is_over, _, info = env.step(action)
        actions.append(action)
        rewards.append(reward)
        observations.append(observation)
        infos.append(info)
    if used < len(labelled):
        raise InputError(
            f"state {used + 1} of {len(labelled)} does not come again",
            field=f"episode {number}",
            remedy="export with the version of the code, and the samplers, that made the run",
        )
    return Demonstration(
        number=number,
        seed=seed,
        observations={name: np.stack([one[name] for one in observations]) for name in observation},
        actions=np.stack(actions),
        rewards=np.array(rewards),
        terminations=np.arange(1, len(rewards) + 1) == len(rewards),
        infos={name: np.array([one[name] for one in infos]) for name in info},
    )
