"""Compiled pricing: every knapsack of every instance of a batch in one call.

Importing this module compiles the kernels or loads them from numba's cache, so import it before a clock starts
(`lagrl.kernels.compile_kernels` does). The signatures are explicit: no later call can compile again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from lagrl.signatures import FLOATS, INTS, MATRIX, OUT_BYTES, OUT_FLOATS, OUT_INTS, PAIR, float64, int64, void

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]


_CORE = 8
_HALVINGS = 12
_ROUNDING = 1e-9  # far above the rounding of sums, so that it never settles an item


@njit(int64(int64, int64), cache=True)
def _gcd(first: int, second: int) -> int:
    while second:
        first, second = second, first % second
    return first


@njit(void(FLOATS, float64, FLOATS, OUT_FLOATS, OUT_BYTES), cache=True)
def _either(lighter: Floats, profit: float, without: Floats, best: Floats, taken: Bytes) -> None:
    """Set best = max(without, lighter + profit) and mark where the latter won; indices from 0 let it vectorise."""
    for c in range(len(without)):
        with_item = lighter[c] + profit
        better = with_item > without[c]
        taken[c] = better
        best[c] = with_item if better else without[c]


@njit(float64(FLOATS, INTS, int64, OUT_BYTES, OUT_FLOATS, OUT_FLOATS, OUT_BYTES, OUT_INTS), cache=True)
def fill_knapsack(
    profit: Floats,
    weight: Ints,
    capacity: int,
    chosen: Bytes,
    before: Floats,
    after: Floats,
    taken: Bytes,
    highest: Ints,
) -> float:
    """Maximise profit within capacity by dynamic programming; return the best profit and mark `chosen`.

    The items together must weigh more than the capacity (else there is nothing to decide).
    Row i only covers capacities that can still matter: no more than the weight seen so far (above it everything
    fits), no less than the capacity minus the weight still to come. Two rows are kept apart, so that the inner
    loop has no dependency and vectorises. Time O(m·Q), memory m·(Q + 1) bytes of decisions.

    `before`, `after` [≥ Q + 1], `taken` [≥ m·(Q + 1)] and `highest` [≥ m] are scratch.
    """
    m = len(profit)
    width = capacity + 1
    to_come = 0
    for i in range(m):
        to_come += weight[i]
    seen = 0
    before[0] = 0.0
    for i in range(m):
        w = weight[i]
        p = profit[i]
        to_come -= w
        last = min(seen, capacity)
        top = min(seen + w, capacity)
        bottom = max(0, capacity - to_come)
        for c in range(last + 1, top + 1):
            before[c] = before[last]
        row = i * width
        middle = min(max(bottom, w), top + 1)  # an item may be heavier than the capacity
        for c in range(bottom, middle):
            after[c] = before[c]
            taken[row + c] = 0
        if w <= top:
            lighter = before[middle - w : top + 1 - w]
            _either(lighter, p, before[middle : top + 1], after[middle:], taken[row + middle :])
        highest[i] = top
        seen += w
        before, after = after, before
    best = before[highest[m - 1]]
    c = capacity
    for i in range(m - 1, -1, -1):
        c = min(c, highest[i])
        if taken[i * width + c]:
            chosen[i] = 1
            c -= weight[i]
        else:
            chosen[i] = 0
    return best


@njit(void(FLOATS, INTS, int64, OUT_BYTES, OUT_FLOATS, OUT_FLOATS), cache=True)
def fill_by_core(profit: Floats, weight: Ints, capacity: int, chosen: Bytes, before: Floats, after: Floats) -> None:
    """Mark in `chosen` the items of most profit within capacity, trying only those whose place is in doubt.

    At any price μ of weight, U = μ·Q + Σ_j max(0, r_j) with r_j = p_j − μ·w_j bounds every profit, and one that puts
    item j on the other side than the sign of r_j is at most U − |r_j|. Once a filling of profit L is known, items
    with |r_j| > U − L keep their side (Ingargiola and Korsh 1973). So: find a μ at which the items of r_j > 0 just
    fit; fill by dynamic programming over a core of small |r_j| for L; if that does not settle all others, once more
    over those that it leaves (Balas and Zemel's core, 1980). Exact; the core only decides how long it takes.

    Time O(m + c·Q) for c items in doubt. All items must fit alone, and weigh more than the capacity together.
    """
    m = len(profit)
    price = 0.0
    for j in range(m):
        price = max(price, 2.0 * profit[j] / weight[j])
    low = 0.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + price)
        load = 0
        for j in range(m):
            if profit[j] > middle * weight[j]:
                load += weight[j]
        if load > capacity:
            low = middle
        else:
            price = middle
    reduced = np.empty(m)
    bound = price * capacity
    spread = 0.0
    for j in range(m):
        reduced[j] = profit[j] - price * weight[j]
        bound += max(reduced[j], 0.0)
        spread += abs(reduced[j])
    doubt = 2.0 * spread / m * _CORE / m  # about _CORE items, were |r| uniform
    if m < 2 * _CORE:
        doubt = np.inf
    item = np.empty(m, np.int64)
    core_profit = np.empty(m)
    core_weight = np.empty(m, np.int64)
    highest = np.empty(m, np.int64)
    picked = np.empty(m, np.uint8)
    while True:
        c = 0
        load = 0
        room = capacity
        found = 0.0
        for j in range(m):
            chosen[j] = reduced[j] > 0.0
            if abs(reduced[j]) <= doubt:
                item[c] = j
                core_profit[c] = profit[j]
                core_weight[c] = weight[j]
                load += weight[j]
                c += 1
            elif chosen[j]:
                room -= weight[j]
                found += profit[j]
        if load <= room:
            picked[:c] = 1
            for j in range(c):
                found += core_profit[j]
        else:
            taken = np.empty(c * (room + 1), np.uint8)
            found += fill_knapsack(core_profit[:c], core_weight[:c], room, picked, before, after, taken, highest)
        for j in range(c):
            chosen[item[j]] = picked[j]
        gap = bound - found + _ROUNDING * bound
        if not gap > doubt:
            return
        doubt = gap


@njit(
    void(FLOATS, FLOATS, INTS, INTS, INTS, INTS, OUT_BYTES, OUT_FLOATS, OUT_INTS),
    cache=True,
)
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
) -> None:
    """Solve min Σ_i (a_ki − λ_i) y_i, Σ_i d_i y_i ≤ Q_k, y binary, for all vehicles of all instances.

    Instances are ragged and concatenated: instance b owns items first_item[b] … first_item[b + 1] of `weight` and
    `multipliers`, vehicles first_vehicle[b] … of `capacity`, and its [K, n] block of `cost` and `selection` follows
    those of the instances before it.

    Presolve: customers with a_ki − λ_i ≥ 0 or d_i > Q_k stay out, those without weight go in; if the rest fits, it
    all goes in; weights are divided by their greatest common divisor. What remains goes to `fill_by_core`.
    `n_hard[k]` counts the customers that reached it (0: presolve settled the vehicle).
    Reads each cost once: K·n·8 bytes.
    """
    n_max = 0
    q_max = 0
    for b in range(len(first_item) - 1):
        n_max = max(n_max, first_item[b + 1] - first_item[b])
        everything = 0
        for i in range(first_item[b], first_item[b + 1]):
            everything += weight[i]
        for k in range(first_vehicle[b], first_vehicle[b + 1]):
            if capacity[k] < everything:  # else all fits, and needs no row however large the capacity
                q_max = max(q_max, capacity[k])
    before = np.empty(q_max + 1)
    after = np.empty(q_max + 1)
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
                        divisor = _gcd(d, divisor)
                        m += 1
            if load <= q:
                n_hard[k] = 0
                for j in range(m):
                    selection[block + item[j]] = 1
                    total -= profit[j]
            else:
                n_hard[k] = m
                q //= divisor
                for j in range(m):
                    size[j] //= divisor
                fill_by_core(profit[:m], size[:m], q, chosen, before, after)
                for j in range(m):
                    if chosen[j]:
                        selection[block + item[j]] = 1
                        total -= profit[j]
            value[k] = total
            block += n


@njit(PAIR(MATRIX, int64, int64, INTS), cache=True)
def _two_cheapest(cost: NDArray[np.float64], i: int, weight: int, room: Ints) -> tuple[int, int]:
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


@njit(int64(MATRIX, INTS, OUT_INTS, OUT_INTS), cache=True)
def assign_by_regret(cost: NDArray[np.float64], weight: Ints, room: Ints, assignment: Ints) -> int:
    """Give every customer marked −1 in `assignment` a vehicle with room, dearest regret first; return how many stay.

    Regret is the second cheapest minus the cheapest cost among the vehicles that still have room (Martello and
    Toth 1990, §7.4); a customer with one vehicle left goes before all others, heavier ones first among equals.
    `assignment` [n] and `room` [K] are changed in place. Choices are recomputed only where a vehicle filled up:
    O(n² + n·K) in the usual case.
    """
    _n_vehicles, n = cost.shape
    first = np.full(n, -1)
    second = np.full(n, -1)
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
