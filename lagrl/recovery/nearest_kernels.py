"""Compiled search for the nearest customers in the plane."""

from __future__ import annotations

import math

import numpy as np

from lagrl.signatures import FLOATS, INTS, OUT_INT_MATRIX, Floats, Ints, boolean, float64, inner_kernel, kernel, void


@inner_kernel(float64(float64, float64, boolean))
def _length(across: float, along: float, is_rounded: bool) -> float:
    """Return the Euclidean length, rounded to floor(d + 0.5) or not."""
    exact = math.hypot(across, along)
    return float(math.floor(exact + 0.5)) if is_rounded else exact


@kernel(void(FLOATS, FLOATS, INTS, boolean, OUT_INT_MATRIX))
def nearest_in_plane(x: Floats, y: Floats, order: Ints, is_rounded: bool, near: Ints) -> None:
    """Write the nearest other customers of each, nearest first; ties go by number.

    From each customer the others are taken by rising difference in x, until that alone exceeds the distance to the
    farthest one kept. In a square with customers everywhere these are O(√(n·m)) for each, and all n on a line of equal
    x.

    `x`, `y`: [n] coordinates. `order`: [n] customers 0 … n − 1 by rising x. `is_rounded`: whether distances are
    floor(d + 0.5). `near` [n, m] receives customers 0 … n − 1, at most n − 1 of each.
    """
    n, most = near.shape
    if most == 0:
        return
    distance = np.empty(most)
    kept = np.empty(most, np.int64)
    for place in range(n):
        i = order[place]
        found = 0
        left, right = place - 1, place + 1
        while left >= 0 or right < n:
            to_left = x[i] - x[order[left]] if left >= 0 else np.inf
            to_right = x[order[right]] - x[i] if right < n else np.inf
            if to_left <= to_right:
                across = to_left
                j = order[left]
                left -= 1
            else:
                across = to_right
                j = order[right]
                right += 1
            if found == most and _length(across, 0.0, is_rounded) > distance[most - 1]:
                break
            apart = _length(across, y[i] - y[j], is_rounded)
            if found == most:
                if apart > distance[most - 1] or (apart == distance[most - 1] and j > kept[most - 1]):
                    continue
                found -= 1
            p = found
            while p > 0 and (distance[p - 1] > apart or (distance[p - 1] == apart and kept[p - 1] > j)):
                distance[p] = distance[p - 1]
                kept[p] = kept[p - 1]
                p -= 1
            distance[p] = apart
            kept[p] = j
            found += 1
        near[i] = kept
