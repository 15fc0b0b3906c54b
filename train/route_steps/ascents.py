"""Ascents of a batch of route environments that a network steps through, with what they saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from envs.config import EnvConfig
from envs.route.action import POLICY_ACTION, policy_action
from envs.route.core import RouteEpisodeBatch
from policies.route_network import RouteBatch
from train.unroll.rollout import Moment, states_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from lagrl.problems.cvrp import CVRP
    from policies.route_network import RouteNetwork
    from train.route_steps.config import StepsConfig


def environment(
    config: StepsConfig, relaxation: str, evaluations: int, *, route_every: int, reference_evaluations: int
) -> EnvConfig:
    """Return the configuration of episodes of some evaluations that start as the policy `config.init` does."""
    return EnvConfig.preset("routes").changed(
        {
            "relaxation": relaxation,
            "n_max": max(config.customers[1], config.validation_customers[1]),
            "n_customers": (2, 2),  # all instances are given
            "min_steps": None,
            "max_steps": evaluations - 1,
            "action": POLICY_ACTION,
            "start": f"learned:{config.init}",
            "route_sampler": "exact",
            "route_every": route_every,
            "reference_evaluations": reference_evaluations,
            "most_load": config.most_load,
        }
    )


class NetworkAscents:
    """Episodes that have started, and the step that a network would make in each.

    Parameters
    ----------
    config
        The environment's.
    problems
        Instances, one per episode.
    network
        The network.
    phase
        Curriculum phase of the rewards.
    seed
        Entropy of the episodes' random numbers.

    Attributes
    ----------
    batch
        The environments.
    graph
        All instances as one graph.
    embedded
        [M, H] embeddings of their customers, without gradient.
    """

    def __init__(
        self,
        config: EnvConfig,
        problems: Sequence[CVRP],
        network: RouteNetwork,
        phase: int | None,
        seed: Sequence[int],
    ) -> None:
        self.batch = RouteEpisodeBatch(config, len(problems))
        self.batch.set_phase(phase)
        for index, problem in enumerate(problems):
            self.batch.reset(index, np.random.default_rng([*seed, index]), problem)
        self.graph = RouteBatch.of([episode.observer.memory.features for episode in self.batch.episodes])
        self._network = network
        with torch.no_grad():
            self.embedded = network.embed(self.graph)

    @property
    def over(self) -> list[int]:
        """Indices of the episodes that are over."""
        return [index for index, episode in enumerate(self.batch.episodes) if episode.is_over]

    def look(self) -> tuple[list[Moment], Tensor, Tensor]:
        """Return every episode's present, and the network's numbers of its step: [M, 2] and [B, 2]."""
        moments = [Moment.of(episode.observer.memory) for episode in self.batch.episodes]
        with torch.no_grad():
            own, of_all = self._network.step(self.embedded, states_of(moments), self.graph)
        return moments, own, of_all

    def actions(self, own: Tensor, of_all: Tensor) -> NDArray[np.float64]:
        """Return the padded actions [B, N + 1, 2] of a step's numbers."""
        actions = np.zeros((len(of_all), *(self.batch.action_space.shape or ())))
        parts = np.split(own.double().numpy(), np.cumsum(self.graph.sizes)[:-1])
        for action, part, numbers in zip(actions, parts, of_all.double().numpy(), strict=True):
            whole = policy_action(part, numbers)
            action[: len(part)], action[-1] = whole[:-1], whole[-1]
        return actions


class AscentStates:
    """States of several ascents.

    Parameters
    ----------
    moments
        The states.
    embedded
        [n, H] each one's customers.
    """

    def __init__(self, moments: Sequence[Moment], embedded: Sequence[Tensor]) -> None:
        self.moments = moments
        self.embedded = embedded

    def __len__(self) -> int:
        return len(self.moments)

    def chosen(self, indices: Sequence[int]) -> AscentStates:
        """Return some of the states."""
        return AscentStates([self.moments[index] for index in indices], [self.embedded[index] for index in indices])

    def graph(self) -> RouteBatch:
        """Return the states' instances side by side."""
        return RouteBatch.of([moment.features for moment in self.moments])

    def numbers(self, network: RouteNetwork, graph: RouteBatch) -> tuple[Tensor, Tensor]:
        """Return the numbers of every state's step, [M, 2] and [B, 2], with gradient; `graph` is that of the states."""
        numbers: tuple[Tensor, Tensor] = network.step(torch.cat(list(self.embedded)), states_of(self.moments), graph)
        return numbers
