"""Compiled shifts and swaps of an assignment within its capacities."""

from __future__ import annotations

import numpy as np

from lagrl.signatures import INTS, MATRIX, OUT_BYTES, OUT_INTS, Bytes, Ints, Matrix, float64, kernel, void


@kernel(void(MATRIX, INTS, OUT_INTS, OUT_INTS, OUT_BYTES, float64))
def exchange(cost: Matrix, weight: Ints, room: Ints, model: Ints, waiting: Bytes, tolerance: float) -> None:
    """Shift and swap the customers marked in `waiting` [n] until none of them gains more than `tolerance`.

    Each takes its best shift or swap with any other customer; those that move are marked again. `model` [n], `room` [K]
    and `waiting` are changed in place. O(n + K) for each customer examined.
    """
    n_vehicles, n = cost.shape
    stack = np.empty(n, np.int64)
    count = 0
    for i in range(n):
        if waiting[i]:
            stack[count] = i
            count += 1
    while count:
        count -= 1
        i = stack[count]
        waiting[i] = 0
        a = model[i]
        best = tolerance
        to = -1
        partner = -1
        for k in range(n_vehicles):
            gain = cost[a, i] - cost[k, i]
            if k != a and weight[i] <= room[k] and gain > best:
                best = gain
                to = k
        for j in range(n):
            b = model[j]
            if b == a:
                continue
            gain = cost[a, i] - cost[b, i] + cost[b, j] - cost[a, j]
            added = weight[j] - weight[i]
            if gain > best and added <= room[a] and -added <= room[b]:
                best = gain
                to = b
                partner = j
        if to < 0:
            continue
        moved = weight[i] if partner < 0 else weight[i] - weight[partner]
        room[a] += moved
        room[to] -= moved
        model[i] = to
        if partner >= 0:
            model[partner] = a
            if not waiting[partner]:
                waiting[partner] = 1
                stack[count] = partner
                count += 1
        waiting[i] = 1
        stack[count] = i
        count += 1
