"""Compiled pricing of ng-routes (Baldacci, Mingozzi and Roberti 2011), in whole numbers.

A path starts at the depot. Its memory at customer j is the set of customers near j that it has visited and, since then,
always remembered; it may go to whoever is not in its memory. Node n is the depot; loads are positive, so that a path's
load only grows. A label is a path as cost, memory, last customer, and the label it extends. All costs are below 2^60.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from lagrl.signatures import INT_MATRIX, INTS, OUT_INT_MATRIX, OUT_INTS, int64, void

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FAR = 1 << 60


@njit(void(INT_MATRIX, INTS, INT_MATRIX, OUT_INTS, OUT_INT_MATRIX), cache=True)
def price_arcs(cost: Ints, price: Ints, member: Ints, cut_price: Ints, arc: Ints) -> None:
    """Fill arc = cost − half of the two ends' prices − the prices of the cuts whose set it enters or leaves.

    `price` is [n + 1], the depot's last; `member` is [C, n] in {0, 1}; `cut_price` is per crossing. All in half
    units: the halves of the prices of whole units are whole. O(n²·C) for the cuts that have a price.
    """
    nodes = len(price)
    for i in range(nodes):
        for j in range(nodes):
            arc[i, j] = cost[i, j] - price[i] - price[j]
    for c in range(len(cut_price)):
        toll = 2 * cut_price[c]
        if toll == 0:
            continue
        for i in range(nodes - 1):
            if member[c, i] == 0:
                continue
            arc[i, nodes - 1] -= toll
            arc[nodes - 1, i] -= toll
            for j in range(nodes - 1):
                if member[c, j] == 0:
                    arc[i, j] -= toll
                    arc[j, i] -= toll


@njit(void(INT_MATRIX, INTS, INT_MATRIX, OUT_INT_MATRIX, OUT_INT_MATRIX, OUT_INT_MATRIX, int64, int64), cache=True)
def bound_paths(arc: Ints, load: Ints, bit: Ints, best: Ints, before: Ints, other: Ints, begin: int, end: int) -> None:
    """Fill rows begin … end − 1 of the cheapest paths to each customer that carry at most q, by q.

    Paths remember one customer back: i, j, i is out if i is near j. Hence at least as much is allowed as to ng-routes.
    best[q, j] is the cheapest cost, before[q, j] the customer before j on it (n for the depot), other[q, j] the
    cheapest with another one there. O(n²) a row; best rows are read in full, one per customer.
    """
    n = len(load)
    for q in range(begin, end):
        for j in range(n):
            first = FAR
            second = FAR
            previous = n
            p = q - load[j]
            if p >= 0:
                first = arc[j, n]
                for i in range(n):
                    if i == j:
                        continue
                    path = best[p, i]
                    if before[p, i] == j and bit[i, j]:
                        path = other[p, i]
                    path += arc[j, i]
                    if path < first:
                        second = first
                        first = path
                        previous = i
                    elif path < second:
                        second = path
            best[q, j] = first
            before[q, j] = previous
            other[q, j] = second


@njit(
    int64(
        *(INT_MATRIX, INTS, int64, INT_MATRIX, INT_MATRIX, INT_MATRIX, INT_MATRIX, INT_MATRIX, INT_MATRIX),
        *(OUT_INT_MATRIX, OUT_INTS, OUT_INT_MATRIX, OUT_INT_MATRIX, OUT_INTS, int64, int64),
    ),
    cache=True,
)
def extend_paths(
    arc: Ints,
    load: Ints,
    room: int,
    near: Ints,
    bit: Ints,
    bit_of: Ints,
    best: Ints,
    before: Ints,
    other: Ints,
    label: Ints,
    begin: Ints,
    cheapest: Ints,
    candidate: Ints,
    state: Ints,
    exact: int,
    work: int,
) -> int:
    """Make labels in the order of their loads until the work is done; return 0 when finished, 1 to go on, 2 if full.

    A path is extended while it carries at most half the room. It is dropped if it cannot become a route of negative
    cost (`bound_paths`), or if a path to the same customer is as cheap with no more load and no more memory. If not
    `exact`, memory is left out of that comparison: few paths survive, all of them are ng-paths still.

    `label` [capacity, 5] holds cost, memory, customer, parent (−1: the depot) and load. `begin[q]` is the first label
    of load q. `cheapest` [n, 2^Δ] is the cheapest label with no more than a memory, so that dominance takes one look
    and a new label writes to all supersets of its memory. `candidate` [2^Δ, 4] is scratch, `FAR` in its first column:
    cost, memory and parent by memory, and the list of memories in use. `state` holds the next load, the next customer and the number of labels.
    Time O(labels·n); a label row is 40 bytes.
    """
    n = len(load)
    full = cheapest.shape[1] - 1
    half = room // 2
    most = 0
    for j in range(n):
        most = max(most, load[j])
    top = min(room, half + most)
    q, j, count = state[0], state[1], state[2]
    done = 0
    while q <= top:
        if j == 0:
            begin[q] = count
        while j < n:
            p = q - load[j]
            if p < 0 or p > half:
                j += 1
                continue
            used = 0
            rest = room - p  # what the way back from j may carry, j included
            if p == 0:
                path = arc[j, n]
                if path + best[rest, j] < 0 and path < cheapest[j, 0]:
                    candidate[0, 0] = path
                    candidate[0, 1] = 0
                    candidate[0, 2] = -1
                    used = 1
                    candidate[0, 3] = 0
            else:
                done += begin[p + 1] - begin[p]
                for parent in range(begin[p], begin[p + 1]):
                    i = label[parent, 2]
                    if i == j or label[parent, 1] & bit_of[j, i]:
                        continue
                    path = label[parent, 0] + arc[j, i]
                    way_back = best[rest, j]
                    if path + way_back >= 0:
                        continue
                    if before[rest, j] == i and bit[j, i] and path + other[rest, j] >= 0:
                        continue
                    memory = bit[j, i]
                    past = label[parent, 1]
                    b = 0
                    while past:
                        if past & 1:
                            memory |= bit[j, near[i, b]]
                        past >>= 1
                        b += 1
                    key = memory if exact else 0
                    if cheapest[j, key] <= path:
                        continue
                    if candidate[key, 0] <= path:
                        continue
                    if candidate[key, 0] == FAR:
                        candidate[used, 3] = key
                        used += 1
                    candidate[key, 0] = path
                    candidate[key, 1] = memory
                    candidate[key, 2] = parent
            if count + used > len(label):
                for place in range(used):
                    candidate[candidate[place, 3], 0] = FAR
                state[0], state[1], state[2] = q, j, count
                return 2
            keys = candidate[:used, 3]
            if used > 1:
                keys.sort()  # a subset is a smaller number than its supersets, hence comes first
            for place in range(used):
                key = keys[place]
                path = candidate[key, 0]
                candidate[key, 0] = FAR
                if cheapest[j, key] <= path:
                    continue
                label[count, 0] = path
                label[count, 1] = candidate[key, 1]
                label[count, 2] = j
                label[count, 3] = candidate[key, 2]
                label[count, 4] = q
                count += 1
                if not exact:
                    cheapest[j, 0] = path
                    continue
                superset = key
                while superset <= full:
                    cheapest[j, superset] = min(cheapest[j, superset], path)
                    superset = (superset + 1) | key
            j += 1
        j = 0
        q += 1
        if q <= top:
            begin[q] = count
        if done > work:
            break
    state[0], state[1], state[2] = q, j, count
    return 1 if q <= top else 0


@njit(int64(INT_MATRIX, INTS, INTS, INTS, int64, int64, OUT_INTS, OUT_INT_MATRIX, OUT_INTS), cache=True)
def join_paths(
    label: Ints,
    order: Ints,
    start: Ints,
    load: Ints,
    room: int,
    customer: int,
    lowest: Ints,
    pair: Ints,
    count: Ints,
) -> int:
    """Join pairs of paths that meet at a customer into routes of negative cost.

    Two paths fit if together they carry no more than the room and remember nobody in common but the customer: that is
    what makes a route of one path and the other's reverse an ng-route. `order[start[j] : start[j + 1]]` are the labels
    at j, cheapest first, so that the first partner that fits is the best. lowest[j] becomes the least cost of all
    routes that meet at j, 0 if none is negative; rows j·C … of `pair` [n·C, 3] the cheapest ones as cost and the two
    labels, count[j] how many. Returns the looks taken: O(m²) for m labels at worst.
    """
    most = len(pair) // len(load)
    j = customer
    looks = 0
    found = 0
    low = 0
    first = start[j]
    base = j * most
    for a in range(first, start[j + 1]):
        path = label[order[a], 0]
        bar = 0 if found < most else pair[base + found - 1, 0]
        if path + label[order[first], 0] >= bar:
            break
        space = room + load[j] - label[order[a], 4]
        memory = label[order[a], 1]
        for b in range(first, a + 1):
            looks += 1
            cost = path + label[order[b], 0]
            if cost >= bar:
                break
            if label[order[b], 4] > space or label[order[b], 1] & memory:
                continue
            low = min(low, cost)
            if found < most:
                found += 1
            place = base + found - 1
            while place > base and pair[place - 1, 0] > cost:
                pair[place, 0] = pair[place - 1, 0]
                pair[place, 1] = pair[place - 1, 1]
                pair[place, 2] = pair[place - 1, 2]
                place -= 1
            pair[place, 0] = cost
            pair[place, 1] = order[a]
            pair[place, 2] = order[b]
            break
    lowest[j] = low
    count[j] = found
    return looks


@njit(int64(INT_MATRIX, int64, int64, OUT_INTS), cache=True)
def trace_route(label: Ints, forth: int, back: int, route: Ints) -> int:
    """Write the customers of two joined paths, from the depot to the depot; return how many."""
    length = 0
    at = forth
    while at >= 0:
        length += 1
        at = label[at, 3]
    at = forth
    for place in range(length - 1, -1, -1):
        route[place] = label[at, 2]
        at = label[at, 3]
    at = label[back, 3]
    while at >= 0:
        route[length] = label[at, 2]
        length += 1
        at = label[at, 3]
    return length
