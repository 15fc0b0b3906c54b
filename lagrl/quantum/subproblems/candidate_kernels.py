"""Compiled kernels of candidates: presolve and selection, full strings, and repair of drawn strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.signatures import (
    BYTE_MATRIX,
    INT_MATRIX,
    INTS,
    MATRIX,
    OUT_BYTE_CUBE,
    OUT_BYTE_MATRIX,
    OUT_FLOATS,
    OUT_INT_MATRIX,
    OUT_INTS,
    int64,
    kernel,
    void,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]


@kernel(
    void(MATRIX, INTS, INTS, int64, OUT_BYTE_MATRIX, OUT_INT_MATRIX, OUT_INTS, OUT_INTS, OUT_INTS, OUT_FLOATS),
)
def choose_candidates(
    reduced_cost: Floats,
    weight: Ints,
    capacity: Ints,
    most: int,
    fixed: Bytes,
    item: Ints,
    width: Ints,
    room: Ints,
    greedy_load: Ints,
    stop: Floats,
) -> None:
    """Presolve every knapsack and keep at most `most` items of each as candidates; see `candidates.Candidates`.

    Items are sorted by efficiency e = −ã/d. The first item that greedy cannot fit has e_stop. The items of least
    √d·|e − e_stop| are candidates. Of the others the more efficient ones are carried (greedy carries them, so they
    fit), the less efficient ones are not. Candidates too heavy for the remaining room are dropped.
    O(K·(n + m log m)) for m items of negative reduced cost.
    """
    n_vehicles, n = reduced_cost.shape
    wanted = np.empty(n, np.int64)
    efficiency = np.empty(n)
    certainty = np.empty(n)
    is_candidate = np.empty(n, np.bool_)
    for k in range(n_vehicles):
        width[k] = 0
        greedy_load[k] = 0
        stop[k] = 0.0
        m = 0
        load = 0
        for i in range(n):
            fixed[k, i] = 0
            reduced = reduced_cost[k, i]
            if reduced < 0.0 and weight[i] <= capacity[k]:
                if weight[i] == 0:
                    fixed[k, i] = 1
                else:
                    wanted[m] = i
                    efficiency[m] = reduced / weight[i]  # negated: the best first
                    load += weight[i]
                    m += 1
        if load <= capacity[k]:
            for j in range(m):
                fixed[k, wanted[j]] = 1
            room[k] = capacity[k] - load
            continue
        order = np.argsort(efficiency[:m], kind="mergesort")  # stable: ties by index
        room[k] = capacity[k]
        stop_at = 0
        while weight[wanted[order[stop_at]]] <= room[k]:
            room[k] -= weight[wanted[order[stop_at]]]
            stop_at += 1
        e_stop = efficiency[order[stop_at]]
        stop[k] = -e_stop
        for j in range(m):
            certainty[j] = abs(efficiency[order[j]] - e_stop) * np.sqrt(weight[wanted[order[j]]])
            is_candidate[j] = False
        for j in np.argsort(certainty[:m], kind="mergesort")[:most]:
            is_candidate[j] = True
            if j < stop_at:
                room[k] += weight[wanted[order[j]]]
        load = 0
        for j in range(m):
            i = wanted[order[j]]
            if not is_candidate[j]:
                fixed[k, i] = j < stop_at
            elif weight[i] <= room[k]:
                item[k, width[k]] = i
                width[k] += 1
                load += weight[i]
                if greedy_load[k] + weight[i] <= room[k]:
                    greedy_load[k] += weight[i]
        if load <= room[k]:
            for j in range(width[k]):
                fixed[k, item[k, j]] = 1
            room[k] -= load
            width[k] = 0


@kernel(void(BYTE_MATRIX, INT_MATRIX, INTS, INT_MATRIX, OUT_BYTE_CUBE))
def write_strings(fixed: Bytes, item: Ints, width: Ints, code: Ints, strings: Bytes) -> None:
    """Write the full strings [K, S, n]: the fixed customers, and bit j of the code for candidate j. K·S·n bytes."""
    n_vehicles, n_strings = code.shape
    for k in range(n_vehicles):
        for s in range(n_strings):
            strings[k, s] = fixed[k]
            for j in range(width[k]):
                strings[k, s, item[k, j]] = (code[k, s] >> j) & 1


@kernel(void(MATRIX, INT_MATRIX, INTS, INTS, INT_MATRIX, OUT_INT_MATRIX, OUT_FLOATS))
def repair_codes(
    reduced_cost: Floats, weight: Ints, width: Ints, room: Ints, code: Ints, repaired: Ints, cost: Floats
) -> None:
    """Repair codes [K, S] and compute their costs; `cost` is [K·S]. See `Candidates.repair`.

    Variables are in descending order of efficiency, so the least efficient one is the highest bit: dropping goes
    down, adding goes up. O(K·S·m); 16 bytes are read and written per string, the knapsack stays in the cache.
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
