"""An expert's actions on states of its own, for PPO to remember while it learns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from envs.action import action_label
from envs.core import EpisodeBatch
from train.experts import expert_factory

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from envs.config import EnvConfig

_STREAM = 0x50504F49  # "PPOI": no other seed sequence of training holds this word
_LANES = 16


@dataclass(frozen=True)
class ExpertStates:
    """States with an expert's actions.

    Attributes
    ----------
    observations
        Dict of [M, …] tensors, as environments give them.
    actions
        [M, N] float32, 0 where not labelled.
    labelled
        [M, N] bool, at least one customer per state.
    """

    observations: dict[str, Tensor]
    actions: Tensor
    labelled: Tensor

    def __len__(self) -> int:
        return len(self.actions)

    def sample(self, n_states: int, device: torch.device) -> ExpertStates:
        """Draw states, with replacement, from torch's global generator."""
        chosen = torch.randint(len(self), (n_states,))
        observations = {name: array[chosen].to(device) for name, array in self.observations.items()}
        return ExpertStates(observations, self.actions[chosen].to(device), self.labelled[chosen].to(device))


def collect_expert_states(config: EnvConfig, expert: str, n_states: int, seed: int) -> ExpertStates:
    """Let an expert control episodes, and note what it does; the same arguments give the same states.

    Parameters
    ----------
    config
        The episodes. Routes are toured once only, at the start: no rule of lagrl looks at them, and they cost most of
        the time.
    expert
        A name of `train.experts`.
    n_states
        How many; states without any customer to label do not count.
    seed
        Of the episodes.

    Raises
    ------
    UnknownNameError
        If there is no such expert.
    """
    quick = replace(config, route_sampler=config.sampler, route_every=config.max_steps + 1)
    batch = EpisodeBatch(quick, min(_LANES, n_states))
    rngs = [np.random.default_rng([_STREAM, seed, lane]) for lane in range(batch.n_envs)]
    for lane in range(batch.n_envs):
        batch.reset(lane, rngs[lane])
    riders = [_Rider(batch, lane, expert) for lane in range(batch.n_envs)]
    observations: list[dict[str, NDArray[Any]]] = []
    actions: list[NDArray[np.float32]] = []
    labelled: list[NDArray[np.bool_]] = []
    while len(actions) < n_states:
        seen = batch.observations()
        targets = [rider.target() for rider in riders]
        for lane, (rider, target) in enumerate(zip(riders, targets, strict=True)):
            action, mask = rider.label(target)
            if mask.any():
                observations.append({name: array[lane] for name, array in seen.items()})
                actions.append(_padded(action, config.n_max))
                labelled.append(_padded(mask, config.n_max))
        step = batch.step_multipliers(targets)
        for lane in np.flatnonzero(step.terminated).tolist():
            batch.reset(lane, rngs[lane])
            riders[lane] = _Rider(batch, lane, expert)
    return ExpertStates(
        {name: torch.from_numpy(np.stack([o[name] for o in observations[:n_states]])) for name in observations[0]},
        torch.from_numpy(np.stack(actions[:n_states])),
        torch.from_numpy(np.stack(labelled[:n_states])),
    )


class _Rider:
    """An expert at the reins of one episode."""

    def __init__(self, batch: EpisodeBatch, lane: int, expert: str) -> None:
        self.episode = batch.episodes[lane]
        self.config = batch.config.action
        self.controller = expert_factory(expert)()
        self.controller.start(
            self.episode.dual, budget=self.episode.budget, rng=np.random.default_rng(0), initial=self.episode.initial
        )

    def target(self) -> NDArray[np.float64]:
        """Return where the expert goes from the last evaluation, [n] distance units."""
        turn = self.episode.step
        assert turn is not None
        return self.controller.update(turn.point, turn.feedback)

    def label(self, target: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the action that goes there, and where it means anything."""
        turn = self.episode.step
        assert turn is not None
        point = turn.point
        dual = self.episode.dual
        return action_label(point.multipliers, dual.clip(target), point.violation, dual.scale, self.config)


def _padded(values: NDArray[Any], n_max: int) -> NDArray[Any]:
    return np.pad(values, (0, n_max - len(values)))
