"""The undecided part of a knapsack: Dantzig's break item, reduced profits, and the core between them."""

from __future__ import annotations

from numba import types

from lagrl.signatures import (
    FLOATS,
    INTS,
    OUT_BYTES,
    OUT_FLOATS,
    OUT_INTS,
    PAIR,
    Bytes,
    Floats,
    Ints,
    float64,
    inner_kernel,
    int64,
)

_SMALLEST = 1e-300  # above 0: the reduced profit of a packed item that has none
_FEW = 12  # items left to sort when the break item is looked for


@inner_kernel(PAIR(FLOATS, INTS, float64))
def _above(efficiency: Floats, weight: Ints, price: float) -> tuple[int, int]:
    """Return number and load of the items more efficient than a price; vectorises."""
    count = 0
    load = 0
    for j in range(len(efficiency)):
        is_above = efficiency[j] > price
        count += is_above
        load += weight[j] if is_above else 0
    return count, load


@inner_kernel(PAIR(FLOATS, INTS, int64, OUT_BYTES, OUT_INTS))
def pack_greedily(efficiency: Floats, weight: Ints, capacity: int, packed: Bytes, window: Ints) -> tuple[int, int]:
    """Pack items by efficiency up to the first that does not fit; return that break item and the room left.

    The items must not fit together; ties go by index. Prices are halved until few items lie between one at which the
    more efficient items fit and one at which they do not; these are sorted. O(m) per halving. `window` [≥ m] is
    scratch.
    """
    m = len(efficiency)
    low = 0.0
    high = efficiency[0]
    for j in range(1, m):
        high = max(high, efficiency[j])  # numba's own maximum takes three times as long to compile as this kernel
    n_low = m
    n_high = 0
    load = 0
    while n_low - n_high > _FEW:
        price = 0.5 * (low + high)
        if not low < price < high:
            break
        count, above = _above(efficiency, weight, price)
        if above > capacity:
            low, n_low = price, count
        else:
            high, n_high, load = price, count, above
    c = 0
    for j in range(m):
        packed[j] = efficiency[j] > high
        if low < efficiency[j] <= high:
            i = c - 1
            while i >= 0 and efficiency[window[i]] < efficiency[j]:
                window[i + 1] = window[i]
                i -= 1
            window[i + 1] = j
            c += 1
    i = 0
    while load + weight[window[i]] <= capacity:
        load += weight[window[i]]
        packed[window[i]] = 1
        i += 1
    return window[i], capacity - load


@inner_kernel(types.UniTuple(float64, 2)(FLOATS, INTS, float64, OUT_BYTES, OUT_FLOATS))
def reduce_profits(profit: Floats, weight: Ints, price: float, packed: Bytes, reduced: Floats) -> tuple[float, float]:
    """Set the reduced profits p_j − μ·w_j, positive for packed items only; return their profit, and Σ|p_j − μ·w_j|."""
    earned = 0.0
    spread = 0.0
    for j in range(len(profit)):
        at_stake = profit[j] - price * weight[j]
        if packed[j]:
            at_stake = max(at_stake, _SMALLEST)
            earned += profit[j]
        else:
            at_stake = min(at_stake, 0.0)
        reduced[j] = at_stake
        spread += abs(at_stake)
    return earned, spread


@inner_kernel(types.Tuple((float64, int64))(FLOATS, INTS, FLOATS, int64, int64, float64))
def best_single_move(
    profit: Floats, weight: Ints, reduced: Floats, split: int, slack: int, price: float
) -> tuple[float, int]:
    """Return the least loss of the break solution and its neighbours, and the move of that neighbour (−1 for none).

    Neighbours add one item, or exchange one for the break item. O(m).
    """
    least = price * slack
    move = -1
    excess = weight[split] - slack
    for j in range(len(profit)):
        if reduced[j] > 0.0:
            if weight[j] >= excess and profit[j] - price * excess < least:
                least = profit[j] - price * excess
                move = j
        elif weight[j] <= slack and price * slack - profit[j] < least:
            least = price * slack - profit[j]
            move = j
    return least, move


@inner_kernel(PAIR(FLOATS, INTS, float64, OUT_INTS, OUT_INTS, OUT_FLOATS, OUT_FLOATS))
def collect_doubtful(
    reduced: Floats, weight: Ints, cutoff: float, core: Ints, core_weight: Ints, distance: Floats, loss: Floats
) -> tuple[int, int]:
    """Collect the items that lose less than `cutoff` on the other side; return their number, and how many are packed.

    They come by falling efficiency, the packed ones first, with weight, distance |e_j − μ| and loss |p_j − μ·w_j|.
    O(m + c²) for c items, c² being that of an insertion sort.
    """
    c = 0
    n_packed = 0
    for j in range(len(reduced)):
        if abs(reduced[j]) < cutoff:
            key = -reduced[j] / weight[j]
            n_packed += reduced[j] > 0.0
            i = c - 1
            while i >= 0 and distance[i] > key:
                distance[i + 1], core[i + 1] = distance[i], core[i]
                i -= 1
            distance[i + 1], core[i + 1] = key, j
            c += 1
    for i in range(c):
        core_weight[i] = weight[core[i]]
        loss[i] = abs(reduced[core[i]])
        distance[i] = abs(distance[i])
    return c, n_packed
