"""Configuration of a policy: the size of its network and its initial exploration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from envs.observation import require_version
from lagrl.errors import InputError, UnknownNameError
from lagrl.io.records import from_record, may_lack, to_record

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST = {"hidden": 4096, "layers": 64, "heads": 64, "critic_hidden": 4096}
_LOG_STD = (-10.0, 3.0)


@dataclass(frozen=True)
class PolicyConfig:
    """Size of the network and initial standard deviations of its actions.

    Attributes
    ----------
    hidden
        Width of a node's embedding; a multiple of `heads`.
    layers
        Number of GATv2 layers.
    heads
        Attention heads of each layer, of width `head_width`.
    critic_hidden
        Width of the critic's network.
    log_std
        Initial ln σ, the independent exploration of each customer, in units of the action.
    shared_log_std
        Initial ln τ, a shift common to all customers' actions, in units of the action; None: no common shift.
    min_log_std
        Lower limit of ln σ and ln τ. Without it, cloning a deterministic expert would drive σ to 0, which leaves PPO
        no exploration and an unbounded log-density.
    observation
        Version of the observations that it reads, see `envs.observation`; that of its environments.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    hidden: int = 64
    layers: int = 2
    heads: int = 4
    critic_hidden: int = 64
    log_std: float = -1.0
    shared_log_std: float | None = -1.0
    min_log_std: float = -3.0
    observation: Literal[1, 2] = may_lack(2, formerly=1)

    def __post_init__(self) -> None:
        require_version(self.observation, "policy.observation")
        for name, largest in _LARGEST.items():
            value = getattr(self, name)
            if not 1 <= value <= largest:
                raise InputError(f"{value} given", field=f"policy.{name}", remedy=f"give 1 to {largest}")
        if self.hidden % self.heads:
            problem = f"{self.hidden} is no multiple of {self.heads} heads"
            raise InputError(problem, field="policy.hidden", remedy="give a multiple of heads")
        low, high = _LOG_STD
        for name in ("log_std", "shared_log_std", "min_log_std"):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:  # false for NaN as well
                raise InputError(f"{value} given", field=f"policy.{name}", remedy=f"give {low} to {high}")

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.hidden // self.heads

    @classmethod
    def preset(cls, name: Literal["small", "reference"]) -> PolicyConfig:
        """Return `small`, for CPUs, or `reference`: width 256, 4 layers of 8 heads, independent exploration."""
        presets = {
            "small": cls(),
            "reference": cls(hidden=256, layers=4, heads=8, critic_hidden=256, shared_log_std=None),
        }
        if name not in presets:
            raise UnknownNameError.of("policy preset", name, presets)
        return presets[name]

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return to_record(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> PolicyConfig:
        """Read a record that `to_json` returned; InputError if an entry is unknown, missing or does not fit."""
        return from_record(cls, record, "policy")
