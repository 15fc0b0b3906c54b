"""Knapsacks by dynamic programming without bounds: the table of all capacities, and two lists of half fillings.

`branch_and_bound_kernels` uses these where its search takes too long.
"""

from __future__ import annotations

import numpy as np
from numba import types

from lagrl.signatures import (
    FLOATS,
    INTS,
    OUT_BYTES,
    OUT_FLOATS,
    OUT_INTS,
    Bytes,
    Floats,
    Ints,
    boolean,
    float64,
    inner_kernel,
    int64,
    kernel,
    void,
)

MOST_LISTED = 124  # items: each half's choices are the bits of one signed integer
_LIST = types.Tuple((OUT_INTS, OUT_FLOATS, OUT_INTS))
_FEW_STATES = 256


@inner_kernel(void(FLOATS, float64, FLOATS, OUT_FLOATS, OUT_BYTES))
def _either(lighter: Floats, profit: float, without: Floats, best: Floats, taken: Bytes) -> None:
    """Set best = max(without, lighter + profit) and mark where the latter won; indices from 0 let it vectorise."""
    for c in range(len(without)):
        with_item = lighter[c] + profit
        better = with_item > without[c]
        taken[c] = better
        best[c] = with_item if better else without[c]


@kernel(float64(FLOATS, INTS, int64, OUT_BYTES, OUT_FLOATS, OUT_FLOATS, OUT_BYTES, OUT_INTS))
def fill_knapsack(
    profit: Floats,
    weight: Ints,
    capacity: int,
    chosen: Bytes,
    before: Floats,
    after: Floats,
    taken: Bytes,
    highest: Ints,
) -> float:
    """Maximise profit within capacity by dynamic programming; return the best profit and mark `chosen`.

    The items together must weigh more than the capacity. Row i covers only capacities that can still matter: no more
    than the weight seen so far (above it everything fits), no less than the capacity minus the weight still to come.
    Two rows are kept apart, so that the inner loop has no dependency and vectorises. Time O(m·Q), memory m·(Q + 1)
    bytes of decisions. `before`, `after` [≥ Q + 1], `taken` [≥ m·(Q + 1)] and `highest` [≥ m] are scratch.
    """
    m = len(profit)
    width = capacity + 1
    to_come = 0
    for i in range(m):
        to_come += weight[i]
    seen = 0
    before[0] = 0.0
    for i in range(m):
        w = weight[i]
        p = profit[i]
        to_come -= w
        last = min(seen, capacity)
        top = min(seen + w, capacity)
        bottom = max(0, capacity - to_come)
        for c in range(last + 1, top + 1):
            before[c] = before[last]
        row = i * width
        middle = min(max(bottom, w), top + 1)  # an item may be heavier than the capacity
        for c in range(bottom, middle):
            after[c] = before[c]
            taken[row + c] = 0
        if w <= top:
            lighter = before[middle - w : top + 1 - w]
            _either(lighter, p, before[middle : top + 1], after[middle:], taken[row + middle :])
        highest[i] = top
        seen += w
        before, after = after, before
    best: float = before[highest[m - 1]]
    c = capacity
    for i in range(m - 1, -1, -1):
        c = min(c, highest[i])
        if taken[i * width + c]:
            chosen[i] = 1
            c -= weight[i]
        else:
            chosen[i] = 0
    return best


@inner_kernel(
    int64(INTS, FLOATS, INTS, int64, int64, float64, int64, float64, float64, OUT_INTS, OUT_FLOATS, OUT_INTS),
)
def _merge(
    extra: Ints,
    loss: Floats,
    mask: Ints,
    n: int,
    weight: int,
    item_loss: float,
    bit: int,
    price: float,
    cutoff: float,
    out_extra: Ints,
    out_loss: Floats,
    out_mask: Ints,
) -> int:
    """Merge n states with themselves after one more move; return how many remain, or −1 if there is no room for them.

    States are in order of extra weight and of strictly growing profit: a state that weighs no less and is worth no more
    than another is dropped. Profit is relative to the break solution's: price·extra − loss.
    """
    i = 0
    j = 0
    count = 0
    highest = -np.inf
    while j < n or i < n:
        moved = False
        if i == n:
            moved = True
        elif j < n:
            ahead = extra[j] + weight - extra[i]
            moved = ahead < 0 or (
                ahead == 0 and price * (extra[j] + weight) - loss[j] - item_loss > price * extra[i] - loss[i]
            )
        if moved:
            state_extra = extra[j] + weight
            state_loss = loss[j] + item_loss
            state_mask = mask[j] | bit
            j += 1
        else:
            state_extra = extra[i]
            state_loss = loss[i]
            state_mask = mask[i]
            i += 1
        profit = price * state_extra - state_loss
        if state_loss < cutoff and profit > highest:
            if count == len(out_extra):
                return -1
            highest = profit
            out_extra[count] = state_extra
            out_loss[count] = state_loss
            out_mask[count] = state_mask
            count += 1
    return count


@inner_kernel(_LIST(INTS, FLOATS, int64, float64, float64, int64))
def _listed(
    move: Ints, move_loss: Floats, first: int, price: float, cutoff: float, most_states: int
) -> tuple[Ints, Floats, Ints]:
    """List the undominated choices among the moves first, first + 2, …; nothing if they are too many.

    A choice is its extra weight, its loss and a mask of its moves.
    """
    size = min(_FEW_STATES, most_states)
    extra, loss, mask = np.zeros(size, np.int64), np.zeros(size), np.zeros(size, np.int64)
    next_extra, next_loss, next_mask = np.empty(size, np.int64), np.empty(size), np.empty(size, np.int64)
    n = 1
    bit = 1
    for j in range(first, len(move), 2):
        if 2 * n > len(next_extra) and len(next_extra) < most_states:
            size = min(4 * n, most_states)
            next_extra, next_loss, next_mask = np.empty(size, np.int64), np.empty(size), np.empty(size, np.int64)
        n = _merge(extra, loss, mask, n, move[j], move_loss[j], bit, price, cutoff, next_extra, next_loss, next_mask)
        if n < 0:
            return extra[:0], loss[:0], mask[:0]
        extra, next_extra = next_extra, extra
        loss, next_loss = next_loss, loss
        mask, next_mask = next_mask, mask
        bit <<= 1
    return extra[:n], loss[:n], mask[:n]


@kernel(boolean(INTS, FLOATS, int64, float64, float64, int64, OUT_BYTES))
def choose_moves(
    move: Ints, move_loss: Floats, slack: int, price: float, cutoff: float, most_states: int, moved: Bytes
) -> bool:
    """Choose the moves of least loss by listing the choices of either half of them (Horowitz and Sahni 1974).

    A move adds `move` units of weight (negative where it takes an item out) and loses `move_loss` ≥ 0. Unused slack,
    which must not become negative, loses `price` per unit. Dominated choices and those that lose `cutoff` or more are
    dropped; then the two lists are matched in one pass. If a choice loses less than `cutoff`, it is marked in `moved`,
    else nothing.

    Returns False if a list would have more than `most_states` states of 24 bytes, or there are more than `MOST_LISTED`
    moves. Time and memory O(min(2^(c/2), W)) for c moves of W units of weight together, whatever the capacity.
    """
    c = len(move)
    for j in range(c):
        moved[j] = 0
    if c > MOST_LISTED:
        return False
    extra, loss, mask = _listed(move, move_loss, 0, price, cutoff, most_states)
    other_extra, other_loss, other_mask = _listed(move, move_loss, 1, price, cutoff, most_states)
    if len(extra) == 0 or len(other_extra) == 0:
        return False
    best = cutoff
    first = -1
    second = -1
    j = len(other_extra) - 1
    for i in range(len(extra)):
        room = slack - extra[i]
        while j >= 0 and other_extra[j] > room:
            j -= 1
        if j < 0:
            break
        total = loss[i] + other_loss[j] + price * (room - other_extra[j])
        if total < best:
            best = total
            first = i
            second = j
    if first >= 0:
        for j in range(c):
            chosen = mask[first] if j % 2 == 0 else other_mask[second]
            moved[j] = (chosen >> (j // 2)) & 1
    return True
