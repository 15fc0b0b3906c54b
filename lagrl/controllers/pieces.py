"""A dual's pieces: what every evaluation says about each vehicle's part of L(λ) by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualPoint


@dataclass(frozen=True)
class Pieces:
    """One cut per piece: v_k(λ') ≤ intercept_k + slope_k·λ' for every λ', with equality where it was taken.

    Attributes
    ----------
    slope
        [K + 1, n] supergradients: −y_k of the vehicles, and last that of the linear part.
    intercept
        [K + 1] c_k = v_k + λ·y_k, distance units; last that of the linear part.
    """

    slope: NDArray[np.float64] = field(repr=False)
    intercept: NDArray[np.float64] = field(repr=False)


def pieces_of(point: DualPoint) -> Pieces:
    """Split an evaluation into cuts: one per vehicle, and what they leave of L, which is Σλ in an assignment dual.

    Under an approximate sampler the cuts are valid as well, but may lie above L where they were taken. A selection
    that has not one column per multiplier says nothing about single vehicles: L is then one piece.
    """
    multipliers = point.multipliers
    n = len(multipliers)
    if point.selection.ndim == 2 and point.selection.shape[1] == n:
        vehicle_slope, vehicle_value = -point.selection.astype(np.float64), point.vehicle_value
    else:
        vehicle_slope, vehicle_value = np.empty((0, n)), np.empty(0)
    slope = np.vstack([vehicle_slope, point.violation - vehicle_slope.sum(axis=0)])
    value = np.append(vehicle_value, point.sampled_value - vehicle_value.sum())
    return Pieces(slope, value - slope @ multipliers)
