"""Compiled decoding and repair: selections to assignments."""

from __future__ import annotations

import numpy as np

from lagrl.recovery.packing_kernels import collect_room
from lagrl.relaxation.pricing_kernels import assign_by_regret
from lagrl.signatures import (
    BYTE_MATRIX,
    INTS,
    MATRIX,
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


@kernel(void(BYTE_MATRIX, MATRIX, INTS, INTS, OUT_INTS, OUT_INTS))
def decode(selection: Bytes, cost: Matrix, weight: Ints, capacity: Ints, assignment: Ints, room: Ints) -> None:
    """Turn a selection [K, n] into an assignment [n]: each customer's cheapest selecting vehicle, −1 without one.

    Vehicles that a sampled selection overloads lose customers, those of highest cost per demand unit first.
    `assignment` [n] and `room` [K] (capacity left) are outputs. O(n·K).
    """
    n_vehicles, n = cost.shape
    for k in range(n_vehicles):
        room[k] = capacity[k]
    for i in range(n):
        best = -1
        for k in range(n_vehicles):
            if selection[k, i] and (best < 0 or cost[k, i] < cost[best, i]):
                best = k
        assignment[i] = best
        if best >= 0:
            room[best] -= weight[i]
    for k in range(n_vehicles):
        while room[k] < 0:
            worst = -1
            for i in range(n):
                if assignment[i] != k or weight[i] == 0:
                    continue
                if worst < 0 or cost[k, i] * weight[worst] > cost[k, worst] * weight[i]:
                    worst = i
            assignment[worst] = -1
            room[k] += weight[worst]


@kernel(boolean(MATRIX, INTS, OUT_INTS, OUT_INTS, int64))
def _place_directly(cost: Matrix, weight: Ints, room: Ints, assignment: Ints, u: int) -> bool:
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
def _make_room(cost: Matrix, weight: Ints, room: Ints, assignment: Ints, u: int) -> bool:
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
def _eject_lighter(cost: Matrix, weight: Ints, room: Ints, assignment: Ints, u: int) -> bool:
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


@inner_kernel(void(MATRIX, INTS, OUT_INTS, OUT_INTS))
def _fill_empty(cost: Matrix, weight: Ints, room: Ints, assignment: Ints) -> None:
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


@kernel(int64(MATRIX, INTS, OUT_INTS, OUT_INTS, boolean))
def repair(cost: Matrix, weight: Ints, room: Ints, assignment: Ints, no_empty: bool) -> int:
    """Complete a partial assignment within the capacities; return the number of customers without a vehicle.

    Regret insertion first. A customer that fits nowhere is placed, heaviest first, by the cheapest shift or swap of
    others that makes room; else by collecting the vehicles' spare room in one of them, two vehicles repacked at a time
    (subset sum); else in place of a lighter customer, which is then placed in the same way: the waiting demand falls
    each time, so this ends. With `no_empty`, vehicles left empty then get the customer whose move costs least.
    `assignment` and `room` are changed in place.
    """
    n = len(assignment)
    if assign_by_regret(cost, weight, room, assignment):
        capacity = np.empty(len(room), np.int64)
        for k in range(len(room)):
            capacity[k] = room[k]
        for i in range(n):
            if assignment[i] >= 0:
                capacity[assignment[i]] += weight[i]
        given_up = np.zeros(n, np.bool_)
        while True:
            u = -1
            for i in range(n):
                if assignment[i] < 0 and not given_up[i] and (u < 0 or weight[i] > weight[u]):
                    u = i
            if u < 0:
                break
            if _place_directly(cost, weight, room, assignment, u):
                continue
            if _make_room(cost, weight, room, assignment, u):
                continue
            if collect_room(cost, weight, capacity, room, assignment, u):
                continue
            given_up[u] = not _eject_lighter(cost, weight, room, assignment, u)
    if no_empty:
        _fill_empty(cost, weight, room, assignment)
    left = 0
    for i in range(n):
        left += assignment[i] < 0
    return left
