"""Compiled steps of the repair: a place for a customer without a vehicle, and customers for an empty vehicle."""

from __future__ import annotations

import numpy as np

from lagrl.signatures import INTS, MATRIX, OUT_INTS, Ints, Matrix, boolean, int64, kernel, void


@kernel(boolean(MATRIX, INTS, OUT_INTS, OUT_INTS, int64))
def place_directly(cost: Matrix, weight: Ints, room: Ints, assignment: Ints, u: int) -> bool:
    best = -1
    for k in range(len(room)):
        if room[k] >= weight[u] and (best < 0 or cost[k, u] < cost[best, u]):
            best = k
    if best < 0:
        return False
    assignment[u] = best
    room[best] -= weight[u]
    return True


@kernel(boolean(MATRIX, INTS, OUT_INTS, OUT_INTS, int64))
def make_room(cost: Matrix, weight: Ints, room: Ints, assignment: Ints, u: int) -> bool:
    """Place u by the cheapest single shift (of j) or swap (of j for a lighter one) that makes room. O(n·(n + K))."""
    n = len(assignment)
    best = np.inf
    best_j = -1
    best_other = -1
    best_to = -1
    for j in range(n):
        k = assignment[j]
        if k < 0 or room[k] + weight[j] < weight[u]:
            continue
        base = cost[k, u] - cost[k, j]
        for to in range(len(room)):
            if to != k and room[to] >= weight[j] and base + cost[to, j] < best:
                best = base + cost[to, j]
                best_j = j
                best_other = -1
                best_to = to
        for other in range(n):
            to = assignment[other]
            if to < 0 or to == k or weight[other] >= weight[j]:
                continue
            if room[k] + weight[j] - weight[other] < weight[u] or room[to] + weight[other] < weight[j]:
                continue
            change = base + cost[to, j] + cost[k, other] - cost[to, other]
            if change < best:
                best = change
                best_j = j
                best_other = other
                best_to = to
    if best_j < 0:
        return False
    k = assignment[best_j]
    assignment[best_j] = best_to
    room[best_to] -= weight[best_j]
    room[k] += weight[best_j] - weight[u]
    assignment[u] = k
    if best_other >= 0:
        assignment[best_other] = k
        room[best_to] += weight[best_other]
        room[k] -= weight[best_other]
    return True


@kernel(boolean(MATRIX, INTS, OUT_INTS, OUT_INTS, int64))
def eject_lighter(cost: Matrix, weight: Ints, room: Ints, assignment: Ints, u: int) -> bool:
    best = -1
    for j in range(len(assignment)):
        k = assignment[j]
        if k < 0 or weight[j] >= weight[u] or room[k] + weight[j] < weight[u]:
            continue
        if best < 0 or weight[j] < weight[best]:
            best = j
        elif weight[j] == weight[best]:
            held = assignment[best]
            if cost[k, u] - cost[k, j] < cost[held, u] - cost[held, best]:
                best = j
    if best < 0:
        return False
    k = assignment[best]
    assignment[best] = -1
    assignment[u] = k
    room[k] += weight[best] - weight[u]
    return True


@kernel(void(MATRIX, INTS, OUT_INTS, OUT_INTS))
def fill_empty(cost: Matrix, weight: Ints, room: Ints, assignment: Ints) -> None:
    n_vehicles, n = cost.shape
    members = np.zeros(n_vehicles, np.int64)
    for i in range(n):
        if assignment[i] >= 0:
            members[assignment[i]] += 1
    for k in range(n_vehicles):
        if members[k]:
            continue
        best = -1
        for i in range(n):
            home = assignment[i]
            if home < 0 or members[home] < 2 or weight[i] > room[k]:
                continue
            if best < 0 or cost[k, i] - cost[home, i] < cost[k, best] - cost[assignment[best], best]:
                best = i
        if best >= 0:
            home = assignment[best]
            members[home] -= 1
            members[k] += 1
            room[home] += weight[best]
            room[k] -= weight[best]
            assignment[best] = k
