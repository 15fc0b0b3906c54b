"""What a bandit decided, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.features import KnapsackContext
    from lagrl.quantum.bandit.screening import ScreenedArms
    from lagrl.relaxation.sampler import SampleContext


@dataclass(frozen=True, eq=False)
class Decision:
    """What was decided for one vehicle of one step, and what came of it.

    Attributes
    ----------
    vehicle
        Index k.
    knapsack
        What it was like.
    screened
        The arms.
    chosen
        Index of the one taken, among these.
    propensity
        How likely that was.
    objection
        Why the highest ranked arm of all may not run; empty if it may.
    executed
        Index of the arm whose strings came: another one than chosen where that failed, or had no room.
    quality
        Of the strings that came, see `reward.quality`.
    baseline
        Of as many strings of the product state, drawn beside them.
    """

    vehicle: int
    knapsack: KnapsackContext
    screened: ScreenedArms = field(repr=False)
    chosen: int
    propensity: float
    objection: str
    executed: int
    quality: float
    baseline: float

    @property
    def reward(self) -> float:
        """How much better the strings were than those of no circuit, in [−1, 1]; 0 where there was none.

        Knapsacks differ far more than circuits do; against the product state of the same knapsack, which costs nothing,
        most of that is gone.
        """
        return self.quality - self.baseline

    @property
    def arm(self) -> Arm:
        """The one taken."""
        return self.screened.arms[self.chosen]

    @property
    def answered(self) -> Arm:
        """The one whose strings came."""
        return self.screened.arms[self.executed]


class DecisionLog(Protocol):
    """Keeps decisions."""

    def note(self, context: SampleContext, decisions: list[Decision]) -> None:
        """Keep what was decided in one call of the sampler."""
        ...
