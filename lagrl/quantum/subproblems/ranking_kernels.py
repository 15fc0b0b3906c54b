"""Compiled repair of drawn strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba import njit

from lagrl.signatures import INT_MATRIX, INTS, MATRIX, OUT_FLOATS, OUT_INT_MATRIX, void

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@njit(void(MATRIX, INT_MATRIX, INTS, INTS, INT_MATRIX, OUT_INT_MATRIX, OUT_FLOATS), cache=True, nogil=True)
def repair_codes(
    reduced_cost: Floats, weight: Ints, width: Ints, room: Ints, code: Ints, repaired: Ints, cost: Floats
) -> None:
    """Repair codes [K, S] and price them; `cost` is [K·S].

    Variables come the most efficient first, so the worst carried one is the highest bit: dropping walks down, adding
    walks up. O(K·S·m); 16 bytes are read and written per string, the knapsack stays in the cache.
    """
    n_vehicles, n_strings = code.shape
    for k in range(n_vehicles):
        m = width[k]
        for s in range(n_strings):
            bits = code[k, s] & ((1 << m) - 1)
            left = room[k]
            for j in range(m):
                left -= ((bits >> j) & 1) * weight[k, j]
            j = m - 1
            while left < 0:
                if (bits >> j) & 1:
                    bits ^= 1 << j
                    left += weight[k, j]
                j -= 1
            value = 0.0  # summed last and in order: equal strings cost the same to the last bit
            for j in range(m):
                if not (bits >> j) & 1 and weight[k, j] <= left:
                    bits |= 1 << j
                    left -= weight[k, j]
                if (bits >> j) & 1:
                    value += reduced_cost[k, j]
            repaired[k, s] = bits
            cost[k * n_strings + s] = value
