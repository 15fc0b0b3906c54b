"""Hyper-parameters that cloning and PPO share."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from envs.config import LONGEST, CurriculumConfig, EnvConfig
from lagrl.errors import InputError, UnknownNameError
from lagrl.io.records import from_record, to_record
from lagrl.plugins import NamedRule, require_trusted
from policies.config import PolicyConfig
from train.given_again import GivenAgain

MOST_BYTES = 2**34
"""Memory that the arrays of one kind may need; more is a mistake, or a file that is to exhaust the memory."""

STATE_BYTES = 100
"""Bytes of a customer in a stored state."""

TRAINING_ENV = {
    # Routes are toured at every evaluation and come from nothing else, as in a solve with exact pricing: those of
    # circuits make the return a worse signal of them (decision 024). Short ascents are as frequent as long ones.
    # Phase 2 lasts 10 of PPO's 90 rollouts where the clone plays, 14 at random; the first 4 train the critic only.
    "small": EnvConfig(
        min_steps=9,
        max_steps=49,
        route_sampler="exact",
        route_every=LONGEST + 1,
        curriculum=CurriculumConfig(least_episodes=600),
    ),
    "reference": EnvConfig.preset("reference"),
}
"""Episodes of the presets, by name; cloning and PPO have the same instances, start, bounds and steps."""


def without_routes(env: EnvConfig) -> EnvConfig:
    """Return a configuration whose episodes compute no routes: labels need none, and they take most of the time."""
    return replace(env, tour_decoded=False, route_sampler=env.sampler, route_every=LONGEST + 1)


def require_memory(field: str, needed: int) -> None:
    """Refuse numbers whose arrays need more than 16 GiB.

    Raises
    ------
    InputError
        Naming the fields and the memory.
    """
    if needed > MOST_BYTES:
        raise InputError(f"needs {needed / 2**30:,.0f} GiB", field=field, remedy="give smaller numbers, for 16 GiB")


@dataclass(frozen=True)
class TrainingConfig:
    """Hyper-parameters of every training run.

    Attributes
    ----------
    seed
        Seed of instances, initial weights, exploration and minibatches, 0 to 4294967295.
    validate_every
        Epochs (cloning) or rollouts (PPO) between two validations.
    validation_instances
        Number of generated instances in a validation.
    validation_sizes
        Customers of the smallest and of the largest validation instance.
    validation_seed
        Seed of the validation instances; the same default in cloning and PPO.
    budgets
        Evaluations of the solves in a validation.
    policy
        Size and initial exploration of the network.
    env
        Configuration of the episodes.
    expert
        Controller to imitate: a name, module:attribute, or target.

    Raises
    ------
    InputError
        On the first value that is out of range.
    """

    REFERENCE: ClassVar[dict[str, Any]] = {}
    """Values of the preset `reference` that differ from the defaults."""

    seed: int = 0
    validate_every: int = 4
    validation_instances: int = 64
    validation_sizes: tuple[int, int] = (20, 150)
    validation_seed: int = 1_000_003
    budgets: tuple[int, ...] = (10, 25, 50)
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    env: EnvConfig = field(default_factory=EnvConfig)
    expert: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise InputError(f"{self.seed} given", field="seed", remedy="give a whole number from 0 to 4294967295")
        if self.validation_seed < 0:
            raise InputError(f"{self.validation_seed} given", field="validation_seed", remedy="give 0 or more")
        for name in ("validate_every", "validation_instances"):
            if getattr(self, name) < 1:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give 1 or more")
        low, high = self.validation_sizes
        if not 2 <= low <= high:
            raise InputError(f"{low} {high} given", field="validation_sizes", remedy="give 2 or more, the lower first")
        if not self.budgets or min(self.budgets) < 1:
            raise InputError(f"{self.budgets} given", field="budgets", remedy="give one or more numbers above 0")
        if self.env.seeding != "draw":
            raise InputError(
                f"{self.env.seeding} given", field="env.seeding", remedy="use draw: policies here do not choose seeds"
            )
        if self.env.relaxation != "assignment":
            remedy = "use assignment: policies of the route relaxations are trained by python -m train.unroll"
            raise InputError(f"{self.env.relaxation} given", field="env.relaxation", remedy=remedy)
        require_memory("validation_instances, validation_sizes", 8 * self.validation_instances * high**2)

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return a named configuration: `small` for two CPU cores, `reference` as large as published.

        `reference` has the published network, numbers and episodes: λ starts at 0 and stays within [−400, 800]. These
        bounds suit small costs: 29 % of the generated instances have prices of the linear relaxation above 800, which
        an episode then cannot reach. They are kept, because all presets are trained and validated on the same
        instances; a run says the share at its start.

        Raises
        ------
        UnknownNameError
            If there is no such preset.
        """
        presets = {"small": {}, "reference": cls.REFERENCE}
        if name not in presets:
            raise UnknownNameError.of("preset", name, presets)
        return cls(**presets[name])

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return to_record(self)

    @classmethod
    def from_json(cls, record: dict[str, Any], *, source: str | None = None, given: GivenAgain | None = None) -> Self:
        """Return the configuration of a record that `to_json` returned.

        Parameters
        ----------
        record
            Parsed JSON.
        source
            Its file, for messages.
        given
            Rules of the user's that the record may name.

        Raises
        ------
        InputError
            If an entry is unknown, missing or of another type, or names a rule that is neither built in nor given.
        """
        config = from_record(cls, record, "configuration", source=source, remedy="start a new run")
        require_trusted(config.rules(), given.names() if given else None, source=source)
        return config

    def rules(self) -> list[NamedRule]:
        """Return the names of expert and samplers, which a file may not choose freely."""
        from train.experts import is_built_in  # here: help texts need no experts

        own = [] if self.expert is None else [NamedRule("expert", self.expert, is_built_in(self.expert))]
        return own + self.env.rules("env.")
