"""From knapsacks to QUBOs without slack bits: the tilted quadratic penalty.

    E(y) = Σ_i ã_i y_i + ρ (r² + s r),    r = Σ_i d_i y_i − 1

with ã in units of its mean size and d in units of the capacity (1 after scaling). As r² + s r = (r + s/2)² − s²/4,
this is a soft *equality* on the load, at the target T = 1 − s/2 of the capacity. The Taylor (unbalanced) penalty
−l₁h + l₂h² of h = −r (Montañez-Barrera et al. 2024) is the same function with ρ = l₂ and s = l₁/l₂. A target far
above the optimal load buys customers that do not pay, so it is chosen per knapsack.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.problems.qubo import QUBO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.candidates import Candidates


@dataclass(frozen=True)
class TiltedPenalty:
    """How overload is priced.

    Attributes
    ----------
    strength
        ρ, for costs in units of their mean and loads in units of the capacity.
    fill
        Where the target load lies between what greedy loads (0) and the room (1).

    Raises
    ------
    InputError
        If the strength is not a finite number of 0 or more, or `fill` is not in [0, 1].
    """

    strength: float = 30.0
    fill: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.strength < np.inf:
            raise InputError(f"{self.strength} given", field="strength", remedy="give a finite number of 0 or more")
        if not 0 <= self.fill <= 1:
            raise InputError(f"{self.fill} given", field="fill", remedy="give a share from 0 to 1")


@dataclass(frozen=True, eq=False)
class QUBOBatch:
    """The QUBOs of K knapsacks, padded to W variables by zeros.

    Attributes
    ----------
    linear
        [K, W] float64.
    quadratic
        [K, W, W] float64, strictly upper triangular.
    offset
        [K] float64.
    width
        [K] int64: variables of each.
    """

    linear: NDArray[np.float64] = field(repr=False)
    quadratic: NDArray[np.float64] = field(repr=False)
    offset: NDArray[np.float64] = field(repr=False)
    width: NDArray[np.int64]

    @property
    def scale(self) -> NDArray[np.float64]:
        """[K] σ = sqrt(Σ h² + Σ J²) of each one's Ising form, see `Ising.scale`; 1 where that is 0."""
        pairs = self.quadratic.sum(axis=1) + self.quadratic.sum(axis=2)
        fields = self.linear / 2 + pairs / 4
        variance = (fields**2).sum(axis=1) + (self.quadratic**2).sum(axis=(1, 2)) / 16
        return np.sqrt(np.where(variance > 0, variance, 1.0))

    def qubo(self, vehicle: int) -> QUBO:
        """Return one of them without its padding."""
        m = int(self.width[vehicle])
        return QUBO(
            self.linear[vehicle, :m].copy(), self.quadratic[vehicle, :m, :m].copy(), float(self.offset[vehicle])
        )


def target_loads(candidates: Candidates, fill: float = 0.0) -> NDArray[np.float64]:
    """Return the load to aim at with each vehicle's variables, T ≤ min(room, Σ d), [K] demand units.

    Greedy's load fits and is near the optimal one. The room itself is no better a guess: where the optimal load is
    well below it, aiming there buys customers that do not pay.

    Parameters
    ----------
    candidates
        The knapsacks.
    fill
        0 for greedy's load, 1 for the room, which the variables' weights always exceed.
    """
    return candidates.greedy_load + fill * (candidates.room - candidates.greedy_load)


def tilted_qubos(candidates: Candidates, penalty: TiltedPenalty) -> QUBOBatch:
    """Build the QUBO of every vehicle's variables; all zero where a vehicle is solved.

    Parameters
    ----------
    candidates
        The knapsacks.
    penalty
        How overload is priced.
    """
    n_variables = np.maximum(candidates.width, 1)
    room = np.maximum(candidates.room, 1).astype(np.float64)
    mean = np.abs(candidates.reduced_cost).sum(axis=1) / n_variables
    cost = candidates.reduced_cost / np.where(mean > 0, mean, 1.0)[:, None]
    load = candidates.weight / room[:, None]
    tilt = 2.0 * (1.0 - target_loads(candidates, penalty.fill) / room)
    rho = penalty.strength
    linear = cost + rho * (load**2 + (tilt - 2.0)[:, None] * load)
    quadratic = np.triu(2.0 * rho * load[:, :, None] * load[:, None, :], 1)
    offset = np.where(candidates.width > 0, rho * (1.0 - tilt), 0.0)
    return QUBOBatch(linear, quadratic, offset, candidates.width)
