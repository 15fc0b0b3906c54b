"""Loads above the capacity inside compiled moves, and the penalty on them (Vidal and others 2012)."""

from __future__ import annotations

from lagrl.signatures import float64, inner_kernel, int64

REVIEW = 100
"""Moves between two changes of the penalty."""

_FEW, _MANY = 0.2, 0.4  # share of moves after which no load exceeds the capacity, wanted
_DEARER, _CHEAPER = 1.02, 0.985  # factors of the penalty where the share is less or more than that
_LEAST = 1e-3  # temperatures: least penalty


@inner_kernel(int64(int64, int64))
def excess_of(load: int, capacity: int) -> int:
    """Return the part of a load above the capacity."""
    return load - capacity if load > capacity else 0


@inner_kernel(float64(int64, int64, int64, float64))
def toll_of(load: int, weight: int, capacity: int, penalty: float) -> float:
    """Return the penalty of the excess that a customer's weight adds to a load."""
    more = load + weight - max(load, capacity)
    return penalty * more if more > 0 else 0.0


@inner_kernel(float64(float64, int64, float64, float64))
def next_penalty(penalty: float, n_fitting: int, temperature: float, most: float) -> float:
    """Return the penalty after `REVIEW` moves, of which `n_fitting` ended without any excess."""
    if n_fitting < _FEW * REVIEW:
        return min(_DEARER * penalty, most)
    if n_fitting > _MANY * REVIEW:
        return max(_CHEAPER * penalty, _LEAST * temperature)
    return penalty
