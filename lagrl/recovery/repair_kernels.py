"""Compiled decoding and repair: selections to assignments."""

from __future__ import annotations

import numpy as np

from lagrl.recovery.packing_kernels import collect_room
from lagrl.recovery.placement_kernels import eject_lighter, fill_empty, make_room, place_directly
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
            if place_directly(cost, weight, room, assignment, u):
                continue
            if make_room(cost, weight, room, assignment, u):
                continue
            if collect_room(cost, weight, capacity, room, assignment, u):
                continue
            given_up[u] = not eject_lighter(cost, weight, room, assignment, u)
    if no_empty:
        fill_empty(cost, weight, room, assignment)
    left = 0
    for i in range(n):
        left += assignment[i] < 0
    return left
