"""Compiled recovery of a batch of ascents: the exact selections of all of them, decoded, repaired and toured."""

from __future__ import annotations

import numpy as np

from lagrl.recovery.repair_kernels import decode, repair
from lagrl.recovery.tour_kernels import tour_clusters
from lagrl.signatures import (
    BYTES,
    FLOATS,
    INTS,
    OUT_FLOATS,
    OUT_INT_MATRIX,
    OUT_INTS,
    OUT_MATRIX,
    Bytes,
    Floats,
    Ints,
    Matrix,
    float64,
    inner_kernel,
    int64,
    kernel,
    void,
)

_STEP = 8  # values that a pairwise sum adds side by side
_BLOCK = 128  # values above which it splits


@inner_kernel(float64(FLOATS))
def _block_sum(values: Floats) -> float:
    n = len(values)
    if n < _STEP:
        rest = -0.0
        for i in range(n):
            rest += values[i]
        return rest
    r0, r1, r2, r3 = values[0], values[1], values[2], values[3]
    r4, r5, r6, r7 = values[4], values[5], values[6], values[7]
    i = _STEP
    while i < n - n % _STEP:
        r0 += values[i]
        r1 += values[i + 1]
        r2 += values[i + 2]
        r3 += values[i + 3]
        r4 += values[i + 4]
        r5 += values[i + 5]
        r6 += values[i + 6]
        r7 += values[i + 7]
        i += _STEP
    total: float = ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7))
    while i < n:
        total += values[i]
        i += 1
    return total


@kernel(float64(FLOATS))
def pairwise_sum(values: Floats) -> float:
    """Sum values [n] in the order in which `numpy.sum` adds a contiguous array, so that both give the same bits."""
    n = len(values)
    if n <= _BLOCK:
        return 0.0 + _block_sum(values)
    # depth first, the left half of every split before the right one; a value holds until its right half is added
    start, length, left = np.empty(64, np.int64), np.empty(64, np.int64), np.empty(64)
    stage = np.zeros(64, np.int64)
    depth = 0
    start[0] = 0
    length[0] = n
    result = 0.0
    while depth >= 0:
        m = length[depth]
        half = m // 2
        half -= half % _STEP
        if m <= _BLOCK:
            result = _block_sum(values[start[depth] : start[depth] + m])
            depth -= 1
        elif stage[depth] == 0:
            stage[depth] = 1
            start[depth + 1] = start[depth]
            length[depth + 1] = half
            stage[depth + 1] = 0
            depth += 1
        elif stage[depth] == 1:
            left[depth] = result
            stage[depth] = 2
            start[depth + 1] = start[depth] + half
            length[depth + 1] = m - half
            stage[depth + 1] = 0
            depth += 1
        else:
            result = left[depth] + result
            depth -= 1
    return 0.0 + result


@inner_kernel(int64(INTS, INTS, INTS, INTS))
def _place_of(cluster: Ints, slots: Ints, seen: Ints, seen_start: Ints) -> int:
    """Return the place in `slots` of a cluster (customers, ascending): its number is there, or −1."""
    mixed = 1469598103934665603  # FNV-1a (Fowler, Noll and Vo), a customer at a time
    for customer in cluster:
        mixed = (mixed ^ customer) * 1099511628211
    mask = len(slots) - 1
    place = (mixed ^ (mixed >> 29)) & mask
    while slots[place] >= 0:
        known = slots[place]
        first = seen_start[known]
        if seen_start[known + 1] - first == len(cluster):
            is_same = True
            for i in range(len(cluster)):
                if seen[first + i] != cluster[i]:
                    is_same = False
                    break
            if is_same:
                break
        place = (place + 1) & mask
    return place


@kernel(
    void(
        *(FLOATS, INTS, INTS, FLOATS, INTS, INTS, INTS, INTS, INTS, BYTES, INTS, INTS),
        *(OUT_INT_MATRIX, INTS, OUT_INT_MATRIX, OUT_INT_MATRIX, OUT_INT_MATRIX, OUT_MATRIX, OUT_INTS),
        *(OUT_INTS, OUT_INTS, OUT_FLOATS, OUT_FLOATS, OUT_INTS),
    )
)
def recover_batch(
    cost: Floats,
    weight: Ints,
    capacity: Ints,
    distance: Floats,
    first_item: Ints,
    first_vehicle: Ints,
    slot: Ints,
    decodes: Ints,
    tours: Ints,
    selection: Bytes,
    fewest: Ints,
    first_arc: Ints,
    slots: Ints,
    n_slots: Ints,
    seen: Ints,
    route: Ints,
    seen_start: Ints,
    seen_cost: Matrix,
    n_seen: Ints,
    cluster: Ints,
    left: Ints,
    assignment_cost: Floats,
    routes_cost: Floats,
    n_routes: Ints,
) -> None:
    """Decode, repair and tour the selections of A ascents, as `repair` and `RoutePool.add_assignment` do for one.

    The instances are concatenated as in `price_batch`; the block [n + 1, n + 1] of `distance` of ascent a starts at
    first_arc[a]. Only ascents with decodes[a] are decoded, those with tours[a] too are toured, unless customers are
    left without a vehicle: left[a] counts them. With fewest[a] > 0 every vehicle must serve a customer.

    Clusters that an ascent has toured before are looked up: row slot[a] of `slots` (open addressing in the first
    n_slots[slot[a]] places, a power of two, −1 where free), `seen` (customers 1 … n, ascending), `route` (their
    visiting order), `seen_start` and `seen_cost` hold the n_seen[slot[a]] ones so far, of which `cluster` gets each
    vehicle's number (−1 without customers). The rows must have room for all of this call.

    `assignment_cost`, `routes_cost` and `n_routes` [A] receive the cost of the assignment, infinite if it is not
    feasible, the length of the routes, infinite if there are none, and their number.
    """
    n_max = 0
    k_max = 0
    for a in range(len(slot)):
        n_max = max(n_max, first_item[a + 1] - first_item[a])
        k_max = max(k_max, first_vehicle[a + 1] - first_vehicle[a])
    all_assignment = np.empty(n_max, np.int64)
    all_room = np.empty(k_max, np.int64)
    member = np.empty(n_max, np.int64)
    start = np.empty(k_max + 1, np.int64)
    new_start = np.empty(k_max + 1, np.int64)
    new_cost = np.empty(k_max)
    charge = np.empty(n_max)

    cell = 0
    for a in range(len(slot)):
        i0 = first_item[a]
        k0 = first_vehicle[a]
        n = first_item[a + 1] - i0
        n_vehicles = first_vehicle[a + 1] - k0
        block = n_vehicles * n
        b = slot[a]
        left[a] = 0
        n_routes[a] = 0
        assignment_cost[a] = np.inf
        routes_cost[a] = np.inf
        for k in range(n_vehicles):
            cluster[k0 + k] = -1
        if not decodes[a]:
            cell += block
            continue
        own_cost = cost[cell : cell + block].reshape((n_vehicles, n))
        own_weight = weight[i0 : i0 + n]
        assignment = all_assignment[:n]
        room = all_room[:n_vehicles]
        decode(
            selection[cell : cell + block].reshape((n_vehicles, n)),
            *(own_cost, own_weight, capacity[k0 : k0 + n_vehicles], assignment, room),
        )
        cell += block
        left[a] = repair(own_cost, own_weight, room, assignment, fewest[a] > 0)
        if left[a]:
            continue
        for i in range(n):
            charge[i] = own_cost[assignment[i], i]
        assignment_cost[a] = pairwise_sum(charge[:n])
        if not tours[a]:
            continue

        for k in range(n_vehicles + 1):
            start[k] = 0
        for i in range(n):
            start[assignment[i] + 1] += 1
        for k in range(n_vehicles):
            start[k + 1] += start[k]
        for i in range(n):
            member[start[assignment[i]]] = i + 1
            start[assignment[i]] += 1
        first = 0  # start[k] is now the end of vehicle k
        known = n_seen[b]
        count = known
        for k in range(n_vehicles):
            size = start[k] - first
            if size:
                place = _place_of(member[first : first + size], slots[b, : n_slots[b]], seen[b], seen_start[b])
                if slots[b, place] < 0:
                    slots[b, place] = count
                    at = seen_start[b, count]
                    for i in range(size):
                        seen[b, at + i] = member[first + i]
                    count += 1
                    seen_start[b, count] = at + size
                cluster[k0 + k] = slots[b, place]
                n_routes[a] += 1
            first = start[k]
        if count > known:
            low = seen_start[b, known]
            high = seen_start[b, count]
            for new in range(count - known + 1):
                new_start[new] = seen_start[b, known + new] - low
            own_distance = distance[first_arc[a] : first_arc[a] + (n + 1) * (n + 1)].reshape((n + 1, n + 1))
            tour_clusters(
                own_distance,
                *(seen[b, low:high], new_start[: count - known + 1], route[b, low:high], new_cost[: count - known]),
            )
            for new in range(count - known):
                seen_cost[b, known + new] = new_cost[new]
            n_seen[b] = count
        total = 0.0
        for k in range(n_vehicles):
            if cluster[k0 + k] >= 0:
                total += seen_cost[b, cluster[k0 + k]]
        routes_cost[a] = total
