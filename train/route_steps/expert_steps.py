"""Cloning of a classical rule's steps with DAgger (Ross, Gordon and Bagnell 2011)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from envs.route.action import POLICY_ACTION, next_route_multipliers
from train.experts import expert_factory, expert_target, start_expert
from train.route_steps.ascents import AscentStates, NetworkAscents, environment
from train.route_steps.run import StepsRun
from train.unroll.rollout import moved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from lagrl.problems.cvrp import CVRP
    from train.route_steps.config import RouteBCConfig
    from train.unroll.rollout import Moment

_TURN = 0.1  # units; larger errors of a step count in proportion, smaller ones by their square


class RouteBCRun(StepsRun):
    """A cloning of an expert's steps.

    An update makes ascents of new instances. In each the expert or the learner moves, and the expert labels every
    state with the multipliers that it would move to. There is no set of data that is kept: an evaluation takes a
    millisecond, and states that the present learner visits are those that it needs.

    Parameters
    ----------
    config
        Hyper-parameters.
    """

    config: RouteBCConfig

    def __init__(self, config: RouteBCConfig) -> None:
        self.expert = expert_factory(config.expert)
        super().__init__(config, "route-bc", keeps_steps=False)

    def update(self) -> dict[str, float]:
        """Collect labelled states, and fit the steps to them."""
        first, last = self.config.learner
        share = first + (last - first) * self.updates / max(1, self.total_steps - 1)
        rng, relaxation, evaluations, problems = self.draw()
        states, targets = self.collect(rng, relaxation, evaluations, problems, share)
        row = {"learner": share, "evaluations": float(evaluations)}
        for step in range(self.config.steps):
            chosen = rng.permutation(len(states)).tolist()[: self.config.states]
            some = states.chosen(chosen)
            errors, moves = self.errors(some, [targets[index] for index in chosen])
            if step == 0:  # states that are new to the network
                row["error"] = float(errors.detach().square().sum() / moves.square().sum())
                row["size"] = float(moves.square().mean().sqrt())
            loss = functional.smooth_l1_loss(errors, torch.zeros_like(errors), beta=_TURN)
            row |= {"loss": float(loss.detach()), "gradient": self.descend(loss)}
            self.report("update", 0, f"step {step + 1}/{self.config.steps}")
        self.report("update", 1, "updates")
        return row

    def errors(self, states: AscentStates, targets: Sequence[NDArray[np.float64]]) -> tuple[Tensor, Tensor]:
        """Return the errors of the network's steps, and the expert's steps, [Σ (n + 1)] in units of the multipliers."""
        scale = [np.append(moment.features.unit, moment.features.scale) for moment in states.moments]
        units = torch.from_numpy(np.concatenate(scale))
        at = torch.from_numpy(np.concatenate([moment.multipliers for moment in states.moments]))
        wanted = torch.from_numpy(np.concatenate(targets))
        return (self.following(states) - wanted) / units, (wanted - at) / units

    def following(self, states: AscentStates) -> Tensor:
        """Return the multipliers [Σ (n + 1)] that the network moves to, the fleet's behind its instance's customers."""
        graph = states.graph()
        at = [torch.tensor(moment.multipliers) for moment in states.moments]
        customers, fleet = torch.cat([one[:-1] for one in at]), torch.stack([one[-1] for one in at])
        customers, fleet = moved(states.moments, graph, states.numbers(self.net, graph), customers, fleet)
        parts = zip(torch.split(customers, list(graph.sizes)), fleet.unbind(), strict=True)
        return torch.cat([torch.cat([own, last[None]]) for own, last in parts])

    def collect(
        self, rng: np.random.Generator, relaxation: str, evaluations: int, problems: list[CVRP], share: float
    ) -> tuple[AscentStates, list[NDArray[np.float64]]]:
        """Make ascents, the learner in a share of them; return the states and the expert's next multipliers."""
        config = environment(self.config, relaxation, evaluations, route_every=evaluations, reference_evaluations=0)
        ascents = NetworkAscents(config, problems, self.net, None, self.seed())
        episodes, over = ascents.batch.episodes, set(ascents.over)
        experts = [start_expert(self.expert, episode, rng) for episode in episodes]
        is_learners = rng.random(len(episodes)) < share
        embedded = torch.split(ascents.embedded, list(ascents.graph.sizes))
        moments: list[Moment] = []
        of_states: list[Tensor] = []
        targets: list[NDArray[np.float64]] = []
        while len(over) < len(episodes):
            present, own, of_all = ascents.look()
            noise = [torch.from_numpy(rng.normal(0.0, self.config.noise, each.shape)) for each in (own, of_all)]
            actions = ascents.actions(own + noise[0], of_all + noise[1])
            moves: list[NDArray[np.float64] | None] = [None] * len(episodes)
            for index, episode in enumerate(episodes):
                if index in over:
                    continue
                target = expert_target(experts[index], episode)
                moments.append(present[index])
                of_states.append(embedded[index])
                targets.append(target)
                if is_learners[index]:
                    n = episode.n_customers
                    action = np.vstack([actions[index, :n], actions[index, -1]])
                    moves[index] = next_route_multipliers(action, episode.observer.memory, POLICY_ACTION)
                else:
                    moves[index] = target
            ascents.batch.step_multipliers(moves)
            over = set(ascents.over)
            self.report("update", 0, f"{len(moments)} states")
        return AscentStates(moments, of_states), targets
