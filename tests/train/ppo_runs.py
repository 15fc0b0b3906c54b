"""Small PPO runs for tests, and a problem whose best policy is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv

from envs.action import action_space
from envs.config import EnvConfig
from envs.observation import FEATURES, N_NEIGHBOURS, observation_space, padded
from policies.card import model_card
from policies.checkpoint import Checkpoint, save_checkpoint
from policies.config import PolicyConfig
from policies.diagonal_precond import DiagonalPrecondPolicy
from policies.network import DiagonalPrecondNet
from train.ppo.algorithm import GraphPPO
from train.ppo.config import PPOConfig

if TYPE_CHECKING:
    from pathlib import Path

TINY_POLICY = PolicyConfig(hidden=8, layers=1, heads=2, critic_hidden=8)

TINY_ENV = EnvConfig(
    n_max=12, n_customers=(6, 10), min_steps=3, max_steps=6, decode_every=1, route_sampler="exact", route_every=2
)

TINY = PPOConfig(
    rollouts=4,
    n_envs=3,
    n_steps=5,
    batch_size=5,
    n_epochs=2,
    learning_rate=(1e-2, 1e-3),
    critic_warmup=1,
    imitation=(0.1, 0.0),
    imitation_states=20,
    imitation_batch=4,
    expert="hwc",
    baseline=False,
    validate_every=2,
    validation_instances=2,
    validation_sizes=(6, 10),
    budgets=(3,),
    policy=TINY_POLICY,
    env=TINY_ENV,
)

TINY_OPTIONS = [
    *("--rollouts", "4", "--n-envs", "3", "--n-steps", "5", "--batch-size", "5", "--n-epochs", "2"),
    *("--critic-warmup", "1", "--imitation-states", "20", "--imitation-batch", "4"),
    *("--validate-every", "2", "--validation-instances", "2", "--validation-sizes", "6", "10", "--budgets", "3"),
    *("--policy.hidden", "8", "--policy.layers", "1", "--policy.heads", "2", "--policy.critic-hidden", "8"),
    *("--env.n-max", "12", "--env.n-customers", "6", "10", "--env.min-steps", "3", "--env.max-steps", "6"),
    *("--env.route-sampler", "exact", "--env.route-every", "2", "--device", "cpu"),
]


class NowAndThen:
    """Requests an end after a number of boundaries."""

    def __init__(self, boundaries: int | None = None) -> None:
        self.left = boundaries
        self.reason = "enough"

    @property
    def requested(self) -> bool:
        if self.left is None:
            return False
        self.left -= 1
        return self.left <= 0


class HalfWay(VecEnv):
    """One step per episode, with made-up states: the reward is −mean|a − 0.5| over the real customers.

    Whatever the observation, the best mean action is 0.5; a padded action is worth nothing.
    """

    n_max = 7

    def __init__(self, n_envs: int, seed: int = 0) -> None:
        self.render_mode = None
        super().__init__(n_envs, observation_space(self.n_max), action_space(self.n_max))
        self._rng = np.random.default_rng(seed)

    def _draw(self) -> dict[str, Any]:
        singles = []
        self._sizes = self._rng.integers(2, self.n_max, size=self.num_envs)
        for n in self._sizes:
            nodes = self._rng.normal(size=(n, len(FEATURES))).astype(np.float32)
            neighbours = np.tile(np.arange(n, dtype=np.int16)[:, None], (1, N_NEIGHBOURS))
            singles.append(padded(nodes, neighbours, self.n_max))
        return {key: np.stack([single[key] for single in singles]) for key in singles[0]}

    def reset(self) -> dict[str, Any]:
        return self._draw()

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[Any, ...]:
        miss = [-np.abs(a[:n] - 0.5).mean() for a, n in zip(self._actions, self._sizes, strict=True)]
        done = np.ones(self.num_envs, dtype=bool)
        infos = [{"episode": {"r": r, "l": 1, "t": 0.0}} for r in miss]
        return self._draw(), np.array(miss, dtype=np.float32), done, infos

    def close(self) -> None: ...

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None: ...

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        return []

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


def half_way_model(**changes: Any) -> GraphPPO:
    """Return an algorithm on `HalfWay`."""
    plain = replace(TINY, n_envs=16, n_steps=8, batch_size=64, rollouts=20, critic_warmup=0, imitation=(0.0, 0.0))
    config = replace(plain, log_std=(-1.5, -1.5), shared_log_std=(-1.5, -1.5), clone_kl=(0.0, 0.0), **changes)
    model = GraphPPO(
        DiagonalPrecondPolicy,
        HalfWay(config.n_envs),
        config=config,
        learning_rate=config.learning_rate[0],
        n_steps=config.n_steps,
        batch_size=config.batch_size,
        n_epochs=config.n_epochs,
        clip_range=config.clip_range,
        target_kl=config.target_kl or None,
        policy_kwargs={"config": replace(TINY_POLICY, log_std=-1.5, shared_log_std=-1.5)},
        seed=0,
        device="cpu",
    )
    model.set_logger(Logger(folder=None, output_formats=[]))
    return model


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a copy of a module's weights."""
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def clone(seed: int = 3, **changes: Any) -> Checkpoint:
    """Return an untrained policy with the card of one that was cloned from an expert."""
    torch.manual_seed(seed)
    net = DiagonalPrecondNet(TINY_POLICY)
    with torch.no_grad():
        net.skip.weight.normal_(std=0.2)
    training = {"instances": "none", "seed": seed, "steps": 0, "seconds": 0.0, "hardware": "none", "parent": None}
    card = model_card(
        name="tiny", kind="bc", description="For tests.", command="none", config={"expert": "hwc"}, training=training
    )
    return Checkpoint(net.eval(), TINY_POLICY, replace(TINY_ENV.action, **changes), card)


def clone_file(folder: Path, **changes: Any) -> Path:
    """Write `clone` to a checkpoint and return its path."""
    checkpoint = clone(**changes)
    save_checkpoint(folder / "tiny", checkpoint.net, checkpoint.action, checkpoint.card)
    return folder / "tiny"
