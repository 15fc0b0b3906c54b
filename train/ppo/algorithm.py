"""PPO for a policy with one action per customer: normalised ratios, a penalty towards a frozen clone, imitation."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.utils import explained_variance
from torch.nn import functional

from policies.masked_gaussian import MaskedGaussian
from train.batches import batch_of, label_loss
from train.pace import silent
from train.ppo.config import interpolate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stable_baselines3.common.buffers import RolloutBuffer
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.type_aliases import Schedule
    from stable_baselines3.common.vec_env import VecEnv
    from torch import Tensor

    from policies.diagonal_precond import DiagonalPrecondPolicy
    from policies.network import DiagonalPrecondNet
    from train.dataset import States
    from train.pace import Report
    from train.ppo.config import PPOConfig

Spread = tuple["Tensor", "Tensor | None"]
"""ln σ and ln τ."""

_EVALUATION_BATCH = 512  # states per forward pass without gradients
_PART = 128  # states per forward and backward pass: of the large network they take a second


def per_customer(shared: Tensor, local: Tensor, n_real: Tensor, *, has_shared: bool) -> Tensor:
    """Normalise differences of log-probabilities for the number of customers.

    A joint log-probability is a sum over customers, so that the variance of a plain ratio grows with n and clipping
    affects large instances first. The common shift is one number for any n and keeps its full ratio; the rest has
    n − 1 dimensions and enters as its mean, the geometric mean of the customers' ratios (as Zheng et al. 2025, eq. 7,
    normalise a sequence's ratio for its length).

    Parameters
    ----------
    shared, local
        [B] differences of the two parts of `MaskedGaussian.parts`.
    n_real
        [B] number of real customers n.
    has_shared
        Whether the policy explores along the common shift; if not, both parts are averaged over n.

    Returns
    -------
    [B] normalised log ratios.
    """
    if not has_shared:
        return (shared + local) / n_real
    return shared + local / (n_real - 1).clamp(min=1)


@dataclass(frozen=True)
class Rollout:
    """A rollout as tensors, with the distribution of the policy that collected it.

    Attributes
    ----------
    observations
        Dict of [T, …].
    actions
        [T, N] as sampled.
    advantages, returns
        [T], in scaled rewards.
    mean, shared, local
        [T, N] old means; [T] old log-probabilities, in parts.
    spread
        Old ln σ and ln τ.
    clone_mean
        [T, N] means of the frozen clone; None without one.
    """

    observations: dict[str, Tensor]
    actions: Tensor
    advantages: Tensor
    returns: Tensor
    mean: Tensor
    shared: Tensor
    local: Tensor
    spread: Spread
    clone_mean: Tensor | None

    def __len__(self) -> int:
        return len(self.actions)


class GraphPPO(PPO):
    """Clipped PPO (Schulman et al. 2017) in SB3's frame, with a custom update.

    The loss of a minibatch is

        −min(ρA, clip(ρ)A) − c_H·H + c_V·(V − R)² + c_K·KL(π ‖ clone)/n + c_I·(−log π(expert's action))/n

    with ρ from `per_customer`. In the first rollouts only the critic learns, because the advantages of an untrained
    critic would erase the clone.

    Parameters
    ----------
    config
        Coefficients and schedules; schedules depend on the steps so far, never on the clock.
    kwargs
        Arguments of SB3's `PPO`.

    Attributes
    ----------
    clone
        Network of the penalty KL(π ‖ clone), see `freeze_clone`; None without it.
    expert
        States labelled with an expert's actions; None without imitation.
    last_update
        Scalars of the last call of `train`, for the curves.
    report
        Called after every part of a minibatch; kind `update` or `critic update`, pieces are updates.
    """

    policy: DiagonalPrecondPolicy
    clip_range: Schedule

    def __init__(self, *args: Any, config: PPOConfig, **kwargs: Any) -> None:
        self.config = config
        self.clone: DiagonalPrecondNet | None = None
        self.expert: States | None = None
        self.last_update: dict[str, float] = {}
        self.report: Report = silent
        super().__init__(*args, **kwargs)

    def _setup_model(self) -> None:
        super()._setup_model()
        for spread in (self.net.log_std, self.net.shared_log_std):
            if spread is not None:
                spread.requires_grad_(self.config.learn_log_std)
        groups = [{"params": list(self.net.actor_parameters())}, {"params": list(self.net.critic_parameters())}]
        self.policy.optimizer = torch.optim.Adam(groups, lr=self.lr_schedule(1), eps=1e-5)

    def freeze_clone(self) -> None:
        """Copy the current network as the clone."""
        self.clone = copy.deepcopy(self.net).requires_grad_(False).eval()

    @property
    def net(self) -> DiagonalPrecondNet:
        """The network being trained."""
        return self.policy.net

    @property
    def progress(self) -> float:
        """Share of the planned steps so far, from 0 to 1."""
        return 1.0 - self._current_progress_remaining

    @property
    def is_warming_up(self) -> bool:
        """Whether the last rollout trains the critic only."""
        return self.num_timesteps <= self.config.critic_warmup * self.n_steps * self.n_envs

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int
    ) -> bool:
        """Collect a rollout as SB3 does, with the scheduled exploration."""
        self._set_exploration()
        return super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps)

    def _set_exploration(self) -> None:
        if self.config.learn_log_std:
            return
        with torch.no_grad():
            self.net.log_std.fill_(interpolate(self.config.log_std, self.progress))
            if self.net.shared_log_std is not None:
                self.net.shared_log_std.fill_(interpolate(self.config.shared_log_std, self.progress))

    def _update_learning_rate(self, optimizers: object) -> None:
        """Set the learning rates of the actor and of the critic."""
        rates = self.lr_schedule(self._current_progress_remaining), self.config.critic_learning_rate
        self.logger.record("train/learning_rate", rates[0])
        for group, rate in zip(self.policy.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate

    @property
    def fixed_spread(self) -> Spread:
        """The current exploration as constants: clone and expert change the means only."""
        log_std, shared = self.net.spread()
        return log_std.detach().clone(), None if shared is None else shared.detach().clone()

    def train(self) -> None:
        """Update the policy by the rollout in SB3's buffer; the class describes the loss."""
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        kind = "critic update" if self.is_warming_up else "update"
        name = f"update after rollout {self.num_timesteps // (self.n_steps * self.n_envs)}"
        rollout = self._rollout(partial(self.report, kind, 0, name))
        scalars: dict[str, list[float]] = {}
        for number in range(self.n_epochs):
            text = f"{name}, epoch {number + 1}/{self.n_epochs}"
            if not self._epoch(rollout, scalars, partial(self.report, kind, 0, text)):
                break
        self.last_update = {name: float(np.mean(values)) for name, values in scalars.items()}
        values, returns = self.rollout_buffer.values.flatten(), self.rollout_buffer.returns.flatten()
        self.last_update |= {
            "explained_variance": float(explained_variance(values, returns)),
            "residual_std": float(np.std(returns - values)),
            "advantage_std": float(self.rollout_buffer.advantages.std()),
            "learning_rate": float(self.policy.optimizer.param_groups[0]["lr"]),
            "log_std": self.net.log_std.item(),
        }
        self.report(kind, 1, name)

    def _rollout(self, report: Callable[[], None]) -> Rollout:
        """Return the whole rollout with the parts of its old log-probabilities, which SB3's buffer cannot store."""
        data = next(self.rollout_buffer.get())
        observations = dict(data.observations)
        mask = observations["node_mask"]
        with torch.no_grad():
            mean = _in_batches(self.net, observations, report)
            clone_mean = _in_batches(self.clone, observations, report) if self.clone is not None else None
            spread = self.fixed_spread
            shared, local = MaskedGaussian(mean, mask, *spread).parts(data.actions)
        return Rollout(
            observations, data.actions, data.advantages, data.returns, mean, shared, local, spread, clone_mean
        )

    def _epoch(self, rollout: Rollout, scalars: dict[str, list[float]], report: Callable[[], None]) -> bool:
        """Fit once to the rollout; return False if the KL divergence exceeds its limit."""
        for indices in self._minibatches(len(rollout)):
            self.policy.optimizer.zero_grad(set_to_none=True)
            step = self._add_gradients(rollout, indices, report)
            for name, value in step.items():
                scalars.setdefault(name, []).append(value)
            if self.target_kl is not None and step.get("kl", 0.0) > 1.5 * self.target_kl:
                return False
            for group in self.policy.optimizer.param_groups:  # separately, or a poor critic would slow the actor
                torch.nn.utils.clip_grad_norm_(group["params"], self.max_grad_norm)
            self.policy.optimizer.step()
        self._n_updates += 1
        return True

    def _add_gradients(self, rollout: Rollout, indices: Tensor, report: Callable[[], None]) -> dict[str, float]:
        """Add the gradients of a minibatch's loss, in parts that take seconds at most; return its scalars."""
        advantages = rollout.advantages[indices]
        if len(advantages) > 1:
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        scalars: dict[str, float] = {}
        for number, (part, own) in enumerate(
            zip(torch.split(indices, _PART), torch.split(advantages, _PART), strict=True)
        ):
            share = len(part) / len(indices)
            if self.is_warming_up:
                loss, step = self._critic_loss(rollout, part)
            else:
                loss, step = self._loss(rollout, part, own)
            loss = share * loss
            for name, value in step.items():
                scalars[name] = scalars.get(name, 0.0) + share * value
            weight = interpolate(self.config.imitation, self.progress)
            if number == 0 and not self.is_warming_up and self.expert is not None and weight > 0:
                imitation = self._imitation_loss(self.expert)
                loss = loss + weight * imitation
                scalars["imitation_loss"] = imitation.item()
            loss.backward()
            report()
        return scalars

    def _minibatches(self, size: int) -> Iterator[Tensor]:
        order = torch.randperm(size).to(self.device)
        yield from torch.split(order, self.batch_size)

    def _critic_loss(self, rollout: Rollout, indices: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Return the critic's loss alone: without gradients Adam does not change the actor's weights."""
        value = self.net.value({name: array[indices] for name, array in rollout.observations.items()})
        loss = functional.mse_loss(value, rollout.returns[indices])
        return self.vf_coef * loss, {"value_loss": loss.item()}

    def _loss(self, rollout: Rollout, indices: Tensor, advantages: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of some states, given their normalised advantages, without imitation."""
        observations = {name: array[indices] for name, array in rollout.observations.items()}
        mask = observations["node_mask"]
        mean, value = self.net(observations)
        distribution = MaskedGaussian(mean, mask, *self.net.spread())
        n_real = distribution.n_real
        shared, local = distribution.parts(rollout.actions[indices])
        log_ratio = per_customer(
            shared - rollout.shared[indices],
            local - rollout.local[indices],
            n_real,
            has_shared=self.net.shared_log_std is not None,
        )
        ratio, clip = log_ratio.exp(), self.clip_range(self._current_progress_remaining)
        policy_loss = -torch.min(advantages * ratio, advantages * ratio.clamp(1 - clip, 1 + clip)).mean()
        value_loss = functional.mse_loss(value, rollout.returns[indices])
        entropy = (distribution.entropy() / n_real).mean()
        loss = policy_loss + self.vf_coef * value_loss - self.ent_coef * entropy
        step = {"policy_loss": policy_loss.item(), "value_loss": value_loss.item(), "entropy": entropy.item()}
        if rollout.clone_mean is not None:
            fixed = self.fixed_spread
            clone = MaskedGaussian(rollout.clone_mean[indices], mask, *fixed)
            kl_to_clone = (MaskedGaussian(mean, mask, *fixed).kl_to(clone) / n_real).mean()
            loss = loss + interpolate(self.config.clone_kl, self.progress) * kl_to_clone
            step["kl_to_clone"] = kl_to_clone.item()
        with torch.no_grad():
            old = MaskedGaussian(rollout.mean[indices], mask, *rollout.spread)
            step["kl"] = float((old.kl_to(distribution) / n_real).mean())
            step["clip_fraction"] = float(((ratio - 1).abs() > clip).float().mean())
        return loss, step

    def _imitation_loss(self, states: States) -> Tensor:
        """Return −log π(expert's action | state) of random states, drawn with replacement; it moves the mean only."""
        chosen = torch.randint(len(states), (self.config.imitation_batch,))
        batch = batch_of(states, chosen.numpy(), self.device, self.config.env.n_max)
        return label_loss(self.net.mean(batch.observation), batch, self.fixed_spread)


def _in_batches(net: DiagonalPrecondNet, observations: dict[str, Tensor], report: Callable[[], None]) -> Tensor:
    """Return the means [T, N] of a network, evaluated in batches, with a call of `report` after each."""
    parts = []
    for start in range(0, len(observations["node_mask"]), _EVALUATION_BATCH):
        chosen = slice(start, start + _EVALUATION_BATCH)
        parts.append(net.mean({name: array[chosen] for name, array in observations.items()}))
        report()
    return torch.cat(parts)
