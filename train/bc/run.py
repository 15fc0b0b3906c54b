"""A cloning run: rounds of data collection, epochs of fitting, and validation."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lagrl.samplers.registry import close_sampler, make_sampler
from policies.graph import as_tensors
from policies.network import DiagonalPrecondNet
from train.bc.cloning import fit_epoch, imitation_error
from train.bc.config import BCConfig
from train.bc.dagger import Round, collect, collect_on, expert_share
from train.candidate import Scores, TrainingCandidate, mean_score
from train.dataset import States, add_shard
from train.experts import expert_factory
from train.manifest import Manifest
from train.probe import mean_steps, seconds_per_state
from train.run import TrainingRun
from train.torch_device import seed_everything
from train.validation import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from train.curves import Curves
    from train.progress import Progress
    from train.stop import Stop

DATASET_FOLDER = "dataset"


@dataclass(frozen=True)
class MeanActions:
    """The learner: a network's mean actions [B, N] at observations [B, …]."""

    net: DiagonalPrecondNet
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __call__(self, observation: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Return the actions."""
        with torch.no_grad():
            actions: NDArray[np.float32] = self.net.mean(as_tensors(observation, self.device)).cpu().numpy()
        return actions


class BCRun(TrainingRun[BCConfig]):
    """A cloning run and its state.

    Parameters
    ----------
    config
        Hyper-parameters.
    folder
        Folder of the run, which must exist when training starts; it contains the dataset.
    device
        Device of the network.

    Attributes
    ----------
    optimizer
        Optimiser of the actor; the critic is left to PPO.
    epoch
        Number of epochs so far.
    updates
        Number of minibatches so far.
    manifest, states
        Manifest of the dataset so far, and its states; None before the first round.
    expert_scores
        Validation result of the expert; empty before it is measured.
    """

    name = "bc"
    unit = "epoch"

    def __init__(self, config: BCConfig, folder: Path, device: torch.device) -> None:
        config = config.resolved()
        super().__init__(config, config.policy, config.epochs)
        assert config.expert is not None
        self.folder = folder
        self.device = device
        self.expert = expert_factory(config.expert)
        for name in (config.env.sampler, config.env.route_sampler):
            close_sampler(make_sampler(name))  # an unknown name must be an error now, not after the first validation
        seed_everything(config.seed)
        self.net = DiagonalPrecondNet(config.policy).to(device)
        self.optimizer = torch.optim.Adam(self.net.actor_parameters(), lr=config.learning_rate)
        self.epoch = self.updates = 0
        self.manifest = Manifest()
        self.states: States | None = None
        self.expert_scores: Scores = {}

    @property
    def steps_done(self) -> int:
        """Number of epochs so far."""
        return self.epoch

    def plan(self) -> dict[str, float]:
        """Return the number of instances to validate, states to visit and states to train on in the rest of the run."""
        config = self.config
        collected = len(self.manifest.shards)
        found = 0 if self.states is None else len(self.states)
        each = mean_steps(config.env)
        visits = sum(self.config.episodes_of(number) for number in range(collected, config.rounds)) * each
        trained = 0.0
        for epoch in range(self.epoch, config.epochs):
            new = range(collected, epoch // config.epochs_per_round + 1)
            states = found + sum(self.config.episodes_of(number) for number in new) * each
            trained += states * (1 - 1 / config.held_out)
        validations = sum(self._is_validated(epoch + 1) for epoch in range(self.epoch, config.epochs))
        return {
            "validation": (validations + (not self.expert_scores)) * len(self.problems),
            "collection": visits,
            "epoch": trained,
        }

    def guesses(self) -> dict[str, float]:
        """Measure a training step; see `TrainingRun.guesses`."""
        return {"epoch": seconds_per_state(self.net, self.config.batch_size, self.config.env.n_customers)}

    def learn(
        self, stop: Stop, curves: Curves, progress: Progress, save: Callable[[], None], *, resumed: bool = False
    ) -> None:
        """Train to the end, or until `stop` requests an end; see `TrainingRun.learn`."""
        started = time.monotonic() - self.seconds
        if not resumed:
            save()  # a run that fails later can be resumed
        if not self.expert_scores:
            self.expert_scores = measure(self.expert, self.problems, self.config.budgets, report=self.report).means
        scores = ", ".join(f"{score:.4f} at {budget}" for budget, score in self.expert_scores.items())
        progress.note(f"validation of expert {self.config.expert}: {scores}")
        progress.compare("validation", f"expert {self.config.expert}", mean_score(self.expert_scores))
        while not self.is_complete and not stop.requested:
            number = len(self.manifest.shards)
            if number <= self.epoch // self.config.epochs_per_round:
                progress.note(
                    f"round {number + 1}/{self.config.rounds}: {self.config.episodes_of(number)} episodes are collected"
                )
                self.collect_round()
                self.seconds = time.monotonic() - started
                save()
            row = self.train_epoch()
            self.seconds = time.monotonic() - started
            curves.append(self.epoch, row | {"seconds": self.seconds})
            save()
            shown = ("loss", "mse", "held_out/explained", "validation")
            progress.advance(1, **{name: row[name] for name in shown if name in row})
        save()

    def _is_validated(self, epoch: int) -> bool:
        """Return whether the policy is validated after this number of epochs."""
        return epoch % self.config.validate_every == 0 or epoch == self.config.epochs

    def collect_round(self) -> None:
        """Collect the next round's shard."""
        config, number = self.config, len(self.manifest.shards)
        task = Round(
            number=number,
            episodes=self.config.episodes_of(number),
            first_episode=sum(map(config.episodes_of, range(number))),
            expert_share=expert_share(config.beta, number),
            noise=config.noise,
        )
        if self.cluster is not None:
            assert config.expert is not None
            learner = MeanActions(copy.deepcopy(self.net).cpu()) if number else None
            states = collect_on(
                self.cluster, config.env, config.expert, learner, task, seed=config.seed, report=self.report
            )
        else:
            states = collect(
                config.env,
                self.expert,
                MeanActions(self.net, self.device) if number else None,
                task,
                n_envs=config.n_envs,
                seed=config.seed,
                report=self.report,
            )
        folder = self.folder / DATASET_FOLDER
        folder.mkdir(exist_ok=True)
        manifest = add_shard(folder, self.manifest, states)
        self.states = states if self.states is None else States.joined([self.states, states])
        self.manifest = manifest

    def train_epoch(self) -> dict[str, float]:
        """Fit once to all data so far; return the row for the curves."""
        config, states = self.config, self.states
        assert states is not None
        is_held_out = states.episodes % config.held_out == config.held_out - 1
        rate = learning_rate(config, self.epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        chosen = np.flatnonzero(~is_held_out)
        row = fit_epoch(
            self.net,
            self.optimizer,
            states,
            chosen,
            batch_size=config.batch_size,
            mean_weight=config.mean_weight,
            max_grad_norm=config.max_grad_norm,
            seed=config.seed,
            epoch=self.epoch,
            report=self.report,
        )
        imitation = imitation_error(
            self.net, states, np.flatnonzero(is_held_out), config.batch_size, report=self.report
        )
        row |= {f"held_out/{name}": value for name, value in imitation.items()}
        log_std, shared = self.net.spread()
        row |= {"states": len(states), "learning_rate": rate, "log_std": log_std.item()}
        if shared is not None:
            row["shared_log_std"] = shared.item()
        best = self.best
        if self._is_validated(self.epoch + 1):
            candidate = self.validated(imitation)
            row |= candidate.curve_row()
            best = candidate if best is None or candidate.merit < best.merit else best
        self.epoch += 1  # what follows is not interrupted
        self.updates += -(-len(chosen) // config.batch_size)
        self.imitation, self.best = imitation, best
        return row

    def validated(self, imitation: dict[str, float]) -> TrainingCandidate:
        """Measure the policy at the end of the current epoch; return it as a candidate."""
        weights = self.weights()
        scores = self.measured(weights, self.problems).means
        return TrainingCandidate(self.epoch + 1, scores, weights, imitation=imitation)


def learning_rate(config: BCConfig, epoch: int) -> float:
    """Return Adam's step size in an epoch: half a cosine from the first to the last (Loshchilov and Hutter 2017)."""
    share = epoch / max(1, config.epochs - 1)
    fall = config.learning_rate - config.last_learning_rate
    return config.last_learning_rate + 0.5 * fall * (1.0 + math.cos(math.pi * share))
