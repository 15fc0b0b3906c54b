"""Exact knapsacks by branch and bound over the undecided items."""

from __future__ import annotations

import numpy as np
from numba import types

from lagrl.relaxation.core_kernels import best_single_move, collect_doubtful, pack_greedily, reduce_profits
from lagrl.relaxation.dp_kernels import MOST_LISTED, choose_moves, fill_knapsack
from lagrl.signatures import (
    FLOATS,
    INTS,
    OUT_BYTES,
    OUT_FLOATS,
    OUT_INT_MATRIX,
    OUT_INTS,
    OUT_MATRIX,
    PAIR,
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

NODE_LIMIT = 1_000_000
"""Most nodes of a search; the estimated time of the fallback is usually far below."""
TABLE_LIMIT = 50_000_000
"""Most bytes of a fallback's table."""
LARGEST_TABLE = 400_000_000
"""Most bytes of the table of a knapsack that the limits above do not decide."""
STATE_LIMIT = 1_000_000
"""Most states of a fallback's list, 24 bytes each; up to four are held."""
INT_ROWS, FLOAT_ROWS = 5, 6
"""Rows of the scratch arrays of `fill_exactly`."""

_ROUNDING = 1e-14  # of the bound: smaller gains are rounding of sums, and not searched for

# all below: least time of the values tried on generated instances (docs/decisions/017)
_MANY = 24  # undecided items above which a smaller core comes first
_CORE = 8  # approximate number of its items
_PATIENCE = 4  # time for the search, in times of the dynamic programme,
_HASTE = 2  # and the divisor of that time if many items are undecided
_ITEM_NODES = 8  # time of the dynamic programme, in nodes of the search: per item,
_STATE_NODES = 16  # per state of a list,
_CELLS_PER_NODE = 20  # and table cells per node
_UNLIMITED = 1 << 50  # more nodes than any search has


@inner_kernel(
    types.Tuple((float64, boolean))(
        *(INTS, FLOATS, FLOATS, int64, int64, float64, float64, float64, int64),
        *(OUT_INTS, OUT_INTS, OUT_INTS, OUT_FLOATS, OUT_BYTES),
    ),
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
    """Search depth first for moves that together lose less than `best`; mark them in `moved`, which must be zero.

    If there is room, the next item behind the break is put in; if there is an overload, the next item before it is
    taken out: so each filling is reached along one path only. Room left at a node loses at least the distance of the
    next item per unit, and so does an overload (Dantzig's bound over the free items; Pisinger 1995).

    Return the least loss known, and whether the search ended within `node_limit` nodes. A node takes O(1) time. The
    path's arrays [≥ c] are scratch.
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


@kernel(PAIR(INTS, int64, int64, int64, int64))
def _plan(core_weight: Ints, n_packed: int, slack: int, table_limit: int, state_limit: int) -> tuple[int, int]:
    """Return whether the core falls back on lists (1) or the table (0), and the nodes that take as much time."""
    c = len(core_weight)
    room = slack
    for i in range(n_packed):
        room += core_weight[i]
    cells = c * (min(room, table_limit) + 1)  # no overflow
    states = min(1 << min((c + 1) // 2, 40), room + 1)
    by_table = _ITEM_NODES * c + cells // _CELLS_PER_NODE
    by_lists = _ITEM_NODES * c + _STATE_NODES * states
    if cells > table_limit:
        by_table = _UNLIMITED
    if c > MOST_LISTED or states > state_limit:
        by_lists = _UNLIMITED
    if by_lists < by_table or (by_table == _UNLIMITED and c <= MOST_LISTED):  # there may be fewer states than estimated
        return 1, by_lists
    return 0, by_table


@inner_kernel(
    types.Tuple((float64, boolean))(
        *(FLOATS, INTS, FLOATS, int64, int64, float64, float64, float64, int64, int64, OUT_BYTES)
    ),
)
def _fall_back(
    profit: Floats,
    weight: Ints,
    loss: Floats,
    n_packed: int,
    slack: int,
    price: float,
    best: float,
    rounding: float,
    table_limit: int,
    state_limit: int,
    moved: Bytes,
) -> tuple[float, bool]:
    """Find the moves of least loss without a search; mark them in `moved` if they lose less than `best`, else none.

    Return the least loss known, and whether the memory was sufficient.
    """
    c = len(weight)
    moved[:] = 0
    room = slack
    for i in range(n_packed):
        room += weight[i]
    by_lists, _ = _plan(weight, n_packed, slack, table_limit, state_limit)
    if by_lists:
        move = weight.copy()
        for i in range(n_packed):
            move[i] = -move[i]
        if not choose_moves(move, loss, slack, price, best - rounding, state_limit, moved):
            return best, False
    else:
        if room >= table_limit or c * (room + 1) > table_limit:
            return best, False
        highest = np.empty(c, np.int64)
        before, after, taken = np.empty(room + 1), np.empty(room + 1), np.empty(c * (room + 1), np.uint8)
        fill_knapsack(profit, weight, room, moved, before, after, taken, highest)
        for i in range(n_packed):
            moved[i] ^= 1
    lost = price * slack
    for i in range(c):
        if moved[i]:
            lost += loss[i] + (price * weight[i] if i < n_packed else -price * weight[i])
    if lost < best:
        return lost, True
    moved[:] = 0
    return best, True


@inner_kernel(void(OUT_BYTES, FLOATS, INTS, OUT_BYTES))
def _move(chosen: Bytes, reduced: Floats, core: Ints, moved: Bytes) -> None:
    """Replace `chosen` by the break solution with the moves marked, if there are any."""
    n_moved = 0
    for i in range(len(moved)):
        n_moved += moved[i]
    if n_moved == 0:
        return
    for j in range(len(reduced)):
        chosen[j] = reduced[j] > 0.0
    for i in range(len(moved)):
        chosen[core[i]] ^= moved[i]


@kernel(boolean(FLOATS, INTS, int64, OUT_BYTES, OUT_INT_MATRIX, OUT_MATRIX, int64, int64, int64))
def fill_exactly(
    profit: Floats,
    weight: Ints,
    capacity: int,
    chosen: Bytes,
    ints: Ints,
    floats: Floats,
    node_limit: int,
    table_limit: int,
    state_limit: int,
) -> bool:
    """Mark in `chosen` the items of most profit within capacity; return False if that takes more memory than allowed.

    All items must have profit and weight, fit alone, and weigh more than the capacity together.

    With μ the efficiency of the break item, U = μ·Q + Σ_j max(0, r_j), where r_j = p_j − μ·w_j, is Dantzig's bound. A
    filling loses |r_j| of it for every item on another side than in the break solution, and μ for every unused unit of
    weight. So an item with |r_j| no less than the least loss known keeps its side (Ingargiola and Korsh 1973). The
    others are searched by branch and bound. After `node_limit` nodes, or a multiple of the time of a dynamic programme
    without bounds, that programme decides: the table of all capacities, or two lists of half the fillings where these
    are shorter. If many items are undecided, those of least |r_j| come first, and if their best filling does not decide
    all others, the remaining ones (Balas and Zemel's core, 1980).

    Of several best fillings (equal up to 1e-14 of the bound) the first one found is returned: the break solution, its
    neighbours by index, then depth first, then the programme's. The same arguments give the same filling.

    `ints` [INT_ROWS, ≥ m] and `floats` [FLOAT_ROWS, ≥ m] are scratch. A fallback allocates at most `table_limit` bytes
    of table, or lists of `state_limit` states.
    """
    m = len(profit)
    core, core_weight = ints[0], ints[1]
    efficiency, reduced = floats[0][:m], floats[1][:m]
    distance, loss, core_profit = floats[2], floats[3], floats[4]
    for j in range(m):
        efficiency[j] = profit[j] / weight[j]
    split, slack = pack_greedily(efficiency, weight, capacity, chosen, core)
    if slack == 0:
        return True
    price = efficiency[split]
    earned, spread = reduce_profits(profit, weight, price, chosen, reduced)
    rounding = _ROUNDING * (earned + price * slack)
    best, move = best_single_move(profit, weight, reduced, split, slack, price)
    if move >= 0:
        chosen[split] = chosen[move]
        chosen[move] ^= 1
    n_doubtful = 0
    for j in range(m):
        n_doubtful += abs(reduced[j]) < best - rounding
    guess = np.inf
    if n_doubtful > _MANY:
        guess = 2.0 * spread / m * _CORE / m  # about _CORE items, were |r| uniform
    moved = np.empty(m, np.uint8)
    while True:
        is_whole = best - rounding <= guess
        cutoff = min(guess, best - rounding)
        c, n_packed = collect_doubtful(reduced, weight, cutoff, core, core_weight, distance, loss)
        _, effort = _plan(core_weight[:c], n_packed, slack, table_limit, state_limit)
        effort = effort // _HASTE if n_doubtful > _MANY else _PATIENCE * effort
        moved[:c] = 0
        best, is_complete = _branch(
            *(core_weight[:c], distance, loss, n_packed, slack, price, best, rounding, min(node_limit, effort)),
            *(ints[2], ints[3], ints[4], floats[5], moved),
        )
        _move(chosen, reduced, core, moved[:c])
        if not is_complete and best > rounding:
            c, n_packed = collect_doubtful(
                reduced, weight, min(guess, best - rounding), core, core_weight, distance, loss
            )
            for i in range(c):
                core_profit[i] = profit[core[i]]
            best, is_complete = _fall_back(
                *(core_profit[:c], core_weight[:c], loss, n_packed, slack, price, best, rounding),
                *(table_limit, state_limit, moved[:c]),
            )
            _move(chosen, reduced, core, moved[:c])
        if is_whole or best - rounding <= guess:
            return is_complete or best <= rounding
        guess = np.inf
