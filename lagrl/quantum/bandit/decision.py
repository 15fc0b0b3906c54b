"""Decisions of the bandit with their outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.features import KnapsackContext
    from lagrl.quantum.bandit.screening import ScreenedArms
    from lagrl.relaxation.sampler import SampleContext


@dataclass(frozen=True, eq=False)
class ArmDecision:
    """The arm chosen for one vehicle in one step, and its outcome.

    Attributes
    ----------
    vehicle, knapsack
        Index k, and a description of its knapsack.
    screened
        All arms, and which of them may run.
    chosen, propensity
        Index of the chosen arm, and the probability of this choice.
    objection
        Why the arm with the highest score may not run; empty if it may.
    executed
        Index of the arm that drew the strings: another than the chosen one if that failed, or had no room.
    quality, baseline
        Quality of the strings (see `reward.quality`), and of as many of the product state for the same knapsack.
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
        """Quality above that of the product state, in [−1, 1]; 0 without a circuit.

        Knapsacks differ far more than circuits do; the difference to the product state of the same knapsack, which
        costs nothing, removes most of that.
        """
        return self.quality - self.baseline

    @property
    def arm(self) -> Arm:
        """The chosen arm of the decision."""
        return self.screened.arms[self.chosen]

    @property
    def answered(self) -> Arm:
        """The arm that drew the strings."""
        return self.screened.arms[self.executed]


class DecisionLog(Protocol):
    """Stores decisions as they are made."""

    def note(self, context: SampleContext, decisions: list[ArmDecision]) -> None:
        """Store the decisions of one call of the sampler."""
        ...
