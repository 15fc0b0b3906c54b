"""The QUBOs of all vehicles' knapsacks at once, and the units of their costs and loads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.problems.qubo import QUBO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.subproblems.candidates import Candidates


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
        [K] int64: bits of each, slack bits included; the knapsack's variables come first.
    """

    linear: NDArray[np.float64] = field(repr=False)
    quadratic: NDArray[np.float64] = field(repr=False)
    offset: NDArray[np.float64] = field(repr=False)
    width: NDArray[np.int64]

    def qubo(self, vehicle: int) -> QUBO:
        """Return one vehicle's QUBO without its padding."""
        m = int(self.width[vehicle])
        return QUBO(
            self.linear[vehicle, :m].copy(), self.quadratic[vehicle, :m, :m].copy(), float(self.offset[vehicle])
        )


def normalised(candidates: Candidates) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ã over the mean |ã|, and d over the room, of every vehicle's variables, both [K, W]."""
    cost = candidates.reduced_cost / mean_costs(candidates)[:, None]
    return cost, candidates.weight / np.maximum(candidates.room, 1).astype(np.float64)[:, None]


def mean_costs(candidates: Candidates) -> NDArray[np.float64]:
    """Return the mean |ã| of every vehicle's variables, [K] distance units; 1 where there are none."""
    mean = np.abs(candidates.reduced_cost).sum(axis=1) / np.maximum(candidates.width, 1)
    return np.where(mean > 0, mean, 1.0)


def soft_equalities(
    cost: NDArray[np.float64],
    load: NDArray[np.float64],
    tilt: NDArray[np.float64],
    strength: float,
    width: NDArray[np.int64],
) -> QUBOBatch:
    """Build the QUBOs cost·y + ρ (r² + s r) with r = load·y − 1.

    Parameters
    ----------
    cost, load
        [K, W], 0 in padding; loads in units of the room.
    tilt
        [K] s.
    strength
        ρ.
    width
        [K] bits of each; the offset is 0 where this is 0.
    """
    linear = cost + strength * (load**2 + (tilt - 2.0)[:, None] * load)
    quadratic = np.triu(2.0 * strength * load[:, :, None] * load[:, None, :], 1)
    offset = np.where(width > 0, strength * (1.0 - tilt), 0.0)
    return QUBOBatch(linear, quadratic, offset, width)
