"""Hyper-parameters of PPO: one frozen dataclass, set on the command line and saved with every checkpoint."""

from dataclasses import dataclass
from typing import Any, ClassVar

from envs.config import EnvConfig
from lagrl.errors import InputError
from policies.config import PolicyConfig
from train.config import STATE_BYTES, TRAINING_ENV, TrainingConfig, require_memory

Schedule = tuple[float, float]  # value at the first and at the last step, linear between


@dataclass(frozen=True)
class PPOConfig(TrainingConfig):
    """Hyper-parameters of `python -m train.ppo`.

    Attributes
    ----------
    rollouts
        Number of rollouts; an update of the policy follows each.
    n_envs
        Number of parallel environments.
    n_steps
        Steps of each environment per rollout.
    batch_size
        States per minibatch.
    n_epochs
        Epochs over a rollout in its update.
    learning_rate
        Adam's learning rate of the actor (first and last value, linear between).
    critic_learning_rate
        Adam's learning rate of the critic.
    gamma
        Discount factor γ of the returns; 0.99 in the reference.
    gae_lambda
        λ of the generalised advantage estimates (Schulman et al. 2016); 0.95 in the reference.
    clip_range
        Ratios, normalised for the number of customers, are clipped to 1 ± this.
    target_kl
        The update of a rollout ends when the KL divergence per customer exceeds 1.5 times this; 0: never.
    entropy
        Weight of the entropy per customer.
    value
        Weight of the critic's loss.
    max_grad_norm
        Largest norm of the actor's gradient, and of the critic's; longer ones are clipped.
    learn_log_std
        Whether the exploration is learned instead of following its schedules.
    log_std
        ln σ of each customer's independent exploration, in units of the action (first and last value, linear between).
        If learned, it starts at the first value. The policy's min_log_std is the lower limit.
    shared_log_std
        ln τ of the exploration common to all customers, likewise.
    shared_exploration
        Whether there is an exploration common to all customers.
    critic_warmup
        Number of rollouts at the start that train the critic only.
    clone_kl
        Weight of the KL divergence per customer from the frozen initial policy (first and last value, linear between).
    imitation
        Weight of −log π(expert's action) per customer (first and last value, linear between).
    imitation_states
        Number of expert states to imitate.
    imitation_batch
        Expert states per minibatch.
    expert
        Controller to imitate and for the baseline. None: the expert of the initial checkpoint.
    baseline
        Whether the expert's reward on the same episode is subtracted from every reward, see `train.ppo.baseline`.

    Raises
    ------
    InputError
        On the first value that is out of range.
    """

    REFERENCE: ClassVar[dict[str, Any]] = {
        "rollouts": 500,
        "n_envs": 32,
        "n_steps": 128,
        "batch_size": 512,
        "n_epochs": 10,
        "critic_warmup": 10,
        "shared_exploration": False,
        "policy": PolicyConfig.preset("reference"),
        "env": TRAINING_ENV["reference"],
    }

    rollouts: int = 90
    n_envs: int = 32
    n_steps: int = 32
    batch_size: int = 128
    n_epochs: int = 2
    learning_rate: Schedule = (3e-4, 3e-5)
    critic_learning_rate: float = 1e-3
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    target_kl: float = 0.02
    entropy: float = 0.0
    value: float = 0.5
    max_grad_norm: float = 0.5
    learn_log_std: bool = False
    log_std: Schedule = (-2.5, -3.0)
    shared_log_std: Schedule = (-2.0, -2.5)
    shared_exploration: bool = True
    critic_warmup: int = 4
    clone_kl: Schedule = (0.1, 0.02)
    imitation: Schedule = (0.02, 0.0)
    imitation_states: int = 2000
    imitation_batch: int = 32
    expert: str | None = None
    baseline: bool = True
    validate_every: int = 10
    validation_instances: int = 96
    env: EnvConfig = TRAINING_ENV["small"]

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give a number above 0")
        for name in _NOT_NEGATIVE:
            values = getattr(self, name)
            for value in values if isinstance(values, tuple) else (values,):
                if not value >= 0:
                    raise InputError(f"{values} given", field=name, remedy="give 0 or more")
        for name in ("gamma", "gae_lambda"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give a number from 0 to 1")
        if self.n_envs * self.n_steps < 2 or self.batch_size < 2:
            raise InputError("fewer than 2 states", field="batch_size, n_steps", remedy="advantages need 2 or more")
        require_memory("n_envs, n_steps, env.n_max", STATE_BYTES * self.rollout_size * self.env.n_max)
        require_memory("n_envs, env.n_customers", 8 * self.n_envs * self.env.n_customers[1] ** 2)
        require_memory("imitation_states", STATE_BYTES * self.imitation_states * self.env.n_max)

    @property
    def rollout_size(self) -> int:
        """Steps of one rollout, over all environments."""
        return self.n_envs * self.n_steps

    @property
    def total_timesteps(self) -> int:
        """Steps of the whole run, over all environments."""
        return self.rollouts * self.rollout_size


def interpolate(schedule: Schedule, progress: float) -> float:
    """Return the value of a schedule at a progress from 0 to 1."""
    first, last = schedule
    return first + (last - first) * min(max(progress, 0.0), 1.0)


_POSITIVE = (
    "rollouts", "n_envs", "n_steps", "batch_size", "n_epochs", "critic_learning_rate", "clip_range", "max_grad_norm",
    "imitation_batch",
)  # fmt: skip
_NOT_NEGATIVE = (
    "learning_rate", "target_kl", "entropy", "value", "critic_warmup", "clone_kl", "imitation", "imitation_states",
)  # fmt: skip
