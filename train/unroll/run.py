"""Training runs of multiplier policies: what all have, and those of the start alone and of whole ascents."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lagrl.compilation import BOUND_ROOMS, compile_kernels
from lagrl.controllers.bundle import ProximalBundle
from lagrl.controllers.policy_checkpoint import PolicyCheckpoint, save_policy
from lagrl.errors import InputError
from policies.route_network import RouteNetwork
from train.run import Run
from train.unroll.ablation import keep_zero
from train.unroll.dual_kinds import DUAL_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from lagrl.controllers.graph_attention import NetworkSize
    from train.curves import Curves
    from train.progress import Progress
    from train.stop import Stop
    from train.unroll.config import RouteConfig, UnrollConfig
    from train.unroll.dual_kinds import Ascent, DualKind

REFERENCE_EVALUATIONS = 60
"""Evaluations of the bundle method, whose value validations are compared with."""

_STREAM = 18  # separates these random streams from those of other trainings


@dataclass(frozen=True)
class RouteCandidate:
    """Weights with the result of their validation.

    Attributes
    ----------
    step
        Updates before them.
    scores
        By budget of evaluations: mean over the validation instances of (R − L) / R in %, with L the value and R that of
        the bundle method in 60 evaluations; lower is better, negative above R.
    weights
        Tensors of the network, on the CPU.
    """

    step: int
    scores: dict[int, float]
    weights: dict[str, Tensor] = field(repr=False)

    @property
    def merit(self) -> float:
        """Mean score over the budgets; lower is better."""
        return float(np.mean(list(self.scores.values())))


class RouteRun(Run):
    """A training of a multiplier policy in updates.

    Everything random in update u follows from the seed and u, so that a resumed run repeats what it would have done.

    Parameters
    ----------
    config
        Hyper-parameters.
    name
        Name of the training.
    policy
        Size of the network.
    duals
        Kind of dual that the policy is for.
    initial
        Weights of the first update; None: at random.
    """

    unit = "update"
    shown_every = 20
    net: RouteNetwork
    best: RouteCandidate | None

    def __init__(
        self,
        config: RouteConfig,
        name: str,
        policy: NetworkSize,
        duals: DualKind,
        initial: Mapping[str, NDArray[np.float32]] | None = None,
    ):
        super().__init__(config.updates)
        compile_kernels(*BOUND_ROOMS)
        self.name = name  # type: ignore[misc]  # one class for several trainings
        self.config = config
        self.policy = policy
        self.duals = duals
        self.best = None
        self.updates = 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.net = RouteNetwork(policy, duals.kind)
        if initial is not None:
            own = {key: torch.from_numpy(value.copy()) for key, value in initial.items()}
            self.net.load_state_dict(self.net.state_dict() | own)
        self.optimizer = torch.optim.Adam(self.trained(), config.learning_rate)
        self._ascents: list[Ascent] = []
        self._references: list[float] = []

    def trained(self) -> list[torch.nn.Parameter]:
        """Return the parameters that the training changes."""
        return list(self.net.parameters())

    @abstractmethod
    def update(self) -> dict[str, float]:
        """Make one update of the network; return the row for the curves."""

    @property
    def steps_done(self) -> int:
        """Number of updates so far."""
        return self.updates

    def plan(self) -> dict[str, float]:
        """Return the numbers of updates and of instances to validate."""
        every, done = self.config.validate_every, self.updates
        validations = math.ceil(self.total_steps / every) - done // every
        validated = self.config.validation_instances * (validations + 1)
        return {"update": self.total_steps - done, "validation": validated}

    def guesses(self) -> dict[str, float]:
        """Return no guesses: both kinds of work begin at once."""
        return {}

    def learn(
        self, stop: Stop, curves: Curves, progress: Progress, save: Callable[[], None], *, resumed: bool = False
    ) -> None:
        """Train to the end, or until `stop` requests an end; see `Run.learn`."""
        if self.is_complete:
            return
        self.prepare()
        while True:  # one update at least, so that every part of a run makes progress
            started = time.perf_counter()
            row = self.update()
            self.updates += 1
            if self.updates % self.config.validate_every == 0 or self.is_complete:
                candidate = RouteCandidate(self.updates, self.validate(), self.weights())
                if self.best is None or candidate.merit < self.best.merit:
                    self.best = candidate
                row |= {f"validation/{budget}": score for budget, score in candidate.scores.items()}
            self.seconds += time.perf_counter() - started
            curves.append(self.updates, row)
            if self.updates % self.shown_every == 0 or self.is_complete:
                progress.advance(self.updates - progress.done, **row)
            save()
            if self.is_complete or stop.requested:
                return

    def descend(self, loss: Tensor) -> float:
        """Make a step of Adam on a loss; return the norm of its gradient.

        Raises
        ------
        InputError
            If that is not finite.
        """
        config = self.config
        rate = config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * self.updates / self.total_steps))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.trained(), config.clip)
        if not torch.isfinite(norm):
            raise InputError(
                f"the gradient of update {self.updates} is not finite",
                field="learning_rate",
                remedy="start again with a smaller one",
            )
        self.optimizer.step()
        return float(norm)

    def prepare(self) -> None:
        """Make the validation instances and their reference values."""
        self._ascents = self.duals.validation(self.config)
        self._references = []
        for number, ascend in enumerate(self._ascents):
            self._references.append(ascend(ProximalBundle(), REFERENCE_EVALUATIONS))
            self.report("validation", 1, f"reference, instance {number + 1}/{len(self._ascents)}")

    def validate(self) -> dict[int, float]:
        """Return the present weights' score by budget, see `RouteCandidate`."""
        checkpoint = PolicyCheckpoint(self.net.weights(), self.policy, {}, "")
        gaps = np.zeros((len(self._ascents), len(self.config.budgets)))
        for row, (ascend, reference) in enumerate(zip(self._ascents, self._references, strict=True)):
            for column, budget in enumerate(self.config.budgets):
                value = ascend(self.duals.controller(checkpoint), budget)
                gaps[row, column] = 100.0 * (reference - value) / max(abs(reference), 1e-300)
            self.report("validation", 1, f"validation, instance {row + 1}/{len(self._ascents)}")
        return dict(zip(self.config.budgets, gaps.mean(axis=0).tolist(), strict=True))

    @property
    def candidate(self) -> RouteCandidate:
        """Best candidate; before the first validation the current weights, without scores."""
        return self.best or RouteCandidate(self.updates, {}, self.weights())

    def save_checkpoint(self, path: Path, card: dict[str, Any]) -> None:
        """Write the candidate as a policy."""
        weights = {name: tensor.numpy() for name, tensor in self.candidate.weights.items()}
        save_policy(self.duals.kind, path, weights, self.policy, card)


class UnrollRun(RouteRun):
    """A training of a multiplier policy by the envelope gradient, see `train.unroll.rollout.unroll`.

    Parameters
    ----------
    config
        Hyper-parameters.
    name
        `start` or `unroll`.
    initial
        Weights of the first update; None: at random.
    """

    config: UnrollConfig

    def __init__(self, config: UnrollConfig, name: str, initial: Mapping[str, NDArray[np.float32]] | None = None):
        super().__init__(config, name, config.policy, DUAL_KINDS[config.relaxation], initial)
        keep_zero(self.net, config.without)

    def update(self) -> dict[str, float]:
        """Unroll ascents of generated instances, and follow the gradient of their loss."""
        rng = np.random.default_rng([self.config.seed, _STREAM, self.updates, int(self.name == "start")])
        loss, values = self.duals.unroll(self.net, self.config, rng, lambda: self.report("update", 0, "ascents"))
        norm = self.descend(loss)
        self.report("update", 1, "updates")
        gains = [max(of_one) - of_one[0] for of_one in values]
        scale = [max(abs(max(of_one)), 1e-300) for of_one in values]
        return {"gain": float(np.mean(np.divide(gains, scale))), "gradient": norm, "evaluations": len(values[0])}
