"""What a cloning run is made of: one frozen dataclass, given on the command line and saved with every checkpoint."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from envs.action import ActionConfig
from envs.config import EnvConfig
from lagrl.errors import InputError, UnknownNameError
from lagrl.io.records import from_record, to_record
from policies.config import PolicyConfig

Preset = Literal["small", "reference"]

# As in a solve: assignments are decoded at every evaluation, and what is learned from needs no routes.
_TRAINING_ENV = EnvConfig(
    min_steps=9,
    max_steps=49,
    decode_every=1,
    route_sampler="exact",
    route_every=200,
)


@dataclass(frozen=True)
class BCConfig:
    """Hyper-parameters of `python -m train.bc`.

    Attributes
    ----------
    seed
        Of instances, initial weights and minibatches.
    expert
        Whom to clone: a controller's name, module:attribute, or target; hwc for diagonal actions and target for
        direction if left out.
    rounds
        Rounds of data collection (DAgger).
    epochs_per_round
        Passes over all data so far after each round.
    first_episodes
        Episodes of the first round, where the expert acts.
    episodes
        Episodes of each later round.
    lanes
        Episodes that are collected side by side.
    beta
        The expert acts in a share beta^round of a round's episodes, the learner in the others; the expert labels all.
    noise
        Standard deviation of noise on the learner's actions while data are collected.
    batch_size
        States per minibatch.
    learning_rate
        Adam's, in the first epoch.
    last_learning_rate
        Adam's, in the last epoch; half a cosine lies between.
    mean_weight
        Weight of the mean squared error beside the negative log-likelihood.
    max_grad_norm
        Largest norm of a gradient.
    held_out
        One of so many episodes is kept from training, to measure imitation on.
    validate_every
        Epochs between validations.
    validation_instances
        Generated instances of a validation.
    validation_sizes
        Customers of the smallest and of the largest of them.
    validation_seed
        Their seed.
    budgets
        Evaluations of the solves of a validation.
    policy
        The network.
    env
        The episodes.

    Raises
    ------
    InputError
        On the first value that cannot be used.
    """

    seed: int = 0
    expert: str | None = None
    rounds: int = 8
    epochs_per_round: int = 4
    first_episodes: int = 96
    episodes: int = 64
    lanes: int = 32
    beta: float = 0.5
    noise: float = 0.0
    batch_size: int = 64
    learning_rate: float = 5e-3
    last_learning_rate: float = 1e-4
    mean_weight: float = 100.0
    max_grad_norm: float = 10.0
    held_out: int = 10
    validate_every: int = 4
    validation_instances: int = 64
    validation_sizes: tuple[int, int] = (20, 150)
    validation_seed: int = 1_000_003
    budgets: tuple[int, ...] = (10, 25, 50)
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    env: EnvConfig = _TRAINING_ENV

    def __post_init__(self) -> None:
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give 1 or more")
        for name in ("learning_rate", "last_learning_rate", "max_grad_norm"):
            if not 0 < getattr(self, name) < float("inf"):
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give a finite number above 0")
        for name in ("seed", "noise", "mean_weight", "validation_seed"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give 0 or more")
        if not 0 <= self.beta <= 1:
            raise InputError(f"{self.beta} given", field="beta", remedy="give a share from 0 to 1")
        if self.held_out < 2 or self.first_episodes < self.held_out:
            problem = f"{self.held_out} given, the first round has {self.first_episodes} episodes"
            raise InputError(problem, field="held_out", remedy="give 2 to that many")
        low, high = self.validation_sizes
        if not 2 <= low <= high:
            raise InputError(f"{low} {high} given", field="validation_sizes", remedy="give 2 or more, the lower first")
        if not self.budgets or min(self.budgets) < 1:
            raise InputError(f"{self.budgets} given", field="budgets", remedy="give one or more numbers above 0")

    @property
    def epochs(self) -> int:
        """Epochs of the whole run."""
        return self.rounds * self.epochs_per_round

    @classmethod
    def preset(cls, name: str) -> "BCConfig":
        """Return a named configuration: `small` for two CPU cores, `reference` as large as published.

        Raises
        ------
        UnknownNameError
            If there is no such preset.
        """
        if name == "small":
            return cls()
        if name == "reference":
            return cls(
                rounds=12,
                epochs_per_round=10,
                first_episodes=512,
                episodes=256,
                learning_rate=1e-3,
                last_learning_rate=5e-5,
                validate_every=5,
                policy=PolicyConfig.preset("reference"),
                env=replace(_TRAINING_ENV, max_steps=199),
            )
        raise UnknownNameError.of("preset", name, get_args(Preset))

    def resolved(self) -> "BCConfig":
        """Return the same with the expert named."""
        return self if self.expert is not None else replace(self, expert=default_expert(self.env.action))

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return to_record(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "BCConfig":
        """Read what `to_json` gave; InputError if an entry is unknown, missing or of another type."""
        return from_record(cls, record, "configuration")


def default_expert(action: ActionConfig) -> str:
    """Return whom to clone for actions of this mode, if nobody is named."""
    return "hwc" if action.mode == "diagonal" else "target"


_COUNTS = (
    "rounds", "epochs_per_round", "first_episodes", "episodes", "lanes", "batch_size", "validate_every",
    "validation_instances",
)  # fmt: skip
