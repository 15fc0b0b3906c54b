"""The record of a search, and of each ascent from seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lagrl.ascent import DualTrace
    from lagrl.recovery.incumbent import Incumbent
    from lagrl.relaxation.sampler import SamplingCost


@dataclass(frozen=True)
class Ascent:
    """The record of one linearisation's ascent from seeds.

    Attributes
    ----------
    seeding, n_vehicles
        Seeding rule and number of vehicles of the linearisation.
    linear_value
        Value of the linear relaxation, distance units: L at the controller's start is at least this.
    trace
        One entry per evaluation.
    """

    seeding: str
    n_vehicles: int
    linear_value: float
    trace: DualTrace


@dataclass(frozen=True)
class SearchReport:
    """The result of a search.

    Attributes
    ----------
    incumbent
        The best routes, the pool of all, and their history.
    elapsed
        Wall-clock seconds.
    ascents
        Ascents from seeds.
    sampling
        Resources that the sampler used.
    seconds_of
        Wall-clock seconds of `polish`, `partition`, `bound`, `sampling` and `recording`, all processes together.
    lower_bound
        Proven bound on every solution's cost, distance units; 0 without one.
    is_infeasible
        Whether it proves that no routes meet the fleet rule.
    """

    incumbent: Incumbent
    elapsed: float
    ascents: list[Ascent]
    sampling: SamplingCost
    seconds_of: dict[str, float]
    lower_bound: float
    is_infeasible: bool = False
