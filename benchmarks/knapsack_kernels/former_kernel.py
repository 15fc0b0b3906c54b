"""The pricing kernel before branch and bound, to compare with: a price by halvings, the programme on a core."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lagrl.relaxation.dp_kernels import fill_knapsack
from lagrl.signatures import FLOATS, INTS, OUT_BYTES, OUT_FLOATS, int64, void

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_CORE = 8
_HALVINGS = 12
_ROUNDING = 1e-9  # far above the rounding of sums, so that it never settles an item


@njit(void(FLOATS, INTS, int64, OUT_BYTES, OUT_FLOATS, OUT_FLOATS), cache=True)
def fill_by_core(profit: Floats, weight: Ints, capacity: int, chosen: Bytes, before: Floats, after: Floats) -> None:
    """Mark in `chosen` the items of most profit within capacity, trying only those whose place is in doubt.

    At any price μ of weight, U = μ·Q + Σ_j max(0, r_j) with r_j = p_j − μ·w_j bounds every profit, and one that puts
    item j on the other side than the sign of r_j is at most U − |r_j|. Once a filling of profit L is known, items
    with |r_j| > U − L keep their side (Ingargiola and Korsh 1973). So: find a μ at which the items of r_j > 0 just
    fit; fill by dynamic programming over a core of small |r_j| for L; if that does not settle all others, once more
    over those that it leaves (Balas and Zemel's core, 1980). Exact; the core only decides how long it takes.

    Time O(m + c·Q) for c items in doubt. All items must fit alone, and weigh more than the capacity together.
    """
    m = len(profit)
    price = 0.0
    for j in range(m):
        price = max(price, 2.0 * profit[j] / weight[j])
    low = 0.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + price)
        load = 0
        for j in range(m):
            if profit[j] > middle * weight[j]:
                load += weight[j]
        if load > capacity:
            low = middle
        else:
            price = middle
    reduced = np.empty(m)
    bound = price * capacity
    spread = 0.0
    for j in range(m):
        reduced[j] = profit[j] - price * weight[j]
        bound += max(reduced[j], 0.0)
        spread += abs(reduced[j])
    doubt = 2.0 * spread / m * _CORE / m  # about _CORE items, were |r| uniform
    if m < 2 * _CORE:
        doubt = np.inf
    item = np.empty(m, np.int64)
    core_profit = np.empty(m)
    core_weight = np.empty(m, np.int64)
    highest = np.empty(m, np.int64)
    picked = np.empty(m, np.uint8)
    while True:
        c = 0
        load = 0
        room = capacity
        found = 0.0
        for j in range(m):
            chosen[j] = reduced[j] > 0.0
            if abs(reduced[j]) <= doubt:
                item[c] = j
                core_profit[c] = profit[j]
                core_weight[c] = weight[j]
                load += weight[j]
                c += 1
            elif chosen[j]:
                room -= weight[j]
                found += profit[j]
        if load <= room:
            picked[:c] = 1
            for j in range(c):
                found += core_profit[j]
        else:
            taken = np.empty(c * (room + 1), np.uint8)
            found += fill_knapsack(core_profit[:c], core_weight[:c], room, picked, before, after, taken, highest)
        for j in range(c):
            chosen[item[j]] = picked[j]
        gap = bound - found + _ROUNDING * bound
        if not gap > doubt:
            return
        doubt = gap
