"""A dual's pieces: the cuts that one evaluation gives for each vehicle's part of L(λ)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualPoint


@dataclass(frozen=True)
class Pieces:
    """One cut per piece: v_k(λ') ≤ intercept_k + slope_k·λ' for every λ', with equality at the evaluated λ.

    Attributes
    ----------
    slope
        [K + 1, n] supergradients: −y_k of the vehicles, and last that of the linear part.
    intercept
        [K + 1] c_k = v_k + λ·y_k, distance units; last that of the linear part.
    may_be_empty
        Whether 0 is a cut of every piece but the last as well, which is not among these.
    """

    slope: NDArray[np.float64] = field(repr=False)
    intercept: NDArray[np.float64] = field(repr=False)
    may_be_empty: bool = False

    def empty(self) -> Pieces:
        """Return the cuts of nothing chosen: 0, and that of the linear part."""
        slope, intercept = np.zeros_like(self.slope), np.zeros_like(self.intercept)
        slope[-1], intercept[-1] = self.slope[-1], self.intercept[-1]
        return Pieces(slope, intercept)


def pieces_of(point: DualPoint) -> Pieces:
    """Split an evaluation into cuts: one per vehicle, and one for the rest of L, which is Σλ in an assignment dual.

    A dual of another kind gives its own parts, one piece each; those that chose nothing have the cut 0.

    Under an approximate sampler the cuts are valid too, but may lie above L at the evaluated λ. If the selection does
    not have one column per multiplier, it gives no cut for single vehicles: L is then one piece.
    """
    multipliers = point.multipliers
    n = len(multipliers)
    if point.parts is not None:
        parts = point.parts
        slope, value = np.zeros((parts.n_parts + 1, n)), np.zeros(parts.n_parts + 1)
        slope[parts.part], value[parts.part] = -parts.choice, parts.value
        slope[-1], value[-1] = parts.right_side, parts.right_side @ multipliers
        return Pieces(slope, value - slope @ multipliers, may_be_empty=True)
    if point.selection.ndim == 2 and point.selection.shape[1] == n:
        vehicle_slope, vehicle_value = -point.selection.astype(np.float64), point.vehicle_value
    else:
        vehicle_slope, vehicle_value = np.empty((0, n)), np.empty(0)
    slope = np.vstack([vehicle_slope, point.violation - vehicle_slope.sum(axis=0)])
    value = np.append(vehicle_value, point.sampled_value - vehicle_value.sum())
    return Pieces(slope, value - slope @ multipliers)
