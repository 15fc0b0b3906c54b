"""How good a distribution over a knapsack's strings is, exactly: no sampling error where the distribution is known.

Gaps are relative to the size of the optimal value of the variables (the core's, not of all the vehicle carries):
gap(y) = (ã·y − ã·y*) / |ã·y*|. A string that does not fit carries nothing: gap 1, as if none had been drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from lagrl.quantum.circuits.hardware_efficient import distribution_cvar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.paper.drawn_knapsacks import Knapsack

SHOTS = 64
ALPHA = 0.25


class Measures(TypedDict):
    """Of one distribution.

    `feasible`: P(fits). `optimal`: P(optimal). `gap`: expected gap of the best of 64 shots. `cvar`: mean gap of the
    best quarter. The last three are the same after each shot was repaired classically.
    """

    feasible: float
    optimal: float
    gap: float
    cvar: float
    repaired_optimal: float
    repaired_gap: float
    repaired_cvar: float


@dataclass(frozen=True, eq=False)
class Worth:
    """What every string of a knapsack is worth.

    Attributes
    ----------
    fits, is_optimal
        [2^W] bool.
    gap, repaired_gap
        [2^W] of the string as it is, and after `Candidates.repair`.
    greedy
        The string that greedy takes, which is what repair makes of nothing.
    """

    fits: NDArray[np.bool_] = field(repr=False)
    is_optimal: NDArray[np.bool_] = field(repr=False)
    gap: NDArray[np.float64] = field(repr=False)
    repaired_gap: NDArray[np.float64] = field(repr=False)
    greedy: int

    @staticmethod
    def of(knapsack: Knapsack) -> Worth:
        """Price all strings."""
        code = np.arange(2**knapsack.width)
        bits = (code[:, None] >> np.arange(knapsack.width)) & 1
        fits = bits @ np.array(knapsack.weight) <= knapsack.room
        cost = np.where(fits, bits @ np.array(knapsack.reduced_cost), 0.0)
        optimum = cost.min()
        gap = (cost - optimum) / -optimum
        gap[gap < 1e-9] = 0.0
        repaired = knapsack.candidates.repair(code[None])[0][0]
        return Worth(fits, gap == 0.0, gap, gap[repaired], int(repaired[0]))

    def measures(self, distribution: NDArray[np.float64], shots: int = SHOTS) -> Measures:
        """Measure a distribution [2^W]; bit i of the index is variable i."""
        raw, after = np.argsort(self.gap, kind="stable"), np.argsort(self.repaired_gap, kind="stable")
        return Measures(
            feasible=float(distribution @ self.fits),
            optimal=float(distribution @ self.is_optimal),
            gap=expected_best(self.gap[raw], distribution[raw], shots),
            cvar=distribution_cvar(self.gap[raw], distribution[raw], ALPHA),
            repaired_optimal=float(distribution @ (self.repaired_gap == 0.0)),
            repaired_gap=expected_best(self.repaired_gap[after], distribution[after], shots),
            repaired_cvar=distribution_cvar(self.repaired_gap[after], distribution[after], ALPHA),
        )


def expected_best(value: NDArray[np.float64], probability: NDArray[np.float64], shots: int) -> float:
    """Return the expectation of the least of `shots` independent draws of values in ascending order, both [S].

    E min = v_0 + Σ_j (v_{j+1} − v_j) P(value > v_j)^shots.
    """
    above = np.clip(1.0 - np.cumsum(probability), 0.0, 1.0)
    return float(value[0] + np.diff(value) @ above[:-1] ** shots)
