"""Decisions of the bandit with their outcome, and the quality of strings that they are rewarded for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lagrl.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.features import KnapsackContext
    from lagrl.quantum.bandit.screening import ScreenedArms
    from lagrl.quantum.subproblems.candidates import Candidates
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
        Quality of the strings (see `quality`), and of as many of the product state for the same knapsack.
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


def linear_value(candidates: Candidates, vehicle: int) -> float:
    """Return an upper bound on a knapsack's worth, by its linear relaxation (Dantzig 1957), distance units.

    Variables must be in order of falling efficiency, of a vehicle that presolve did not solve.
    """
    m = int(candidates.width[vehicle])
    worth, weight = -candidates.reduced_cost[vehicle, :m], candidates.weight[vehicle, :m]
    room = float(candidates.room[vehicle])
    order = np.argsort(-worth / np.maximum(weight, 1e-300), kind="stable")
    before = np.concatenate([[0.0], np.cumsum(weight[order])[:-1]])
    share = np.clip((room - before) / np.maximum(weight[order], 1e-300), 0.0, 1.0)
    return float(worth[order] @ share)


def quality(candidates: Candidates, vehicle: int, codes: NDArray[np.int64], alpha: float = 0.25) -> float:
    """Return the mean worth of the best share α of the strings (CVaR), over the bound of `linear_value`: 0 to 1.

    The optimum need not be known. Overloaded strings are worth nothing. The best string alone distinguishes only poor
    circuits; the mean of all strings also counts those that are discarded (Barkoutsos et al. 2020). Raises `InputError`
    if α is out of range, or there are no strings.

    Parameters
    ----------
    candidates
        Knapsacks.
    vehicle
        Index of one that presolve did not solve.
    codes
        [S] strings: bit j is the vehicle's variable j.
    alpha
        Share α in (0, 1].
    """
    if not 0.0 < alpha <= 1.0 or not len(codes):
        raise InputError(f"alpha {alpha}, {len(codes)} strings", field="reward", remedy="give a share, and 1 or more")
    m = int(candidates.width[vehicle])
    bits = (codes[:, None] >> np.arange(m)) & 1
    fits = bits @ candidates.weight[vehicle, :m] <= candidates.room[vehicle]
    worth = np.where(fits, bits @ -candidates.reduced_cost[vehicle, :m], 0.0)
    best = np.sort(worth)[::-1][: max(1, round(alpha * len(worth)))]
    most = linear_value(candidates, vehicle)
    return float(np.clip(best.mean() / most, 0.0, 1.0)) if most > 0 else 1.0
