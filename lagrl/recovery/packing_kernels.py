"""Compiled packing of vehicles as full as possible, for customers that nothing else makes room for."""

from __future__ import annotations

import numpy as np

from lagrl.relaxation.branch_and_bound_kernels import (
    FLOAT_ROWS,
    INT_ROWS,
    NODE_LIMIT,
    STATE_LIMIT,
    TABLE_LIMIT,
    fill_exactly,
)
from lagrl.signatures import (
    INTS,
    MATRIX,
    OUT_BYTES,
    OUT_INTS,
    Bytes,
    Ints,
    Matrix,
    boolean,
    inner_kernel,
    int64,
    kernel,
    void,
)

# Among subsets of one weight the table prefers early customers, which packs full vehicles more often than the search's
# choice: set this to -1, and test_perfectly_packed_bins_are_found_again fails. Above it, the table takes milliseconds.
_LARGEST_TABLE = 100_000


@kernel(void(INTS, int64, OUT_BYTES))
def choose_by_table(weight: Ints, q: int, chosen: Bytes) -> None:
    """Mark the heaviest subset of at most q units, by a table of the reachable sums; O(m·q)."""
    # reached[c] is 1 + the first item with which sum c became possible; items below it make up the remainder
    reached = np.zeros(q + 1, np.int64)
    reached[0] = -1
    for j in range(len(weight)):
        w = weight[j]
        if w == 0:
            continue
        for c in range(q, w - 1, -1):
            if reached[c] == 0 and reached[c - w] != 0:
                reached[c] = j + 1
    c = q
    while reached[c] == 0:
        c -= 1
    while c > 0:
        j = reached[c] - 1
        chosen[j] = 1
        c -= weight[j]


@kernel(void(INTS, int64, OUT_BYTES))
def choose_by_search(weight: Ints, q: int, chosen: Bytes) -> None:
    """Mark a heaviest subset of at most q units, as a knapsack whose profits are the weights.

    If that needs more memory than allowed, nothing is marked.
    """
    m = 0
    load = 0
    item = np.empty(len(weight), np.int64)
    for j in range(len(weight)):
        if 0 < weight[j] <= q:
            item[m] = j
            m += 1
            load += weight[j]
    size = weight[item[:m]]
    taken = np.ones(m, np.uint8)
    if load > q:
        scratch = np.empty((INT_ROWS, m), np.int64), np.empty((FLOAT_ROWS, m))
        profit = size.astype(np.float64)
        if not fill_exactly(profit, size, q, taken, *scratch, NODE_LIMIT, TABLE_LIMIT, STATE_LIMIT):
            return
    for j in range(m):
        chosen[item[j]] = taken[j]


@inner_kernel(void(INTS, INTS, OUT_INTS, OUT_INTS, int64, int64))
def _fill_up(weight: Ints, capacity: Ints, room: Ints, assignment: Ints, full: int, other: int) -> None:
    """Repack two vehicles: the heaviest subset that fits goes to `full`, the rest to `other`, whose load falls."""
    n = len(assignment)
    q = capacity[full]
    item = np.empty(n, np.int64)
    m = 0
    total = 0
    for i in range(n):
        if assignment[i] == full or assignment[i] == other:
            total += weight[i]
            item[m] = i
            m += 1
    item = item[:m]
    chosen = np.zeros(m, np.uint8)
    if q <= _LARGEST_TABLE:
        choose_by_table(weight[item], q, chosen)
    else:
        choose_by_search(weight[item], q, chosen)
    load = 0
    for j in range(m):
        load += chosen[j] * weight[item[j]]
    if load <= q - room[full]:
        return
    for j in range(m):
        assignment[item[j]] = full if chosen[j] else other
    room[other] = capacity[other] - (total - load)
    room[full] = q - load


@kernel(boolean(MATRIX, INTS, INTS, OUT_INTS, OUT_INTS, int64))
def collect_room(cost: Matrix, weight: Ints, capacity: Ints, room: Ints, assignment: Ints, u: int) -> bool:
    """Move spare room from vehicle to vehicle, cheapest for u last, until one of them can take u.

    Each pass repacks two vehicles so that the first is as full as a subset of both loads allows. Ends after one round
    over the vehicles, K knapsacks of two vehicles' loads. Returns whether u found a place.
    """
    n_vehicles = len(room)
    order = np.empty(n_vehicles, np.int64)  # sorted by insertion: numba's sorting takes seconds to compile
    for k in range(n_vehicles):
        place = k
        while place > 0 and cost[order[place - 1], u] < cost[k, u]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = k
    for position in range(n_vehicles - 1):
        giver = order[position]
        taker = order[position + 1]
        if room[giver] > 0:
            _fill_up(weight, capacity, room, assignment, giver, taker)
        if room[taker] >= weight[u]:
            assignment[u] = taker
            room[taker] -= weight[u]
            return True
    return False
