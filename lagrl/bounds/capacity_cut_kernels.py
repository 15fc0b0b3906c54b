"""Compiled search for sets of customers with a violated capacity cut."""

from __future__ import annotations

import numpy as np

from lagrl.signatures import (
    INTS,
    MATRIX,
    OUT_BYTE_MATRIX,
    OUT_BYTES,
    OUT_FLOATS,
    Bytes,
    Floats,
    Ints,
    float64,
    int64,
    kernel,
    void,
)


@kernel(void(MATRIX, INTS, int64, INTS, float64, float64, OUT_BYTE_MATRIX, OUT_FLOATS))
def grow_sets(
    edge: Floats, demand: Ints, capacity: int, seeds: Ints, pull: float, noise: float, member: Bytes, violation: Floats
) -> None:
    """Grow a set from each seed customer, one customer at a time; keep the most violated set on the way.

    `edge` [n + 1, n + 1] are edge weights, the depot last. The next customer has the largest sum of: the weight of its
    edges into the set, `pull` times its demand over Q, `noise` times a number in [0, 1) that depends on the seed.
    Row s of `member` becomes the best set grown from seeds[s], violation[s] = 2⌈d(S)/Q⌉ − x(δ(S)). O(n²) per seed.
    """
    n = len(demand)
    inward = np.empty(n)
    degree = np.empty(n)
    chosen = np.empty(n, dtype=np.int64)
    for i in range(n):
        degree[i] = 0.0
        for j in range(n + 1):
            degree[i] += edge[i, j]
    for seed in range(len(seeds)):
        violation[seed] = -1e9
        best_size = 0
        boundary = 0.0
        total = 0
        for j in range(n):
            inward[j] = 0.0
        taken = seeds[seed]
        state = (taken * 2654435761 + 12345) & 0x7FFFFFFF
        for size in range(n):
            chosen[size] = taken
            boundary += degree[taken] - 2.0 * inward[taken]
            total += demand[taken]
            inward[taken] = -1e9
            routes = -(-total // capacity)
            excess = 2.0 * routes - boundary
            if excess > violation[seed]:
                violation[seed] = excess
                best_size = size + 1
            taken = -1
            merit = -1e8
            for j in range(n):
                if inward[j] < -1e8:
                    continue
                inward[j] += edge[chosen[size], j]
                value = inward[j] + pull * demand[j] / capacity
                if noise > 0.0:
                    state = (state * 1103515245 + 12345) & 0x7FFFFFFF
                    value += noise * state / 2147483648.0
                if value > merit:
                    merit = value
                    taken = j
            if taken < 0 or merit <= 0.0:
                break
        for j in range(n):
            member[seed, j] = 0
        for place in range(best_size):
            member[seed, chosen[place]] = 1


@kernel(float64(MATRIX, INTS, int64, int64, OUT_BYTES))
def improve_set(edge: Floats, demand: Ints, capacity: int, steps: int, member: Bytes) -> float:
    """Move customers into or out of a set, or swap two, while the violation rises; return the violation.

    Each step makes the best single move, or the best swap where no move helps. O(n²) time per step; the set's edge
    weights to every customer are updated in O(n).
    """
    n = len(demand)
    inward = np.zeros(n)
    degree = np.zeros(n)
    total = 0
    boundary = 0.0
    for i in range(n):
        for j in range(n):
            if member[j]:
                inward[i] += edge[i, j]
        for j in range(n + 1):
            degree[i] += edge[i, j]
    size = 0
    for i in range(n):
        if member[i]:
            total += demand[i]
            boundary += degree[i] - inward[i]
            size += 1
    violation = 2.0 * (-(-total // capacity)) - boundary
    for _ in range(steps):
        best = violation + 1e-7
        enters = -1
        leaves = -1
        for i in range(n):
            sign = -1 if member[i] else 1
            if sign < 0 and size == 1:
                continue
            load = total + sign * demand[i]
            value = 2.0 * (-(-load // capacity)) - boundary - sign * (degree[i] - 2.0 * inward[i])
            if value > best:
                best = value
                enters = i if sign > 0 else -1
                leaves = -1 if sign > 0 else i
        if enters < 0 and leaves < 0:
            for i in range(n):
                if member[i]:
                    continue
                for j in range(n):
                    if not member[j]:
                        continue
                    load = total + demand[i] - demand[j]
                    change = degree[i] - 2.0 * inward[i] - degree[j] + 2.0 * inward[j] + 2.0 * edge[i, j]
                    value = 2.0 * (-(-load // capacity)) - boundary - change
                    if value > best:
                        best = value
                        enters = i
                        leaves = j
        if enters < 0 and leaves < 0:
            break
        if enters >= 0:
            boundary += degree[enters] - 2.0 * inward[enters]
            total += demand[enters]
            member[enters] = 1
            size += 1
            for j in range(n):
                inward[j] += edge[enters, j]
        if leaves >= 0:
            boundary -= degree[leaves] - 2.0 * inward[leaves]
            total -= demand[leaves]
            member[leaves] = 0
            size -= 1
            for j in range(n):
                inward[j] -= edge[leaves, j]
        violation = best
    return violation
