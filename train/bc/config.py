"""Hyper-parameters of cloning: one frozen dataclass, set on the command line and saved with every checkpoint."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from envs.action import ActionConfig
from envs.config import EnvConfig
from envs.observation import OBSERVATION_VERSION
from lagrl.errors import InputError
from policies.config import PolicyConfig
from train.config import TRAINING_ENV, TrainingConfig, require_memory, without_routes
from train.given_again import GivenAgain

_EPISODES = without_routes(TRAINING_ENV["small"])


@dataclass(frozen=True)
class BCConfig(TrainingConfig):
    """Hyper-parameters of `python -m train.bc`.

    Attributes
    ----------
    expert
        Controller to clone: a name, module:attribute, or target. None: hwc for diagonal actions, target for direction.
    rounds
        Number of rounds of data collection (DAgger).
    epochs_per_round
        Epochs over all data so far after each round.
    first_episodes
        Episodes of the first round, in which the expert acts.
    episodes
        Episodes of each later round.
    n_envs
        Number of parallel environments during data collection.
    beta
        β: the expert acts in a share β^round of a round's episodes, the learner in the others; the expert labels all.
    noise
        Standard deviation of the noise on the learner's actions during data collection, in units of the action.
    batch_size
        States per minibatch.
    learning_rate
        Adam's learning rate in the first epoch.
    last_learning_rate
        Adam's learning rate in the last epoch; between the two it follows half a cosine.
    mean_weight
        Weight of the mean squared error; the negative log-likelihood has weight 1.
    max_grad_norm
        Largest norm of a gradient; longer ones are clipped.
    held_out
        One of this number of episodes is excluded from training, to measure the imitation.

    Raises
    ------
    InputError
        On the first value that is out of range.
    """

    REFERENCE: ClassVar[dict[str, Any]] = {
        "rounds": 12,
        "epochs_per_round": 10,
        "first_episodes": 160,  # of 200 steps each
        "episodes": 80,
        "learning_rate": 1e-3,
        "last_learning_rate": 5e-5,
        "validate_every": 5,
        "policy": PolicyConfig.preset("reference"),
        "env": without_routes(TRAINING_ENV["reference"]),
    }

    expert: str | None = None
    rounds: int = 8
    epochs_per_round: int = 4
    first_episodes: int = 96
    episodes: int = 64
    n_envs: int = 32
    beta: float = 0.5
    noise: float = 0.0
    batch_size: int = 64
    learning_rate: float = 5e-3
    last_learning_rate: float = 1e-4
    mean_weight: float = 100.0
    max_grad_norm: float = 10.0
    held_out: int = 10
    env: EnvConfig = _EPISODES

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("rounds", "epochs_per_round", "first_episodes", "episodes", "n_envs", "batch_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give 1 or more")
        for name in ("learning_rate", "last_learning_rate", "max_grad_norm"):
            if not 0 < getattr(self, name) < float("inf"):
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give a finite number above 0")
        for name in ("noise", "mean_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give 0 or more")
        if not 0 <= self.beta <= 1:
            raise InputError(f"{self.beta} given", field="beta", remedy="give a share from 0 to 1")
        if {self.env.observation, self.policy.observation} != {OBSERVATION_VERSION}:
            problem = f"{self.env.observation} given, the policy's is {self.policy.observation}"
            raise InputError(problem, field="env.observation", remedy=f"cloning trains version {OBSERVATION_VERSION}")
        if self.held_out < 2 or self.first_episodes < self.held_out:
            problem = f"{self.held_out} given, the first round has {self.first_episodes} episodes"
            raise InputError(problem, field="held_out", remedy="give 2 or more, at most the first round's episodes")
        require_memory("n_envs, env.n_customers", 8 * self.n_envs * self.env.n_customers[1] ** 2)

    @property
    def epochs(self) -> int:
        """Number of epochs of the whole run."""
        return self.rounds * self.epochs_per_round

    def episodes_of(self, number: int) -> int:
        """Number of episodes of a round."""
        return self.episodes if number else self.first_episodes

    def resolved(self) -> Self:
        """Return the configuration with the default expert filled in."""
        return self if self.expert is not None else replace(self, expert=default_expert(self.env.action))

    @classmethod
    def from_json(cls, record: dict[str, Any], *, source: str | None = None, given: GivenAgain | None = None) -> Self:
        """Read a record that `to_json` returned, also of version 0.1, where `n_envs` was called `lanes`."""
        renamed = {"n_envs" if name == "lanes" else name: value for name, value in record.items()}
        return super().from_json(renamed, source=source, given=given)


def default_expert(action: ActionConfig) -> str:
    """Return the default expert for actions of a mode."""
    return "hwc" if action.mode == "diagonal" else "target"
