"""Hyper-parameters of the trainings of choice networks."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from lagrl.errors import InputError
from policies.choice_checkpoint import Choice
from policies.choice_network import ChoiceNetworkConfig
from train.preset_config import PresetConfig


@dataclass(frozen=True)
class ChoiceConfig(PresetConfig):
    """Hyper-parameters that both trainings share.

    Attributes
    ----------
    seed
        Seed of instances, labels and initial weights, 0 to 4294967295.
    rounds
        Rounds of labelling, each followed by epochs on all labels so far.
    instances
        Generated instances that a round labels.
    epochs
        Epochs of a round.
    customers
        Fewest and most customers of an instance; sizes are uniform in the logarithm.
    candidates
        Candidates K of a choice.
    temperature
        Unit τ of the gains in the target softmax(gain/τ): mean arcs (sets), or percent of the route cost (seeds).
    batch
        Choices of a minibatch.
    learning_rate, last_learning_rate
        Of Adam, in the first and the last round.
    weight_decay
        Of Adam.
    clip
        Largest norm of the gradient.
    validation_instances, validation_seed
        Number of generated instances whose choices validate, and their seed.
    network
        Size of the network.

    Raises
    ------
    InputError
        On the first value that is out of range.
    """

    DEFAULTS: ClassVar[dict[str, dict[str, Any]]] = {"small": {}, "reference": {"rounds": 40}}
    CHOICE: ClassVar[Choice]

    seed: int = 0
    rounds: int = 8
    instances: int = 12
    epochs: int = 4
    customers: tuple[int, int] = (50, 170)
    candidates: int = 8
    temperature: float = 0.2
    batch: int = 32
    learning_rate: float = 2e-3
    last_learning_rate: float = 2e-4
    weight_decay: float = 1e-4
    clip: float = 1.0
    validation_instances: int = 24
    validation_seed: int = 1_000_032
    network: ChoiceNetworkConfig = field(default_factory=ChoiceNetworkConfig)

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise InputError(f"{self.seed} given", field="seed", remedy="give a whole number from 0 to 4294967295")
        for name in ("rounds", "instances", "epochs", "batch", "validation_instances"):
            self._require_from_one(name)
        if self.candidates < 2:
            raise InputError(f"{self.candidates} given", field="candidates", remedy="give 2 or more")
        self._require_range("customers", 2, 1000)
        for name in ("temperature", "learning_rate", "last_learning_rate", "clip"):
            self._require_above_zero(name)
        if not self.weight_decay >= 0.0:
            raise InputError(f"{self.weight_decay} given", field="weight_decay", remedy="give 0 or more")


@dataclass(frozen=True)
class SetsConfig(ChoiceConfig):
    """Hyper-parameters of the training of freed sets; see `ChoiceConfig`.

    Attributes
    ----------
    moves
        Lengths of the labelled searches; one is drawn for each instance.
    states
        States of a search whose sets are labelled, evenly spaced.
    """

    CHOICE: ClassVar[Choice] = "sets"

    moves: tuple[int, ...] = (30, 100, 300)
    states: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.moves or min(self.moves) < 1:
            raise InputError(f"{self.moves} given", field="moves", remedy="give one or more numbers above 0")
        if self.states < 1:
            raise InputError(f"{self.states} given", field="states", remedy="give 1 or more")


@dataclass(frozen=True)
class SeedsConfig(ChoiceConfig):
    """Hyper-parameters of the training of seedings; see `ChoiceConfig`.

    Attributes
    ----------
    rules
        Rules that place the seeds of the candidates, in turn.
    evaluations
        Evaluations of the ascent whose routes label a seeding.
    """

    CHOICE: ClassVar[Choice] = "seeds"

    instances: int = 60
    customers: tuple[int, int] = (20, 150)
    candidates: int = 24
    temperature: float = 1.0
    batch: int = 8
    validation_instances: int = 64
    rules: tuple[str, ...] = ("concentrators", "kmeans", "sweep")
    evaluations: int = 13

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.evaluations < 1:
            raise InputError(f"{self.evaluations} given", field="evaluations", remedy="give 1 or more")
