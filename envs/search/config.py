"""Configuration of `LagrangianSearch-v0`: instances, moves, actions, rewards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from envs.config import LARGEST_PADDING, require_between
from lagrl.errors import UnknownNameError
from lagrl.io.records import from_record, to_record
from lagrl.plugins import NamedRule, require_trusted
from lagrl.search.schedule import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

ActionMode = Literal["scores", "choice"]
Start = Literal["savings", "seeds"]
RewardedCost = Literal["best", "current"]
RewardUnit = Literal["arc", "savings"]


@dataclass(frozen=True)
class SearchEnvConfig:
    """Configuration of an episode of the search: instance, start, moves, actions, rewards.

    Attributes
    ----------
    n_max
        Number of customers N to which observations and actions are padded.
    n_customers
        Customers of the smallest and of the largest generated instance. Start routes of smaller ones are often optimal.
    start
        Routes at the start, improved by local search: `savings`, Clarke and Wright's, or `seeds`, those of a short
        dual ascent from seeds (20 evaluations, which do not count).
    max_moves
        Moves of an episode.
    evaluations
        Evaluations of a move; `lagrl solve` uses 3.
    action
        Meaning of an action, see `envs.search.action`. `scores`: a number per customer; the freed customers are grown
        around the highest. `choice`: the number of one of the drawn sets.
    choices
        Number of drawn sets K (`choice`).
    freed
        Largest number of freed customers (`scores`), or the average number in a drawn set (`choice`).
    noise
        Standard deviation of the random factors on a move's costs.
    sampler
        Sampler that prices λ: a name or `module:attribute`, see `lagrl list samplers`.
    shots
        Strings per vehicle from an approximate sampler.
    reward
        Cost whose decrease is the reward: that of the `best` routes so far, or of the `current` ones.
    unit
        Unit of the reward: the mean `arc` of the start routes, or Clarke and Wright's cost (`savings`).

    Raises
    ------
    InputError
        If a value is out of range.
    UnknownNameError
        If an action, start, reward or unit is not known.
    """

    n_max: int = 100
    n_customers: tuple[int, int] = (50, 100)
    start: Start = "savings"
    max_moves: int = 50
    evaluations: int = 1
    action: ActionMode = "scores"
    choices: int = 8
    freed: int = 20
    noise: float = 0.1
    sampler: str = "exact"
    shots: int = 64
    reward: RewardedCost = "best"
    unit: RewardUnit = "arc"

    def __post_init__(self) -> None:
        require_between("n_max", self.n_max, 2, LARGEST_PADDING)
        low, high = self.n_customers
        require_between("n_customers", high, 2, self.n_max, remedy="raise n_max or generate smaller instances")
        require_between("n_customers", low, 2, high)
        for name in ("max_moves", "choices", "shots"):
            require_between(name, getattr(self, name), 1, None)
        for kind, name, known in (
            ("start", self.start, Start),
            ("action mode", self.action, ActionMode),
            ("reward", self.reward, RewardedCost),
            ("unit", self.unit, RewardUnit),
        ):
            if name not in get_args(known):
                raise UnknownNameError.of(kind, str(name), get_args(known))
        require_between("evaluations", self.evaluations, 1, None)
        require_between("freed", self.freed, 1, None)
        _ = self.decision  # refuses the noise

    @property
    def decision(self) -> Decision:
        """The search's decision that every move carries out."""
        return Decision("partial", (self.evaluations,), freed=self.freed, noise=self.noise)

    def changed(self, overrides: Mapping[str, Any]) -> SearchEnvConfig:
        """Return the configuration with some fields changed; InputError if a name or value does not fit."""
        record = self.to_json() | dict(overrides)
        return from_record(SearchEnvConfig, record, "environment", remedy="see envs.SearchEnvConfig")

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return to_record(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> SearchEnvConfig:
        """Read a record that `to_json` returned; it may name built-in samplers only.

        Raises
        ------
        InputError
            If an entry is unknown, missing or of another type, or names a sampler of the user's.
        """
        from lagrl.samplers.registry import is_built_in  # here: help texts need no samplers

        config = from_record(cls, record, "environment")
        rule = NamedRule("sampler", config.sampler, is_built_in(config.sampler))
        require_trusted([rule])
        return config
