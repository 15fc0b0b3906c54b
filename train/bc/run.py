"""A cloning run: rounds of data, epochs of fitting, validation, and the candidate that is kept."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lagrl.samplers.registry import make_sampler
from policies.checkpoint import Checkpoint
from policies.controller import PolicyController
from policies.graph import as_tensors
from policies.network import DiagonalPrecondNet
from train.bc.cloning import fit_epoch, imitation_error
from train.bc.dagger import Round, collect, expert_share
from train.bc.dataset import States, add_shard, new_manifest
from train.device import seed_everything
from train.experts import expert_factory
from train.validation import evaluate, validation_set

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from train.bc.config import BCConfig
    from train.curves import Curves
    from train.progress import Progress
    from train.stop import Stop

DATASET_FOLDER = "dataset"

Scores = dict[int, float]
"""Mean route cost over Clarke and Wright's, per budget."""


@dataclass(frozen=True)
class Candidate:
    """Weights that were validated.

    Attributes
    ----------
    epoch
        After how many epochs.
    scores
        What validation said.
    imitation
        Figures on held-out episodes.
    weights
        The network's, on the CPU.
    """

    epoch: int
    scores: Scores
    imitation: dict[str, float]
    weights: dict[str, Tensor] = field(repr=False)

    @property
    def merit(self) -> float:
        """Mean score over the budgets; lower is better."""
        return merit(self.scores)


def merit(scores: Scores) -> float:
    """Return the mean score over the budgets; lower is better."""
    return float(np.mean(list(scores.values())))


class BCRun:
    """A run under way.

    Parameters
    ----------
    config
        What to do.
    folder
        The run's folder; it must exist when training begins. The dataset goes into a folder within.
    device
        Where to compute.

    Attributes
    ----------
    net, optimizer
        The policy's network, and what fits its actor; the critic is left to PPO.
    epoch
        Epochs done.
    updates
        Minibatches done.
    manifest
        The dataset so far.
    expert_scores
        What validation says of the expert; empty until measured.
    best
        The best candidate so far; None until validated.
    imitation
        The last figures on held-out episodes.
    seconds
        Spent so far, all pieces together.
    """

    def __init__(self, config: BCConfig, folder: Path, device: torch.device) -> None:
        self.config = config = config.resolved()
        assert config.expert is not None
        self.folder = folder
        self.device = device
        self.expert = expert_factory(config.expert)
        for name in (config.env.sampler, config.env.route_sampler):
            make_sampler(name)  # an unknown one is told now, not after the first validation
        seed_everything(config.seed)
        self.net = DiagonalPrecondNet(config.policy).to(device)
        self.optimizer = torch.optim.Adam(self.net.actor_parameters(), lr=config.learning_rate)
        self.epoch = self.updates = 0
        self.manifest = new_manifest()
        self.states: States | None = None
        self.expert_scores: Scores = {}
        self.best: Candidate | None = None
        self.imitation: dict[str, float] = {}
        self.seconds = 0.0
        self.problems = validation_set(config.validation_seed, config.validation_instances, config.validation_sizes)

    @property
    def candidate(self) -> Candidate:
        """The best candidate; before the first validation, the policy as it is, without scores."""
        return self.best or Candidate(self.epoch, {}, self.imitation, self.checkpoint.net.state_dict())

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.epoch >= self.config.epochs

    @property
    def checkpoint(self) -> Checkpoint:
        """The policy as it is now; a copy on the CPU."""
        net = copy.deepcopy(self.net).cpu().eval()
        return Checkpoint(net=net, policy=self.config.policy, action=self.config.env.action, card={})

    def learn(self, stop: Stop, curves: Curves, progress: Progress, save: Callable[[BCRun], None]) -> None:
        """Train to the end, or until `stop` says so.

        Parameters
        ----------
        stop
            Asked while data are collected and after every epoch. Whatever it interrupts is done again, alike.
        curves, progress
            Told after every epoch.
        save
            Archives the run, after every round of data and every epoch; it decides itself whether that is due.
        """
        started = time.monotonic() - self.seconds
        if not self.expert_scores:
            self.expert_scores = evaluate(self.expert, self.problems, self.config.budgets)
        progress.note(f"validation of expert {self.config.expert}: {_said(self.expert_scores)}")
        while not self.is_complete and not stop.requested:
            if len(self.manifest["shards"]) <= self.epoch // self.config.epochs_per_round:
                if not self.collect_round(stop):
                    break
                self.seconds = time.monotonic() - started
                save(self)
            row = self.train_epoch()
            self.seconds = time.monotonic() - started
            curves.append(self.epoch, row | {"seconds": self.seconds})
            save(self)
            shown = ("loss", "mse", "held_out/explained", "validation")
            progress.advance(1, **{name: row[name] for name in shown if name in row})

    def collect_round(self, stop: Stop) -> bool:
        """Collect the next round's shard; tell whether it was completed."""
        config, number = self.config, len(self.manifest["shards"])
        before = 0 if number == 0 else config.first_episodes + (number - 1) * config.episodes
        task = Round(
            number=number,
            episodes=config.episodes if number else config.first_episodes,
            first_episode=before,
            expert_share=expert_share(config.beta, number),
            noise=config.noise,
        )
        states = collect(
            config.env,
            self.expert,
            self.act if number else None,
            task,
            lanes=config.lanes,
            seed=config.seed,
            stop=lambda: stop.requested,
        )
        if states is None:
            return False
        folder = self.folder / DATASET_FOLDER
        folder.mkdir(exist_ok=True)
        self.manifest = add_shard(folder, self.manifest, states)
        self.states = states if self.states is None else States.joined([self.states, states])
        return True

    def act(self, observation: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Return the policy's mean actions [B, N] at observations [B, …]."""
        with torch.no_grad():
            actions: NDArray[np.float32] = self.net.mean(as_tensors(observation, self.device)).cpu().numpy()
        return actions

    def train_epoch(self) -> dict[str, float]:
        """Fit once through all data so far; return the row for the curves."""
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
        )
        self.epoch += 1
        self.updates += -(-len(chosen) // config.batch_size)
        self.imitation = imitation_error(self.net, states, np.flatnonzero(is_held_out), config.batch_size)
        row |= {f"held_out/{name}": value for name, value in self.imitation.items()}
        log_std, shared = self.net.spread()
        row |= {"states": len(states), "learning_rate": rate, "log_std": log_std.item()}
        if shared is not None:
            row["shared_log_std"] = shared.item()
        if self.epoch % config.validate_every == 0 or self.is_complete:
            row |= self.validate()
        return row

    def validate(self) -> dict[str, float]:
        """Measure the policy as it is; keep it if it is the best so far."""
        checkpoint = self.checkpoint
        scores = evaluate(lambda: PolicyController(checkpoint), self.problems, self.config.budgets)
        candidate = Candidate(self.epoch, scores, self.imitation, checkpoint.net.state_dict())
        if self.best is None or candidate.merit < self.best.merit:
            self.best = candidate
        return {"validation": candidate.merit} | {f"validation/{budget}": score for budget, score in scores.items()}


def learning_rate(config: BCConfig, epoch: int) -> float:
    """Return Adam's step size in an epoch: half a cosine from the first to the last (Loshchilov and Hutter 2017)."""
    share = epoch / max(1, config.epochs - 1)
    fall = config.learning_rate - config.last_learning_rate
    return config.last_learning_rate + 0.5 * fall * (1.0 + math.cos(math.pi * share))


def _said(scores: Scores) -> str:
    return ", ".join(f"{score:.4f} at {budget}" for budget, score in scores.items())
