"""Compiled touring: clusters of customers to routes."""

from __future__ import annotations

import numpy as np

from lagrl.signatures import (
    INTS,
    MATRIX,
    OUT_FLOATS,
    OUT_INTS,
    Floats,
    Ints,
    Matrix,
    boolean,
    float64,
    inner_kernel,
    int64,
    kernel,
    void,
)

_ROUNDING = 1e-12  # of the longest arc; a smaller gain may be none, and accepting it could go round in circles


@inner_kernel(void(MATRIX, int64, OUT_INTS))
def _nearest_neighbour(local: Matrix, m: int, tour: Ints) -> None:
    visited = np.zeros(m + 1, np.bool_)
    tour[0] = 0
    here = 0
    for position in range(1, m + 1):
        best = -1
        for j in range(1, m + 1):
            if not visited[j] and (best < 0 or local[here, j] < local[here, best]):
                best = j
        visited[best] = True
        tour[position] = best
        here = best
    tour[m + 1] = 0


@inner_kernel(boolean(MATRIX, int64, OUT_INTS, float64))
def _two_opt(local: Matrix, m: int, tour: Ints, least: float) -> bool:
    """Reverse segments while that saves more than `least` (Croes 1958); return whether any was reversed."""
    improved = False
    again = True
    while again:
        again = False
        for i in range(m):
            a = tour[i]
            for j in range(i + 2, m + 1):
                b = tour[i + 1]
                c = tour[j]
                d = tour[j + 1]
                if local[a, c] + local[b, d] < local[a, b] + local[c, d] - least:
                    low = i + 1
                    high = j
                    while low < high:
                        tour[low], tour[high] = tour[high], tour[low]
                        low += 1
                        high -= 1
                    again = True
                    improved = True
    return improved


@inner_kernel(boolean(MATRIX, int64, OUT_INTS, float64))
def _or_opt(local: Matrix, m: int, tour: Ints, least: float) -> bool:
    """Move the segment of one to three customers that saves most elsewhere (Or 1976); return whether one was moved.

    A segment whose removal saves nothing is tried too: rounded distances break the triangle inequality, and its
    insertion can save. Savings up to `least` do not count.
    """
    best = least
    best_from = -1
    best_length = 0
    best_to = 0
    best_reversed = False
    for length in range(1, min(3, m - 1) + 1):
        for i in range(1, m - length + 2):
            head = tour[i]
            tail = tour[i + length - 1]
            before = tour[i - 1]
            behind = tour[i + length]
            saving = local[before, head] + local[tail, behind] - local[before, behind]
            for j in range(m + 1):
                if i - 1 <= j < i + length:
                    continue
                left = tour[j]
                right = tour[j + 1]
                joint = local[left, right]
                forward = saving - local[left, head] - local[tail, right] + joint
                backward = saving - local[left, tail] - local[head, right] + joint
                if forward > best:
                    best, best_from, best_length, best_to, best_reversed = forward, i, length, j, False
                if backward > best:
                    best, best_from, best_length, best_to, best_reversed = backward, i, length, j, True
    if best_from < 0:
        return False
    segment = tour[best_from : best_from + best_length].copy()
    if best_reversed:
        segment = segment[::-1].copy()
    if best_to >= best_from + best_length:
        for position in range(best_from, best_to - best_length + 1):
            tour[position] = tour[position + best_length]
        place = best_to - best_length + 1
    else:
        for position in range(best_from - 1, best_to, -1):
            tour[position + best_length] = tour[position]
        place = best_to + 1
    for offset in range(best_length):
        tour[place + offset] = segment[offset]
    return True


@kernel(void(MATRIX, INTS, INTS, OUT_INTS, OUT_FLOATS))
def tour_clusters(distance: Matrix, customer: Ints, start: Ints, route: Ints, cost: Floats) -> None:
    """Tour each cluster from the depot: nearest neighbour, then 2-opt and Or-opt to a local optimum.

    Cluster c holds nodes customer[start[c]] … customer[start[c + 1] − 1]; its visiting order is written to the same
    places of `route` and its length to cost[c]. Deterministic: ties go to the lower position. Works on the cluster's
    own [m + 1, m + 1] distances, so that they stay in cache; a pass is O(m²). They are made symmetric to the last bit:
    otherwise reversals could save in both directions without end.
    """
    n_clusters = len(cost)
    largest = 0
    for c in range(n_clusters):
        largest = max(largest, start[c + 1] - start[c])
    local = np.empty((largest + 1, largest + 1))
    tour = np.empty(largest + 2, np.int64)
    for c in range(n_clusters):
        m = start[c + 1] - start[c]
        longest = 0.0
        for i in range(m + 1):
            a = 0 if i == 0 else customer[start[c] + i - 1]
            local[i, i] = 0.0
            for j in range(i):
                b = 0 if j == 0 else customer[start[c] + j - 1]
                local[i, j] = distance[a, b]
                local[j, i] = distance[a, b]
                longest = max(longest, distance[a, b])
        _nearest_neighbour(local, m, tour)
        least = _ROUNDING * longest
        while _two_opt(local, m, tour, least) or _or_opt(local, m, tour, least):
            pass
        total = 0.0
        for position in range(m + 1):
            total += local[tour[position], tour[position + 1]]
        cost[c] = total
        for position in range(m):
            route[start[c] + position] = customer[start[c] + tour[position + 1] - 1]
