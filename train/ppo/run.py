"""A PPO run: its model and environments, the boundary between two rollouts, and validation."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.logger import Logger

from envs.curriculum import Curriculum
from envs.sb3 import CurriculumCallback, LagrangianVecEnv
from policies.diagonal_precond import DiagonalPrecondPolicy
from train.candidate import Scores, TrainingCandidate
from train.experts import expert_factory
from train.ppo.algorithm import GraphPPO
from train.ppo.baseline import ExpertBaseline
from train.ppo.callbacks import EpisodeStatistics, RolloutBoundary, StepReport
from train.ppo.config import PPOConfig, interpolate
from train.ppo.imitation import collect_expert_states
from train.ppo.reward_scale import ScaledRewards
from train.ppo.start import action_of, differences, expert_of, imitates, load_weights, policy_of
from train.probe import seconds_per_state
from train.run import TrainingRun
from train.validation import validation_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from lagrl.bench.statistics import Interval
    from policies.checkpoint import Checkpoint
    from train.curves import Curves
    from train.progress import Progress
    from train.stop import Stop


class PPORun(TrainingRun[PPOConfig]):
    """A PPO run and its state.

    Parameters
    ----------
    config
        Hyper-parameters.
    start
        The clone to start from; None: from scratch.
    device
        `cpu`, `cuda`, or `auto`: CUDA if available.

    Attributes
    ----------
    model, env, curriculum
        The algorithm, its environments, and the rule of their phase.
    rollout
        Number of rollouts collected and learned from.
    first
        Candidate of the initial policy; None before the first validation.
    confirmed
        Scores of the initial and the best policy on other instances; None before `confirm`.

    Raises
    ------
    InputError
        If the checkpoint's actions differ from the environment's, or no expert is known to imitate or to compare with.
    """

    name = "ppo"
    unit = "rollout"

    def __init__(self, config: PPOConfig, start: Checkpoint | None, *, device: str = "auto") -> None:
        config = replace(config, env=replace(config.env, action=action_of(config, start)))
        super().__init__(config, policy_of(config, start), config.rollouts)
        self.start = start
        self.curriculum = Curriculum(config.env)
        self.batch_env = LagrangianVecEnv(config.env, config.n_envs, config.seed)
        self.batch_env.set_phase(self.curriculum.phase)
        self.expert_name = expert_of(config, start)
        self.baseline: ExpertBaseline | None = None
        if config.baseline and self.expert_name is not None:  # `expert_of` has raised an error without a name
            self.baseline = ExpertBaseline(self.batch_env, expert_factory(self.expert_name), config.gamma)
        self.env = ScaledRewards(self.baseline or self.batch_env, config.gamma)
        self.model = GraphPPO(
            DiagonalPrecondPolicy,
            self.env,
            config=config,
            learning_rate=lambda remaining: interpolate(config.learning_rate, 1.0 - remaining),
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
        self.net = self.model.net
        self.model.set_logger(Logger(folder=None, output_formats=[]))  # the curves are written at the boundaries
        if start is not None:
            load_weights(self.net, start.net.state_dict())
            self.model.freeze_clone()
        if imitates(config) and self.expert_name is not None:
            self.model.expert = collect_expert_states(
                config.env, self.expert_name, config.imitation_states, config.seed
            )
        if start is not None:
            self.notes += filter(None, [differences(config, start)])
        self.rollout = 0
        self.statistics = EpisodeStatistics()
        self.first: TrainingCandidate | None = None
        self.confirmed: tuple[Scores, Scores] | None = None

    @property
    def steps_done(self) -> int:
        """Number of rollouts collected and learned from."""
        return self.rollout

    @property
    def is_finished(self) -> bool:
        """Whether all rollouts are done, and the result is confirmed."""
        return self.confirmed is not None

    @property
    def last_row(self) -> int:
        """Step of its last row in the curves; −1 before the initial policy is validated, whose row has step 0."""
        return -1 if self.first is None else self.steps_done

    def plan(self) -> dict[str, float]:
        """Return the number of instances to validate, steps of all environments and updates in the rest of the run."""
        config = self.config
        rest = range(self.rollout + 1, config.rollouts + 1)
        warmup = sum(number <= config.critic_warmup for number in rest)
        validations = (self.first is None) + sum(map(self._is_validated, rest)) + 2  # the last two confirm
        return {
            "validation": validations * len(self.problems),
            "rollout": len(rest) * config.n_steps,
            "critic update": warmup,
            "update": len(rest) - warmup,
        }

    def guesses(self) -> dict[str, float]:
        """Measure a training step: at first only the critic is trained, in a fraction of a later update's time."""
        states = self.config.n_epochs * self.config.rollout_size
        seconds = states * seconds_per_state(self.net, self.model.batch_size, self.config.env.n_customers)
        return {"update": seconds, "critic update": 0.1 * seconds}

    def learn(
        self, stop: Stop, curves: Curves, progress: Progress, save: Callable[[], None], *, resumed: bool = False
    ) -> None:
        """Train to the end, or until `stop` requests an end; see `TrainingRun.learn`."""
        started = time.monotonic() - self.seconds

        def boundary() -> bool:
            if self.first is None:
                save()  # a run that ends within its first validation can be resumed
            row = self._boundary()
            self.seconds = time.monotonic() - started
            curves.append(self.rollout, row | {"seconds": self.seconds})
            goes_on = not stop.requested  # before `save`, which then sees the request too: no end without an archive
            save()
            if self.first is not None:
                progress.compare("validation", "initial policy", self.first.merit)
            if self.rollout:
                shown = ("reward", "best_route_ratio", "kl", "validation")
                progress.advance(1, **{name: row[name] for name in shown if name in row})
            return goes_on

        self.model.report = self.report
        if self.baseline is not None:
            self.baseline.report = self.report
        reached = self.model.num_timesteps if resumed and self.first is not None else None
        callbacks = CallbackList(
            [
                RolloutBoundary(boundary, reached),
                self.statistics,
                CurriculumCallback(self.curriculum),
                StepReport(self.report),
            ]
        )
        self.model.learn(
            self.config.total_timesteps - self.model.num_timesteps,
            callbacks,
            log_interval=None,  # type: ignore[arg-type]  # None logs nothing
            reset_num_timesteps=not resumed,
        )

    def _boundary(self) -> dict[str, float]:
        """Complete a rollout; return its row of the curves."""
        done = self.model.num_timesteps // self.config.rollout_size
        row: dict[str, float] = {"timesteps": self.model.num_timesteps, "phase": self.curriculum.phase}
        if done:
            row |= {"episodes": self.statistics.episodes, "reward_scale": self.env.scale}
            row |= self.statistics.means() | self.model.last_update
        if self._is_validated(done):
            row |= self._validate(done)
        self.rollout = done
        return row

    def _is_validated(self, rollout: int) -> bool:
        """Return whether the policy is validated after this number of rollouts."""
        return rollout % self.config.validate_every == 0 or rollout == self.config.rollouts

    def _validate(self, done: int) -> dict[str, float]:
        """Measure the current policy, which becomes the best candidate if it is preferred; return the curves' row."""
        weights = self.weights()
        result = self.measured(weights, self.problems)
        candidate = TrainingCandidate(done, result.means, weights, result.ratio)
        if self.first is None or self.best is None:
            self.first = self.best = candidate
        elif self._is_preferred(candidate):
            self.best = candidate
        return candidate.curve_row()

    def _is_preferred(self, candidate: TrainingCandidate) -> bool:
        """Return whether a rollout replaces the best so far.

        It must be better than the initial policy beyond the noise of the validation, and better than the best so far.
        """
        assert self.first is not None
        assert self.best is not None
        if self.gain(candidate).low <= 0:
            return False
        return self.best.step == self.first.step or candidate.merit < self.best.merit

    def gain(self, candidate: TrainingCandidate) -> Interval:
        """Return by how much a rollout's routes are better than those of the initial policy.

        The level accounts for the number of rollouts that the run validates, each of which might replace the clone.
        """
        assert self.first is not None
        rollouts = sum(map(self._is_validated, range(1, self.config.rollouts + 1)))
        return candidate.gain_over(self.first, rollouts)

    def complete(self) -> None:
        """Confirm the result of a complete run."""
        if self.is_complete:
            self.confirm()

    def confirm(self) -> None:
        """Measure the initial and the best policy on instances that were not used to choose between them.

        The best of many candidates looks better than it is on the instances that it was chosen by.
        """
        assert self.first is not None
        assert self.best is not None
        config = self.config
        fresh = validation_set(config.validation_seed + 1, config.validation_instances, config.validation_sizes)
        initial = self.measured(self.first.weights, fresh).means
        is_same = self.best.step == self.first.step
        self.confirmed = initial, initial if is_same else self.measured(self.best.weights, fresh).means
