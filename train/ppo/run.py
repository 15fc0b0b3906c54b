"""A PPO run: what is trained, the boundary between two rollouts, and the candidate that is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.logger import Logger

from envs.curriculum import Curriculum
from envs.sb3 import LagrangianVecEnv
from policies.checkpoint import Checkpoint, save_checkpoint
from policies.controller import PolicyController
from policies.diagonal_precond import DiagonalPrecondPolicy
from policies.network import DiagonalPrecondNet
from train.experts import expert_factory
from train.ppo.algorithm import GraphPPO
from train.ppo.baseline import ExpertBaseline
from train.ppo.callbacks import CurriculumCallback, EpisodeStatistics, RolloutBoundary
from train.ppo.config import at
from train.ppo.imitation import collect_expert_states
from train.ppo.reward_scale import ScaledRewards
from train.ppo.start import action_of, expert_of, imitates, load_weights, policy_of
from train.validation import measure, validation_set

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from lagrl.problems.cvrp import CVRP
    from train.curves import Curves
    from train.ppo.config import PPOConfig
    from train.progress import Progress
    from train.validation import Validation

Scores = dict[int, float]
"""Mean route cost over Clarke and Wright's, per budget."""


class Stopping(Protocol):
    """What says that a run should save and end."""

    @property
    def requested(self) -> bool:
        """Whether it should."""
        ...


@dataclass(frozen=True)
class Candidate:
    """Weights that were validated.

    Attributes
    ----------
    rollout
        After which; 0 is the initial policy.
    ratio
        [instances, budgets] route cost over Clarke and Wright's.
    budgets
        Evaluations of each solve.
    weights
        The network's, on the CPU.
    """

    rollout: int
    ratio: NDArray[np.float64] = field(repr=False)
    budgets: tuple[int, ...]
    weights: dict[str, Tensor] = field(repr=False)

    @property
    def scores(self) -> Scores:
        """Mean over the instances for each budget."""
        return {budget: float(mean) for budget, mean in zip(self.budgets, self.ratio.mean(axis=0), strict=True)}

    @property
    def merit(self) -> float:
        """Mean score over the budgets; lower is better."""
        return float(self.ratio.mean())

    def is_worse_than(self, other: Candidate) -> bool:
        """Whether it is worse than another by more than one standard error of the paired difference."""
        loss = (self.ratio - other.ratio).mean(axis=1)
        error = loss.std(ddof=1) / np.sqrt(len(loss)) if len(loss) > 1 else 0.0
        return bool(loss.mean() > error)


class PPORun:
    """A run under way.

    Parameters
    ----------
    config
        What to do.
    start
        The clone to start from, or None to train from scratch.
    device
        `cpu`, `cuda`, or `auto` for CUDA where there is one.

    Attributes
    ----------
    model, env, curriculum
        The algorithm, its environments, and who owns their phase.
    first, best
        The initial policy and the best one so far, by validation; None until validated.
    confirmed
        Scores of these two on other instances; None until `confirm`.
    seconds
        Wall-clock seconds, all resumed pieces together.

    Raises
    ------
    InputError
        If the checkpoint's actions are not the environment's, or it names no expert to imitate or to compare with.
    """

    def __init__(self, config: PPOConfig, start: Checkpoint | None, *, device: str = "auto") -> None:
        self.config = replace(config, env=replace(config.env, action=action_of(config, start)))
        config = self.config
        self.start = start
        self.policy = policy_of(config, start)
        self.curriculum = Curriculum(config.env)
        self.batch_env = LagrangianVecEnv(config.env, config.n_envs, config.seed)
        self.expert_name = expert_of(config, start)
        self.baseline = _baseline(self.batch_env, self.expert_name, config.gamma) if config.baseline else None
        self.env = ScaledRewards(self.baseline or self.batch_env, config.gamma)
        self.model = GraphPPO(
            DiagonalPrecondPolicy,
            self.env,
            config=config,
            learning_rate=lambda remaining: at(config.learning_rate, 1.0 - remaining),
            n_steps=config.n_steps,
            batch_size=min(config.batch_size, config.rollout_size),
            n_epochs=config.n_epochs,
            gamma=config.gamma,
            gae_lambda=config.gae_lambda,
            clip_range=config.clip_range,
            target_kl=config.target_kl or None,
            ent_coef=config.entropy,
            vf_coef=config.value,
            max_grad_norm=config.max_grad_norm,
            policy_kwargs={"config": self.policy},
            seed=config.seed,
            device=device,
        )
        self.model.set_logger(Logger(folder=None, output_formats=[]))  # the curves are written at the boundaries
        if start is not None:
            load_weights(self.model.net, start.net.state_dict())
            self.model.freeze_clone()
        if imitates(config) and self.expert_name is not None:
            self.model.expert = collect_expert_states(
                config.env, self.expert_name, config.imitation_states, config.seed
            )
        self.problems = validation_set(config.validation_seed, config.validation_instances, config.validation_sizes)
        self.statistics = EpisodeStatistics()
        self.first: Candidate | None = None
        self.best: Candidate | None = None
        self.confirmed: tuple[Scores, Scores] | None = None
        self.seconds = 0.0

    @property
    def rollouts_done(self) -> int:
        """Rollouts collected and learned from."""
        return self.model.num_timesteps // self.config.rollout_size

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.rollouts_done >= self.config.rollouts

    def learn(
        self,
        stop: Stopping,
        curves: Curves,
        progress: Progress,
        save: Callable[[PPORun], None],
        *,
        resumed: bool = False,
    ) -> None:
        """Train to the end, or until `stop` says so.

        Parameters
        ----------
        stop
            Asked at every boundary.
        curves, progress
            Told at every boundary.
        save
            Archives the run; it decides itself whether that is due. At the end it is called too.
        resumed
            Whether the run was archived at the boundary where it stands.
        """
        started = time.monotonic() - self.seconds

        def boundary() -> bool:
            self.seconds = time.monotonic() - started
            self._boundary(curves, progress)
            goes_on = not stop.requested  # asked before `save`, which then knows as well: no end without an archive
            save(self)
            return goes_on

        reached = self.model.num_timesteps if resumed else None
        callbacks = CallbackList(
            [RolloutBoundary(boundary, reached), self.statistics, CurriculumCallback(self.curriculum)]
        )
        self.model.learn(
            self.config.total_timesteps - self.model.num_timesteps,
            callbacks,
            log_interval=None,  # type: ignore[arg-type]
            reset_num_timesteps=not resumed,
        )

    def _boundary(self, curves: Curves, progress: Progress) -> None:
        done = self.rollouts_done
        row: dict[str, float] = {"timesteps": self.model.num_timesteps, "phase": self.curriculum.phase}
        if done:
            row |= {"episodes": self.statistics.episodes, "reward_scale": self.env.scale}
            row |= self.statistics.means() | self.model.last_update
        if done % self.config.validate_every == 0 or self.is_complete:
            row |= self._validate(done)
        curves.append(done, row | {"seconds": self.seconds})
        if done:
            shown = ("reward", "route_ratio", "kl", "validation")
            progress.advance(1, **{name: row[name] for name in shown if name in row})

    def _validate(self, done: int) -> dict[str, float]:
        """Measure the policy as it is; keep it if it is the best so far and not worse than the first, the clone."""
        weights = {name: tensor.detach().cpu().clone() for name, tensor in self.model.net.state_dict().items()}
        candidate = Candidate(done, self._measured(weights, self.problems).ratio, self.config.budgets, weights)
        if self.first is None or self.best is None:
            self.first = self.best = candidate
        elif self._is_preferred(candidate, self.first, self.best):
            self.best = candidate
        return {"validation": candidate.merit} | {f"validation/{b}": score for b, score in candidate.scores.items()}

    @staticmethod
    def _is_preferred(candidate: Candidate, first: Candidate, best: Candidate) -> bool:
        """Whether a rollout takes the place of the best so far; any that is not worse takes the initial policy's."""
        if candidate.is_worse_than(first):
            return False
        return best.rollout == first.rollout or candidate.merit < best.merit

    def _measured(self, weights: dict[str, Tensor], problems: list[CVRP]) -> Validation:
        checkpoint = Checkpoint(self._net(weights), self.policy, self.config.env.action, card={})
        return measure(lambda: PolicyController(checkpoint), problems, self.config.budgets)

    def _net(self, weights: dict[str, Tensor]) -> DiagonalPrecondNet:
        with torch.random.fork_rng(devices=[]):  # when the clock says to save must not change what is drawn next
            net = DiagonalPrecondNet(self.policy)
        net.load_state_dict(weights)
        return net.eval()

    def confirm(self) -> None:
        """Measure the initial and the best policy on instances that had no part in choosing between them.

        The best of many candidates looks better on what it was chosen by than it is.
        """
        assert self.first is not None
        assert self.best is not None
        config = self.config
        fresh = validation_set(config.validation_seed + 1, config.validation_instances, config.validation_sizes)
        initial = self._measured(self.first.weights, fresh).means
        is_same = self.best.rollout == self.first.rollout
        self.confirmed = initial, initial if is_same else self._measured(self.best.weights, fresh).means

    def save_best(self, path: Path, card: dict[str, Any]) -> None:
        """Write the best candidate as a checkpoint."""
        assert self.best is not None
        save_checkpoint(path, self._net(self.best.weights), self.config.env.action, card)


def _baseline(env: LagrangianVecEnv, expert: str | None, gamma: float) -> ExpertBaseline:
    assert expert is not None
    return ExpertBaseline(env, expert_factory(expert), gamma)
