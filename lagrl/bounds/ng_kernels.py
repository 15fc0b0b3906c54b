"""Compiled pricing of ng-routes (Baldacci, Mingozzi and Roberti 2011), in whole numbers.

A path starts at the depot. Its memory at customer j is the set of customers near j that it has visited and, since then,
always remembered; it may visit any customer that is not in its memory. Node n is the depot; loads are positive, so
that a path's load only grows. A label is a path as cost, memory, last customer, and the label it extends. All costs are
below 2^60.
"""

from __future__ import annotations

from lagrl.bounds.path_kernels import FAR
from lagrl.signatures import INT_MATRIX, INTS, OUT_INT_MATRIX, OUT_INTS, Ints, inner_kernel, int64, kernel, void


@kernel(void(INT_MATRIX, INTS, INT_MATRIX, OUT_INTS, OUT_INT_MATRIX))
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


@inner_kernel(int64(int64, INTS, INTS))
def _still_remembered(memory: int, near: Ints, bit: Ints) -> int:
    """Return the customers of a memory that are near the next customer, in that customer's bits."""
    kept = 0
    b = 0
    while memory:
        if memory & 1:
            kept |= bit[near[b]]
        memory >>= 1
        b += 1
    return kept


@inner_kernel(int64(int64, int64, OUT_INT_MATRIX, OUT_INTS, OUT_INT_MATRIX, int64, int64, int64, int64))
def _accept(
    customer: int, used: int, candidate: Ints, cheapest: Ints, label: Ints, q: int, count: int, full: int, exact: int
) -> int:
    """Make labels of the undominated candidates, and clear the candidates; return the number of labels.

    A subset is a smaller number than its supersets, so that ascending order finds all dominance among candidates.
    """
    keys = candidate[:used, 3]
    if used > 1:
        keys.sort()
    for place in range(used):
        key = keys[place]
        path = candidate[key, 0]
        candidate[key, 0] = FAR
        if cheapest[key] <= path:
            continue
        label[count, 0] = path
        label[count, 1] = candidate[key, 1]
        label[count, 2] = customer
        label[count, 3] = candidate[key, 2]
        label[count, 4] = q
        count += 1
        superset = key
        while superset <= full:
            cheapest[superset] = min(cheapest[superset], path)
            superset = (superset + 1) | key
            if not exact:
                break
    return count


@kernel(
    int64(
        *(INT_MATRIX, INTS, int64, INT_MATRIX, INT_MATRIX, INT_MATRIX, INT_MATRIX, INT_MATRIX, INT_MATRIX),
        *(OUT_INT_MATRIX, OUT_INTS, OUT_INT_MATRIX, OUT_INT_MATRIX, OUT_INTS, int64, int64),
    ),
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
    """Make labels in the order of their loads until `work` steps are done; return 0 if finished, 1 if not, 2 if full.

    A path is extended while it carries at most half the room. It is dropped if it cannot become a route of negative
    cost (by the paths of `extend_paths_by_load`), or if a path to the same customer is as cheap with no more load
    and no more memory. If not `exact`, that comparison ignores memory: few paths survive, all of them ng-paths.

    `label` [capacity, 5] holds cost, memory, customer, parent (−1: the depot) and load. `begin[q]` is the first label
    of load q. `cheapest` [n, 2^Δ] is the cheapest label with no more than a memory, so that dominance takes one look
    and a new label writes to all supersets of its memory. `candidate` [2^Δ, 4] is scratch, `FAR` in its first column:
    cost, memory and parent by memory, and the list of memories in use. `state` holds the next load, the next customer
    and the number of labels. Time O(labels·n).
    """
    n = len(load)
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
            rest = room - p  # largest load of the way back from j, j included
            if p == 0:
                if arc[j, n] + best[rest, j] < 0:
                    candidate[0, 0] = arc[j, n]
                    candidate[0, 1] = 0
                    candidate[0, 2] = -1
                    candidate[0, 3] = 0
                    used = 1
            else:
                done += begin[p + 1] - begin[p]
                for parent in range(begin[p], begin[p + 1]):
                    i = label[parent, 2]
                    if i == j or label[parent, 1] & bit_of[j, i]:
                        continue
                    path = label[parent, 0] + arc[j, i]
                    if path + best[rest, j] >= 0:
                        continue
                    if before[rest, j] == i and bit[j, i] and path + other[rest, j] >= 0:
                        continue
                    memory = bit[j, i] | _still_remembered(label[parent, 1], near[i], bit[j])
                    key = memory if exact else 0
                    if min(cheapest[j, key], candidate[key, 0]) <= path:
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
            count = _accept(j, used, candidate, cheapest[j], label, q, count, cheapest.shape[1] - 1, exact)
            j += 1
        j = 0
        q += 1
        if q <= top:
            begin[q] = count
        if done > work:
            break
    state[0], state[1], state[2] = q, j, count
    return 1 if q <= top else 0


@kernel(int64(INT_MATRIX, INTS, INTS, INTS, int64, int64, OUT_INTS, OUT_INT_MATRIX))
def join_paths(
    label: Ints, order: Ints, start: Ints, load: Ints, room: int, customer: int, lowest: Ints, pair: Ints
) -> int:
    """Join two paths that meet at a customer into the cheapest route there, if its cost is negative.

    Two paths fit if together they carry no more than the room and have no customer in both memories except the meeting
    one: then one path and the other's reverse are an ng-route. `order[start[j] : start[j + 1]]` are the labels at j,
    cheapest first, so that the first partner that fits is the best. lowest[j] becomes the least cost of all routes that
    meet at j, 0 if none is negative, row j of `pair` [n, 2] its labels. Returns the number of pairs examined: m² for m
    labels at worst, but only pairs that would be an improvement.
    """
    j = customer
    first = start[j]
    looks = 0
    low = 0
    for a in range(first, start[j + 1]):
        path = label[order[a], 0]
        if path + label[order[first], 0] >= low:
            break
        space = room + load[j] - label[order[a], 4]
        memory = label[order[a], 1]
        for b in range(first, a + 1):
            looks += 1
            cost = path + label[order[b], 0]
            if cost >= low:
                break
            if label[order[b], 4] <= space and label[order[b], 1] & memory == 0:
                low = cost
                pair[j, 0] = order[a]
                pair[j, 1] = order[b]
                break
    lowest[j] = low
    return looks


@kernel(int64(INT_MATRIX, int64, int64, OUT_INTS))
def trace_route(label: Ints, forth: int, back: int, route: Ints) -> int:
    """Write the customers of two joined paths, from the depot to the depot; return their number."""
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
