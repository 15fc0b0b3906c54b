"""PPO for a route policy's steps, with the other ascents of an instance as baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from envs.reward import LARGEST_RATIO
from train.route_steps.ascents import AscentStates, NetworkAscents, environment
from train.route_steps.run import StepsRun
from train.unroll.instances import validation_problems
from train.unroll.run import RouteCandidate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from lagrl.problems.cvrp import CVRP
    from policies.route_network import RouteBatch
    from train.route_steps.config import RoutePPOConfig
    from train.unroll.rollout import Moment

_REFERENCE_EVALUATIONS = 50  # of the value that the gap is measured to
_LEAST_SPREAD = 1e-8

Numbers = tuple["Tensor", "Tensor"]
"""Numbers of steps: the customers' [M, 2], and the instances' [B, 2]; of one state [n, 2] and [2]."""


class RoutePPORun(StepsRun):
    """A training of the steps by PPO (Schulman et al. 2017) in the environment.

    The policy is Gaussian around the network's numbers, before they are squashed to an action: independent noise for
    each customer and noise that is common to all. Each instance of an update has several ascents of equal length. The
    advantage of a step is its return minus the mean return of the other ascents of the instance from the same
    evaluation on (Kool, van Hoof and Welling 2019), so there is no critic. Returns are not discounted: the reward is
    the difference of a potential, and its sum is the potential's rise to the end.

    Parameters
    ----------
    config
        Hyper-parameters.
    """

    config: RoutePPOConfig

    def __init__(self, config: RoutePPOConfig) -> None:
        super().__init__(config, "route-ppo", keeps_steps=True)
        self._problems: list[CVRP] = []

    def prepare(self) -> None:
        """Make the validation instances; the initial policy is the first candidate."""
        super().prepare()
        self._problems = validation_problems(self.config)
        if self.best is None:
            self.best = RouteCandidate(0, self.validate(), self.weights())

    def update(self) -> dict[str, float]:
        """Make ascents with exploration, and follow the clipped objective."""
        config = self.config
        rng, relaxation, evaluations, problems = self.draw()
        states, drawn, before, advantages, returns = self.collect(rng, relaxation, evaluations, problems)
        row = {"return": float(returns.mean()), "spread": float(returns.std()), "evaluations": float(evaluations)}
        for step in range(config.steps):
            chosen = rng.permutation(len(states)).tolist()[: config.states]
            some, gains = states.chosen(chosen), advantages[chosen]
            graph = some.graph()
            present = some.numbers(self.net, graph)
            ratio = log_ratio(
                joined(drawn, chosen), joined(before, chosen), present, graph, config.noise, config.shared_noise
            ).exp()
            clipped = ratio.clamp(1.0 - config.clip_range, 1.0 + config.clip_range)
            loss = -torch.min(gains * ratio, gains * clipped).mean()
            row |= {"gradient": self.descend(loss), "clipped": float((ratio != clipped).float().mean())}
            self.report("update", 0, f"step {step + 1}/{config.steps}")
        self.report("update", 1, "updates")
        return row

    def collect(
        self, rng: np.random.Generator, relaxation: str, evaluations: int, problems: list[CVRP]
    ) -> tuple[AscentStates, list[Numbers], list[Numbers], Tensor, NDArray[np.float64]]:
        """Make ascents with exploration.

        Returns their states, the numbers drawn in each and their means, the advantages [S], and the ascents' returns.
        """
        config = self.config
        every = config.route_every if config.phase == 3 else evaluations
        env = environment(
            config, relaxation, evaluations, route_every=every, reference_evaluations=_REFERENCE_EVALUATIONS
        )
        repeated = [problem for problem in problems for _ in range(config.group)]
        ascents = NetworkAscents(env, repeated, self.net, config.phase, self.seed())
        embedded = torch.split(ascents.embedded, list(ascents.graph.sizes))
        moments: list[Moment] = []
        drawn: list[Numbers] = []
        before: list[Numbers] = []
        at: list[tuple[int, int]] = []  # episode and step
        rewards = np.zeros((len(repeated), evaluations - 1))
        for step in range(evaluations - 1):
            over = ascents.over
            present, *means = ascents.look()
            own, of_all = self._explored(rng, ascents.graph, *means)
            parts = [torch.split(each, list(ascents.graph.sizes)) for each in (own, means[0])]
            for index in sorted(set(range(len(repeated))) - set(over)):
                moments.append(present[index])
                drawn.append((parts[0][index], of_all[index]))
                before.append((parts[1][index], means[1][index]))
                at.append((index, step))
            rewards[:, step] = ascents.batch.step(ascents.actions(own, of_all), resting=over).rewards
            self.report("update", 0, f"evaluation {step + 2}/{evaluations}")
        returns = rewards[:, ::-1].cumsum(axis=1)[:, ::-1]
        grouped = returns.reshape(len(problems), config.group, -1)
        others = (grouped.sum(axis=1, keepdims=True) - grouped) / (config.group - 1)
        gains = (grouped - others).reshape(returns.shape)
        advantages = np.array([gains[where] for where in at])
        advantages /= max(float(advantages.std()), _LEAST_SPREAD)
        states = AscentStates(moments, [embedded[index] for index, _ in at])
        return states, drawn, before, torch.from_numpy(advantages.astype(np.float32)), returns[:, 0]

    def _explored(self, rng: np.random.Generator, graph: RouteBatch, own: Tensor, of_all: Tensor) -> Numbers:
        config = self.config
        common = torch.from_numpy(rng.normal(0.0, config.shared_noise, of_all.shape).astype(np.float32))
        local = torch.from_numpy(rng.normal(0.0, config.noise, own.shape).astype(np.float32))
        of_instance = torch.from_numpy(rng.normal(0.0, config.shared_noise, of_all.shape).astype(np.float32))
        return own + common[graph.graph] + local, of_all + of_instance

    def validate(self) -> dict[int, float]:
        """Return the score by budget: as of every route policy, in phase 3 that of the routes.

        That is the mean cost of the environment's routes with ng-routes, in % of Clarke and Wright's.
        """
        if self.config.phase == 2:
            return super().validate()
        problems, scores = self._problems, {}
        for budget in self.config.budgets:
            env = environment(self.config, "ng", budget, route_every=self.config.route_every, reference_evaluations=0)
            ascents = NetworkAscents(env, problems, self.net, 3, [self.config.validation_seed])
            while len(over := ascents.over) < len(problems):
                _, own, of_all = ascents.look()
                ascents.batch.step(ascents.actions(own, of_all), resting=over)
            ratios = [min(episode.best.route_ratio, LARGEST_RATIO) for episode in ascents.batch.episodes]
            scores[budget] = 100.0 * float(np.mean(ratios))
            self.report("validation", len(problems) / len(self.config.budgets), f"validation, budget {budget}")
        return scores


def joined(numbers: Sequence[Numbers], chosen: Sequence[int]) -> Numbers:
    """Return the numbers of some states side by side."""
    own, of_all = zip(*(numbers[index] for index in chosen), strict=True)
    return torch.cat(own), torch.stack(of_all)


def log_ratio(
    drawn: Numbers, before: Numbers, present: Numbers, graph: RouteBatch, noise: float, shared_noise: float
) -> Tensor:
    """Return the logarithms [B] of the ratios of two policies' densities, normalised for the number of customers.

    The density of the customers' numbers has a part along their mean, whose variance is τ² + σ²/n, and n − 1 others,
    whose logarithm is divided by n − 1 (`train.ppo.algorithm.per_customer`).

    Parameters
    ----------
    drawn
        Numbers that were drawn.
    before, present
        Means of the former and of the present policy.
    graph
        The states' instances.
    noise, shared_noise
        σ of each customer's own noise; τ of the common noise, and of the noise of the instance's numbers.
    """
    n = torch.tensor(graph.sizes, dtype=torch.float32)[:, None]

    def log_density(mean: Numbers) -> Tensor:
        own, of_all = drawn[0] - mean[0], drawn[1] - mean[1]
        average = graph.mean @ own
        around = n * (graph.mean @ own.square() - average.square())
        common = average.square() / (shared_noise**2 + noise**2 / n)
        local = around / (noise**2 * (n - 1.0).clamp(min=1.0))
        return -0.5 * (common + local + of_all.square() / shared_noise**2).sum(dim=1)

    return log_density(present) - log_density(before)
