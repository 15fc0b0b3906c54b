"""What the trainings of a route policy's steps share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.route_checkpoint import load_route_policy
from train.unroll.config import LEARNED_STEPS
from train.unroll.dual_kinds import DUAL_KINDS
from train.unroll.instances import draw_problem
from train.unroll.run import RouteRun

if TYPE_CHECKING:
    import torch

    from lagrl.problems.cvrp import CVRP
    from train.route_steps.config import StepsConfig

_STREAM = 30  # separates these random streams from those of other trainings


class StepsRun(RouteRun):
    """A training of the steps alone: the start is that of an initial policy.

    Parameters
    ----------
    config
        Hyper-parameters.
    name
        Name of the training.
    keeps_steps
        Whether the training begins with the steps of the initial policy; if not, with random weights.
    """

    config: StepsConfig

    def __init__(self, config: StepsConfig, name: str, *, keeps_steps: bool) -> None:
        initial = load_route_policy(config.init)
        weights = {key: value for key, value in initial.weights.items() if keeps_steps or key.startswith("start_")}
        size = replace(initial.policy, steps=LEARNED_STEPS)
        super().__init__(config, name, size, DUAL_KINDS["routes"], weights)

    def trained(self) -> list[torch.nn.Parameter]:
        """Return the parameters of the steps."""
        return [parameter for key, parameter in self.net.named_parameters() if key.startswith("step_")]

    def seed(self) -> list[int]:
        """Return the entropy of the present update."""
        return [self.config.seed, _STREAM, self.updates]

    def draw(self) -> tuple[np.random.Generator, str, int, list[CVRP]]:
        """Draw the present update's generator, relaxation, number of evaluations and instances."""
        config, rng = self.config, np.random.default_rng(self.seed())
        relaxation = "paths" if rng.random() < config.paths_share else "ng"
        evaluations = int(rng.integers(*config.horizon, endpoint=True))
        return (
            rng,
            relaxation,
            evaluations,
            [draw_problem(config, rng, config.customers) for _ in range(config.instances)],
        )
