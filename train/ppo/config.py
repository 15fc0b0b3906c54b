"""What a PPO run is made of: one frozen dataclass, given on the command line and saved with every checkpoint."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from envs.config import EnvConfig
from lagrl.errors import InputError, UnknownNameError
from lagrl.io.records import from_record, to_record
from policies.config import PolicyConfig

Preset = Literal["small", "reference"]
Schedule = tuple[float, float]  # value at the first and at the last step, linear between

# As in a solve, assignments are decoded at every evaluation, and short ascents are as frequent as long ones.
_TRAINING_ENV = EnvConfig(min_steps=9, max_steps=49, decode_every=1, route_every=5)


@dataclass(frozen=True)
class PPOConfig:
    """Hyper-parameters of `python -m train.ppo`.

    A pair of numbers is a schedule: the value at the first and at the last step, linear between.

    Attributes
    ----------
    seed
        Of instances, exploration, minibatches and expert episodes.
    rollouts
        Rollouts of the run; after each the policy is updated.
    n_envs
        Environments stepped together.
    n_steps
        Steps of each environment per rollout.
    batch_size
        States per minibatch.
    n_epochs
        Times a rollout is gone through.
    learning_rate
        Adam's, of the actor (a schedule).
    critic_learning_rate
        Adam's, of the critic.
    gamma
        Discount; .99 in the reference.
    gae_lambda
        Trace of the advantages (Schulman et al. 2016); .95 in the reference.
    clip_range
        Where ratios, normalised for the number of customers, are clipped: at 1 ± this.
    target_kl
        KL divergence per customer, from the policy that collected the rollout, beyond which its update ends; 0: never.
    entropy
        Weight of the entropy per customer.
    value
        Weight of the critic's loss.
    max_grad_norm
        Largest norm of the actor's gradient, and of the critic's.
    learn_log_std
        Whether exploration is learned; if not, it follows its schedules.
    log_std
        ln σ of each customer's own exploration, in units of the action; its first value is where a learned one starts.
        The policy's `min_log_std` is the floor.
    shared_log_std
        ln τ of the exploration that all customers have in common, likewise.
    shared_exploration
        Whether there is any in common.
    critic_warmup
        Rollouts at first that train the critic only.
    clone_kl
        Weight of the KL divergence per customer from the frozen initial policy (a schedule).
    imitation
        Weight of −log π(expert's action) per customer (a schedule).
    imitation_states
        Expert states to imitate.
    imitation_batch
        Of these, drawn per minibatch.
    expert
        Whose actions; None: the one the initial checkpoint was cloned from.
    baseline
        Whether rewards are counted from what the expert earns on the same episode, see `train.ppo.baseline`.
    validate_every
        Rollouts between validations.
    validation_instances
        Generated instances to validate on.
    validation_sizes
        Customers of the smallest and of the largest of these.
    validation_seed
        Of these; the same as in cloning unless told otherwise.
    budgets
        Evaluations of each validating solve.
    policy
        The network, when it is trained from scratch; otherwise the checkpoint says.
    env
        The environment; its action mode must be the checkpoint's.

    Raises
    ------
    InputError
        On the first value that cannot be used.
    """

    seed: int = 0
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
    validation_sizes: tuple[int, int] = (20, 150)
    validation_seed: int = 1_000_003
    budgets: tuple[int, ...] = (10, 25, 50)
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    env: EnvConfig = _TRAINING_ENV

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give a number above 0")
        for name in _NOT_NEGATIVE:
            values = getattr(self, name)
            for value in values if isinstance(values, tuple) else (values,):
                if not value >= 0:
                    raise InputError(f"{values} given", field=name, remedy="give 0 or more")
        if self.seed >= 2**32:
            raise InputError(f"{self.seed} given", field="seed", remedy="give a whole number from 0 to 4294967295")
        for name in ("gamma", "gae_lambda"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give a number from 0 to 1")
        if self.n_envs * self.n_steps < 2 or self.batch_size < 2:
            raise InputError("fewer than 2 states", field="batch_size, n_steps", remedy="advantages need 2 or more")
        if not self.budgets or min(self.budgets) < 1:
            raise InputError(f"{self.budgets} given", field="budgets", remedy="give one or more numbers above 0")

    @property
    def rollout_size(self) -> int:
        """Steps of one rollout, over all environments."""
        return self.n_envs * self.n_steps

    @property
    def total_timesteps(self) -> int:
        """Steps of the whole run."""
        return self.rollouts * self.rollout_size

    @classmethod
    def preset(cls, name: str) -> "PPOConfig":
        """Return a named configuration: `small` for two CPU cores, `reference` as published.

        Raises
        ------
        UnknownNameError
            If there is no such preset.
        """
        if name == "small":
            return cls()
        if name == "reference":
            return cls(
                rollouts=500,
                n_envs=32,
                n_steps=128,
                batch_size=512,
                n_epochs=10,
                critic_warmup=10,
                policy=PolicyConfig.preset("reference"),
                env=EnvConfig.preset("reference"),
            )
        raise UnknownNameError.of("preset", name, get_args(Preset))

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return to_record(self)

    @classmethod
    def from_json(cls, record: Any) -> "PPOConfig":
        """Read what `to_json` gave; InputError if an entry is unknown, missing or of another type."""
        return from_record(cls, record, "ppo")


def at(schedule: Schedule, progress: float) -> float:
    """Return the value of a schedule at a progress from 0 to 1."""
    first, last = schedule
    return first + (last - first) * min(max(progress, 0.0), 1.0)


_POSITIVE = (
    "rollouts", "n_envs", "n_steps", "batch_size", "n_epochs", "critic_learning_rate", "clip_range", "max_grad_norm",
    "imitation_batch", "validate_every", "validation_instances",
)  # fmt: skip
_NOT_NEGATIVE = (
    "seed", "learning_rate", "target_kl", "entropy", "value", "critic_warmup", "clone_kl", "imitation",
    "imitation_states", "validation_seed",
)  # fmt: skip
