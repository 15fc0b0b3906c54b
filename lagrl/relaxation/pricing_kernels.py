"""Compiled pricing: every knapsack of every instance of a batch in one call."""

from __future__ import annotations

import numpy as np

from lagrl.relaxation.branch_and_bound_kernels import (
    FLOAT_ROWS,
    INT_ROWS,
    LARGEST_TABLE,
    NODE_LIMIT,
    STATE_LIMIT,
    TABLE_LIMIT,
    fill_exactly,
)
from lagrl.signatures import (
    FLOATS,
    INTS,
    MATRIX,
    OUT_BYTES,
    OUT_FLOATS,
    OUT_INTS,
    PAIR,
    Bytes,
    Floats,
    Ints,
    inner_kernel,
    int64,
    kernel,
)


@inner_kernel(int64(int64, int64))
def _gcd(first: int, second: int) -> int:
    while second:
        first, second = second, first % second
    return first


@kernel(int64(FLOATS, FLOATS, INTS, INTS, INTS, INTS, OUT_BYTES, OUT_FLOATS, OUT_INTS))
def price_batch(
    cost: Floats,
    multipliers: Floats,
    weight: Ints,
    capacity: Ints,
    first_item: Ints,
    first_vehicle: Ints,
    selection: Bytes,
    value: Floats,
    n_hard: Ints,
) -> int:
    """Solve min Σ_i (a_ki − λ_i) y_i, Σ_i d_i y_i ≤ Q_k, y binary, for all vehicles of all instances.

    Instances are concatenated: instance b owns items first_item[b] … first_item[b + 1] of `weight` and `multipliers`,
    vehicles first_vehicle[b] … of `capacity`, and its [K, n] block of `cost` and `selection` follows those of the
    instances before it.

    Presolve: customers with a_ki − λ_i ≥ 0 or d_i > Q_k stay out, those without weight go in; if all others fit, they
    go in; weights are divided by their greatest common divisor. The rest is solved by `fill_exactly`, a second time
    with `LARGEST_TABLE` if its memory does not suffice. `n_hard[k]` counts its customers (0: presolve solved it).
    Reads each cost once: K·n·8 bytes.

    Return −1, or the first vehicle whose knapsack takes more memory than allowed; no later one is priced.
    """
    n_max = 0
    for b in range(len(first_item) - 1):
        n_max = max(n_max, first_item[b + 1] - first_item[b])
    ints = np.empty((INT_ROWS, n_max), np.int64)
    floats = np.empty((FLOAT_ROWS, n_max))
    profit = np.empty(n_max)
    size = np.empty(n_max, np.int64)
    item = np.empty(n_max, np.int64)
    chosen = np.empty(n_max, np.uint8)

    block = 0
    for b in range(len(first_item) - 1):
        start = first_item[b]
        n = first_item[b + 1] - start
        for k in range(first_vehicle[b], first_vehicle[b + 1]):
            q = capacity[k]
            total = 0.0
            m = 0
            load = 0
            divisor = 0
            for i in range(n):
                selection[block + i] = 0
                reduced = cost[block + i] - multipliers[start + i]
                if reduced < 0.0:
                    d = weight[start + i]
                    if d == 0:
                        selection[block + i] = 1
                        total += reduced
                    elif d <= q:
                        item[m] = i
                        profit[m] = -reduced
                        size[m] = d
                        load += d
                        if divisor != 1:
                            divisor = _gcd(d, divisor)
                        m += 1
            if load <= q:
                n_hard[k] = 0
                for j in range(m):
                    selection[block + item[j]] = 1
                    total -= profit[j]
            else:
                n_hard[k] = m
                if divisor > 1:
                    q //= divisor
                    for j in range(m):
                        size[j] //= divisor
                table = TABLE_LIMIT
                while not fill_exactly(
                    *(profit[:m], size[:m], q, chosen, ints, floats), *(NODE_LIMIT, table, STATE_LIMIT)
                ):
                    if table == LARGEST_TABLE:
                        return k
                    table = LARGEST_TABLE
                for j in range(m):
                    if chosen[j]:
                        selection[block + item[j]] = 1
                        total -= profit[j]
            value[k] = total
            block += n
    return -1


@inner_kernel(PAIR(MATRIX, int64, int64, INTS))
def _two_cheapest(cost: Floats, i: int, weight: int, room: Ints) -> tuple[int, int]:
    first = -1
    second = -1
    for k in range(len(room)):
        if room[k] >= weight:
            if first < 0 or cost[k, i] < cost[first, i]:
                second = first
                first = k
            elif second < 0 or cost[k, i] < cost[second, i]:
                second = k
    return first, second


@kernel(int64(MATRIX, INTS, OUT_INTS, OUT_INTS))
def assign_by_regret(cost: Floats, weight: Ints, room: Ints, assignment: Ints) -> int:
    """Give every customer marked −1 in `assignment` a vehicle with room, largest regret first; return how many remain.

    Regret is the second cheapest minus the cheapest cost among the vehicles that still have room (Martello and Toth
    1990, §7.4); a customer with one vehicle left goes before all others, heavier ones first among equals. `assignment`
    [n] and `room` [K] are changed in place. Choices are recomputed only where a vehicle filled up: O(n² + n·K) in the
    usual case.
    """
    _n_vehicles, n = cost.shape
    first = np.empty(n, np.int64)
    second = np.empty(n, np.int64)
    waiting = np.empty(n, np.int64)
    n_waiting = 0
    for i in range(n):
        if assignment[i] < 0:
            waiting[n_waiting] = i
            n_waiting += 1
            first[i], second[i] = _two_cheapest(cost, i, weight[i], room)
    while n_waiting:
        pick = -1
        pick_regret = -1.0
        for position in range(n_waiting):
            i = waiting[position]
            if first[i] < 0:
                continue
            regret = np.inf if second[i] < 0 else cost[second[i], i] - cost[first[i], i]
            if regret > pick_regret or (regret == pick_regret and weight[i] > weight[waiting[pick]]):
                pick = position
                pick_regret = regret
        if pick < 0:
            break
        i = waiting[pick]
        k = first[i]
        assignment[i] = k
        room[k] -= weight[i]
        n_waiting -= 1
        waiting[pick] = waiting[n_waiting]
        for position in range(n_waiting):
            j = waiting[position]
            if (first[j] == k or second[j] == k) and weight[j] > room[k]:
                first[j], second[j] = _two_cheapest(cost, j, weight[j], room)
    return n_waiting
