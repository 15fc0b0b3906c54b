"""Exact knapsacks by branch and bound over the items in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit, types

from lagrl.relaxation.programme_kernels import MOST_LISTED, choose_moves, fill_knapsack
from lagrl.signatures import (
    FLOATS,
    INTS,
    OUT_BYTES,
    OUT_FLOATS,
    OUT_INT_MATRIX,
    OUT_INTS,
    OUT_MATRIX,
    PAIR,
    boolean,
    float64,
    int64,
    void,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]
    IntMatrix = NDArray[np.int64]
    Matrix = NDArray[np.float64]

NODE_LIMIT = 1_000_000
"""Nodes of a search at most; the estimate of what the fallback takes is usually far below."""
TABLE_LIMIT = 50_000_000
"""Bytes of a fallback's table."""
STATE_LIMIT = 1_000_000
"""States of a fallback's list, 24 bytes each; up to four are held."""
INT_ROWS = 6
"""Rows of the scratch of integers that `fill_exactly` needs."""
FLOAT_ROWS = 5
"""Rows of its scratch of floats."""

_FEW = 12  # items left to sort when the break item is looked for
_ROUNDING = 1e-14  # of the bound: gains below it are sums' rounding, and not searched for

# nodes after which the programmes take over; of those tried, least time on generated instances (docs/decisions/017)
_ITEM_NODES = 32
_STATE_NODES = 16
_CELLS_PER_NODE = 5


@njit(PAIR(INTS, int64, OUT_INTS, OUT_FLOATS), cache=True)
def _break_item(weight: Ints, capacity: int, item: Ints, efficiency: Floats) -> tuple[int, int]:
    """Partition items at the one that no longer fits when they are packed by efficiency.

    Return its position and the load before it. `item` and `efficiency` are permuted together: none before the
    position is less efficient than those behind it. Median-of-three quickselect over weights (Balas and Zemel 1980),
    O(m) on average; the items must not fit together.
    """
    low = 0
    high = len(item) - 1
    load = 0
    while high - low >= _FEW:
        first, middle, last = efficiency[low], efficiency[(low + high) // 2], efficiency[high]
        pivot = max(min(first, middle), min(max(first, middle), last))
        i = low
        j = high
        while i <= j:
            while efficiency[i] > pivot:
                i += 1
            while efficiency[j] < pivot:
                j -= 1
            if i <= j:
                item[i], item[j] = item[j], item[i]
                efficiency[i], efficiency[j] = efficiency[j], efficiency[i]
                i += 1
                j -= 1
        upper = load
        for k in range(low, j + 1):
            upper += weight[item[k]]
        if upper > capacity:
            high = j
            continue
        for k in range(j + 1, i):  # at most one, equal to the pivot
            if upper + weight[item[k]] > capacity:
                return k, upper
            upper += weight[item[k]]
        load = upper
        low = i
    for i in range(low + 1, high + 1):
        key, index = efficiency[i], item[i]
        j = i - 1
        while j >= low and efficiency[j] < key:
            efficiency[j + 1], item[j + 1] = efficiency[j], item[j]
            j -= 1
        efficiency[j + 1], item[j + 1] = key, index
    while load + weight[item[low]] <= capacity:
        load += weight[item[low]]
        low += 1
    return low, load


@njit(types.Tuple((float64, float64, int64))(FLOATS, INTS, INTS, int64, int64, float64), cache=True)
def _best_single_move(
    profit: Floats, weight: Ints, item: Ints, split: int, slack: int, price: float
) -> tuple[float, float, int]:
    """Return the break solution's profit, the least loss of it and its neighbours, and which: −1 if itself.

    Neighbours add one item behind the break item, or exchange the break item for one before it. O(m).
    """
    packed = 0.0
    least = price * slack
    move = -1
    blocked = item[split]
    excess = weight[blocked] - slack
    for k in range(split):
        j = item[k]
        packed += profit[j]
        if weight[j] >= excess and profit[j] - price * excess < least:
            least = profit[j] - price * excess
            move = k
    for k in range(split + 1, len(item)):
        j = item[k]
        if weight[j] <= slack and price * slack - profit[j] < least:
            least = price * slack - profit[j]
            move = k
    return packed, least, move


@njit(
    PAIR(FLOATS, INTS, INTS, FLOATS, int64, float64, OUT_INTS, OUT_INTS, OUT_FLOATS, OUT_FLOATS),
    cache=True,
)
def _doubtful(
    profit: Floats,
    weight: Ints,
    item: Ints,
    efficiency: Floats,
    split: int,
    cutoff: float,
    core: Ints,
    core_weight: Ints,
    distance: Floats,
    loss: Floats,
) -> tuple[int, int]:
    """Collect the items that lose less than `cutoff` on the other side; return how many, and how many are packed.

    They come by falling efficiency, with the weight, the distance |e_j − μ| and the loss |p_j − μ·w_j|.
    O(m + c²) for c items, c² being that of an insertion sort.
    """
    price = efficiency[split]
    c = 0
    n_packed = 0
    for k in range(len(item)):
        j = item[k]
        sign = 1.0 if k < split else -1.0
        at_stake = sign * (profit[j] - price * weight[j])
        if at_stake < cutoff:
            key = price - efficiency[k]
            i = c - 1
            while i >= 0 and distance[i] > key:
                distance[i + 1], core[i + 1] = distance[i], core[i]
                i -= 1
            distance[i + 1], core[i + 1] = key, j
            c += 1
            n_packed += k < split
    for i in range(c):
        j = core[i]
        core_weight[i] = weight[j]
        loss[i] = abs(profit[j] - price * weight[j])
        distance[i] = abs(distance[i])
    return c, n_packed


@njit(
    types.Tuple((float64, boolean))(
        *(INTS, FLOATS, FLOATS, int64, int64, float64, float64, float64, int64),
        *(OUT_INTS, OUT_INTS, OUT_INTS, OUT_FLOATS, OUT_BYTES),
    ),
    cache=True,
)
def _branch(
    weight: Ints,
    distance: Floats,
    loss: Floats,
    n_packed: int,
    slack: int,
    price: float,
    best: float,
    rounding: float,
    node_limit: int,
    path_item: Ints,
    path_other: Ints,
    path_room: Ints,
    path_loss: Floats,
    moved: Bytes,
) -> tuple[float, bool]:
    """Search depth first for moves that together lose less than `best`; mark them in `moved`, which comes as zeros.

    Where there is room, the next item behind the break is put in; where there is too much, the next one before it is
    taken out: so each filling is reached along one path only. Room left at a node loses at least the distance of the
    next item to come for every unit, and so does an overload (Dantzig's bound over what is still free; Pisinger 1995).

    Return the least loss known, and whether the search came to its end within `node_limit` nodes. A node takes O(1)
    time. The path's arrays [≥ c] are scratch.
    """
    c = len(weight)
    before = n_packed - 1
    behind = n_packed
    room = slack
    lost = 0.0
    depth = 0
    for _ in range(node_limit):
        item = -1
        if room >= 0:
            if lost + price * room < best - rounding:
                best = lost + price * room
                moved[:c] = 0
                for j in range(depth):
                    moved[path_item[j]] = 1
            if behind < c and lost + room * distance[behind] < best - rounding:
                item = behind
        elif before >= 0 and lost - room * distance[before] < best - rounding:
            item = before
        if item >= 0:
            path_item[depth] = item
            path_room[depth] = room
            path_loss[depth] = lost
            lost += loss[item]
            if item >= n_packed:
                path_other[depth] = before
                room -= weight[item]
                behind += 1
            else:
                path_other[depth] = behind
                room += weight[item]
                before -= 1
            depth += 1
        elif depth == 0:
            return best, True
        else:
            depth -= 1
            room = path_room[depth]
            lost = path_loss[depth]
            item = path_item[depth]
            if item >= n_packed:
                behind = item + 1
                before = path_other[depth]
            else:
                before = item - 1
                behind = path_other[depth]
    return best, False


@njit(PAIR(int64, int64, float64, OUT_INTS, OUT_INTS, OUT_FLOATS), cache=True)
def _narrowed(c: int, n_packed: int, cutoff: float, core: Ints, core_weight: Ints, loss: Floats) -> tuple[int, int]:
    """Keep of the core what still loses less than `cutoff`; return how many those are, and how many are packed."""
    left = 0
    left_packed = 0
    for i in range(c):
        if loss[i] < cutoff:
            core[left], core_weight[left], loss[left] = core[i], core_weight[i], loss[i]
            left += 1
            left_packed += i < n_packed
    return left, left_packed


@njit(PAIR(INTS, int64, int64, int64, int64), cache=True)
def _plan(core_weight: Ints, n_packed: int, slack: int, table_limit: int, state_limit: int) -> tuple[int, int]:
    """Return whether the core falls back on lists (1) or the table (0), and how many nodes' time that would take."""
    c = len(core_weight)
    room = slack
    for i in range(n_packed):
        room += core_weight[i]
    cells = c * (room + 1)
    states = min(1 << min((c + 1) // 2, 40), room + 1)
    by_table = _ITEM_NODES * c + cells // _CELLS_PER_NODE
    by_lists = _ITEM_NODES * c + _STATE_NODES * states
    is_shorter = by_lists < by_table and states <= state_limit
    if c <= MOST_LISTED and (is_shorter or cells > table_limit):
        return 1, by_lists
    return 0, by_table


@njit(boolean(FLOATS, INTS, FLOATS, int64, int64, float64, float64, int64, int64, OUT_BYTES), cache=True)
def _fall_back(
    profit: Floats,
    weight: Ints,
    loss: Floats,
    n_packed: int,
    slack: int,
    price: float,
    cutoff: float,
    table_limit: int,
    state_limit: int,
    moved: Bytes,
) -> bool:
    """Find the moves of least loss without a search; mark them in `moved` if they lose less than `cutoff`, else none.

    Return False if neither programme has the memory for it.
    """
    c = len(weight)
    room = slack
    for i in range(n_packed):
        room += weight[i]
    moved[:] = 0
    by_lists, _ = _plan(weight, n_packed, slack, table_limit, state_limit)
    if by_lists:
        move = weight.copy()
        for i in range(n_packed):
            move[i] = -move[i]
        return choose_moves(move, loss, slack, price, cutoff, state_limit, moved)
    if c * (room + 1) > table_limit:
        return False
    picked, highest = np.empty(c, np.uint8), np.empty(c, np.int64)
    before, after, taken = np.empty(room + 1), np.empty(room + 1), np.empty(c * (room + 1), np.uint8)
    fill_knapsack(profit, weight, room, picked, before, after, taken, highest)
    lost = price * room
    for i in range(c):
        if picked[i]:
            lost -= price * weight[i]
        if picked[i] != (i < n_packed):
            lost += loss[i]
    if lost < cutoff:
        for i in range(c):
            moved[i] = picked[i] != (i < n_packed)
    return True


@njit(void(OUT_BYTES, INTS, int64, INTS, OUT_BYTES), cache=True)
def _move(chosen: Bytes, item: Ints, split: int, core: Ints, moved: Bytes) -> None:
    """Replace `chosen` by the break solution with the moves marked, if there are any."""
    if not moved.any():
        return
    for k in range(len(item)):
        chosen[item[k]] = k < split
    for i in range(len(moved)):
        chosen[core[i]] ^= moved[i]


@njit(
    boolean(FLOATS, INTS, int64, OUT_BYTES, OUT_INT_MATRIX, OUT_MATRIX, int64, int64, int64),
    cache=True,
)
def fill_exactly(
    profit: Floats,
    weight: Ints,
    capacity: int,
    chosen: Bytes,
    ints: IntMatrix,
    floats: Matrix,
    node_limit: int,
    table_limit: int,
    state_limit: int,
) -> bool:
    """Mark in `chosen` the items of most profit within capacity; return False if that takes more memory than allowed.

    All items must have profit and weight, fit alone, and weigh more than the capacity together.

    With μ the efficiency of the break item, U = μ·Q + Σ_j max(0, r_j), where r_j = p_j − μ·w_j, is Dantzig's bound. A
    filling loses |r_j| of it for every item on another side than in the break solution, and μ for every unit of
    weight left over. So an item with |r_j| no less than the least loss known keeps its side (Ingargiola and Korsh
    1973). The others, the core (Balas and Zemel 1980), are searched by branch and bound. After `node_limit` nodes, or
    the time that a programme without bounds would take, whichever comes first, that programme has the last word:
    the table of all capacities, or two lists of half the core's fillings where these are shorter.

    Of several best fillings, those equal but for 1e-14 of the bound included, it is the first one met: the break
    solution, its neighbours in the order of the partition, then depth first. The same arguments give the same filling.

    `ints` [INT_ROWS, ≥ m] and `floats` [FLOAT_ROWS, ≥ m] are scratch. A fallback allocates at most `table_limit` bytes
    of table, or lists of `state_limit` states.
    """
    m = len(profit)
    item, core, core_weight = ints[0][:m], ints[1], ints[2]
    efficiency, distance, loss, core_profit = floats[0][:m], floats[1], floats[2], floats[3]
    for j in range(m):
        item[j] = j
        efficiency[j] = profit[j] / weight[j]
    split, load = _break_item(weight, capacity, item, efficiency)
    for k in range(m):
        chosen[item[k]] = k < split
    slack = capacity - load
    if slack == 0:
        return True
    price = efficiency[split]
    packed, best, move = _best_single_move(profit, weight, item, split, slack, price)
    if move >= 0:
        chosen[item[move]] ^= 1
        chosen[item[split]] = move < split
    rounding = _ROUNDING * (packed + price * slack)
    c, n_packed = _doubtful(profit, weight, item, efficiency, split, best - rounding, core, core_weight, distance, loss)
    moved = np.zeros(c, np.uint8)
    limit = min(node_limit, _plan(core_weight[:c], n_packed, slack, table_limit, state_limit)[1])
    best, is_complete = _branch(
        *(core_weight[:c], distance, loss, n_packed, slack, price, best, rounding, limit),
        *(ints[3], ints[4], ints[5], floats[4], moved),
    )
    _move(chosen, item, split, core, moved)
    if is_complete or best <= rounding:
        return True
    c, n_packed = _narrowed(c, n_packed, best - rounding, core, core_weight, loss)
    for i in range(c):
        core_profit[i] = profit[core[i]]
    is_possible = _fall_back(
        *(core_profit[:c], core_weight[:c], loss, n_packed, slack, price, best - rounding),
        *(table_limit, state_limit, moved[:c]),
    )
    _move(chosen, item, split, core, moved[:c])
    return is_possible
