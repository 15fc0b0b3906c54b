"""Compiled placements in segments: each device of an hour runs consecutive layers, and memory is met exactly.

An hour with the fewest transfers that memory makes necessary has this shape, so that it is bounded without a relaxation
of memory; an hour of another shape pays one transfer more.
"""

from __future__ import annotations

import numpy as np

from lagrl.signatures import (
    CUBE,
    FLOATS,
    MATRIX,
    OUT_CUBE,
    OUT_FLOATS,
    OUT_INT_MATRIX,
    OUT_INTS,
    OUT_MATRIX,
    Cube,
    Floats,
    Ints,
    Matrix,
    boolean,
    float64,
    int64,
    kernel,
)


@kernel(float64(OUT_MATRIX, OUT_FLOATS, FLOATS, FLOATS, int64, OUT_INTS))
def best_segments(
    cost: Matrix, transfer: Floats, layer_gb: Floats, device_gb: Floats, most: int, labels: Ints
) -> float:
    """Return the least cost of an hour in which at most `most` devices each run one segment that fits, or infinity.

    Dynamic programming over sets of devices and the number of layers that they run; where a set's last segment may
    start is a sliding window. `cost` is [N, H], `transfer` [N − 1], `labels` [N] receives the placement.
    O(2^H·H·N).
    """
    layers, devices = cost.shape
    before = np.zeros((devices, layers + 1))  # cost of the first layers on a device
    filled = np.zeros(layers + 1)
    for i in range(layers):
        filled[i + 1] = filled[i] + layer_gb[i]
        for d in range(devices):
            before[d, i + 1] = before[d, i] + cost[i, d]
    least = np.full((1 << devices, layers + 1), np.inf)
    least[0, 0] = 0.0
    start = np.zeros((1 << devices, layers + 1), np.int32)
    last = np.zeros((1 << devices, layers + 1), np.int32)
    queue, worth = np.empty(layers + 1, np.int64), np.empty(layers + 1)
    best, best_set = np.inf, -1
    for chosen in range(1, 1 << devices):
        size = 0
        for d in range(devices):
            size += (chosen >> d) & 1
        if size > most:
            continue
        for d in range(devices):
            if not (chosen >> d) & 1:
                continue
            rest = chosen ^ (1 << d)
            head, tail = 0, 0
            for j in range(1, layers + 1):
                i = j - 1
                entry = least[rest, i] - before[d, i] + (transfer[i - 1] if i > 0 else 0.0)
                while tail > head and worth[tail - 1] >= entry:
                    tail -= 1
                queue[tail], worth[tail] = i, entry
                tail += 1
                while head < tail and filled[j] - filled[queue[head]] > device_gb[d]:
                    head += 1
                if head < tail and worth[head] + before[d, j] < least[chosen, j]:
                    least[chosen, j] = worth[head] + before[d, j]
                    start[chosen, j], last[chosen, j] = queue[head], d
        if least[chosen, layers] < best:
            best, best_set = least[chosen, layers], chosen
    if best_set >= 0:
        end = layers
        while end > 0:
            first, d = start[best_set, end], last[best_set, end]
            labels[first:end] = d
            best_set ^= 1 << d
            end = first
    return best


@kernel(float64(OUT_MATRIX, OUT_FLOATS, int64))
def least_chain(cost: Matrix, transfer: Floats, transfers: int) -> float:
    """Return a lower bound on the cost of an hour with at least some transfers, memory left out.

    A transfer may lead to the same device. `cost` is [N, H], `transfer` [N − 1]. O(N·H·transfers).
    """
    layers, devices = cost.shape
    least = np.full((transfers + 1, devices), np.inf)
    least[0] = cost[0]
    for i in range(1, layers):
        cheapest = np.empty(transfers + 1)
        for c in range(transfers + 1):
            cheapest[c] = least[c].min() + transfer[i - 1]
        for c in range(transfers, -1, -1):
            step = cheapest[c - 1] if c > 0 else np.inf
            if c == transfers:
                step = min(step, cheapest[c])
            for d in range(devices):
                least[c, d] = min(least[c, d], step) + cost[i, d]
    return float(least[transfers].min())


@kernel(float64(CUBE, OUT_CUBE, MATRIX, MATRIX, OUT_MATRIX, FLOATS, FLOATS, int64))
def bound_in_segments(
    running: Cube,
    moved: Cube,
    across: Matrix,
    along: Matrix,
    per_gb: Matrix,
    layer_gb: Floats,
    device_gb: Floats,
    hops: int,
) -> float:
    """Return a lower bound on the cost of placements that keep memory within its limits.

    With x an hour's placement, μ = `per_gb` [T, H] and m = `moved` [T, N, H], the part of the costs that the layers'
    chains have::

        Σ_layers min Σ_t (m + switching)  +  Σ_hours min_x (running + μ·used − m + transfers − μ·room)

    as long as the hour's part uses μ·(used − room) ≤ 0 only. So hours in `hops` + 1 segments that fit are bounded
    without it, exactly, and all others, which have more transfers, with it and without their memory. `running`
    [T, N, H] is without μ. O(T·2^H·H·N).
    """
    hours, layers, devices = running.shape
    bound = 0.0
    old, new = np.empty(devices), np.empty(devices)
    for i in range(layers):
        old[:] = moved[0, i]
        for t in range(1, hours):
            step = old.min() + along[t - 1, i]
            for d in range(devices):
                new[d] = min(old[d], step) + moved[t, i, d]
            old[:] = new
        bound += old.min()
    cost, transfer = np.empty((layers, devices)), np.empty(max(layers - 1, 0))
    labels = np.empty(layers, np.int64)
    for t in range(hours):
        transfer[:] = across[t]
        room = 0.0
        for d in range(devices):
            if per_gb[t, d] > 0.0:
                room += per_gb[t, d] * device_gb[d]
            for i in range(layers):
                cost[i, d] = running[t, i, d] - moved[t, i, d]
        segments = best_segments(cost, transfer, layer_gb, device_gb, hops + 1, labels)
        for d in range(devices):
            for i in range(layers):
                cost[i, d] += per_gb[t, d] * layer_gb[i]
        bound += min(segments, least_chain(cost, transfer, hops + 1) - room)
    return bound


@kernel(boolean(CUBE, MATRIX, MATRIX, FLOATS, FLOATS, MATRIX, float64, float64, OUT_INT_MATRIX, int64, int64))
def improve_windows(
    unary: Cube,
    across: Matrix,
    along: Matrix,
    layer_gb: Floats,
    device_gb: Floats,
    layer_ms: Matrix,
    hop_ms: float,
    limit_ms: float,
    labels: Ints,
    length: int,
    most: int,
) -> bool:
    """Place each window of `length` hours anew, the same for all its hours and in segments; return whether one changed.

    Each is optimal while the other hours stay, and accepted if it meets the limit of time and costs less, or the hours
    violated a limit before. `most` is the largest number of devices. O(T·(length·N·H + 2^H·H·N)).
    """
    hours, layers, devices = unary.shape
    has_changed = False
    cost, transfer = np.empty((layers, devices)), np.empty(max(layers - 1, 0))
    found, used = np.zeros(layers, np.int64), np.empty(devices)
    for first in range(hours - length + 1):
        end = first + length
        cost[:] = 0.0
        transfer[:] = 0.0
        now = 0.0
        for t in range(first, end):
            used[:] = 0.0
            time = 0.0
            for i in range(layers):
                used[labels[t, i]] += layer_gb[i]
                time += layer_ms[i, labels[t, i]]
                if i > 0 and labels[t, i] != labels[t, i - 1]:
                    time += hop_ms
                now += unary[t, i, labels[t, i]]
                for d in range(devices):
                    cost[i, d] += unary[t, i, d]
                if i > 0:
                    transfer[i - 1] += across[t, i - 1]
                    if labels[t, i] != labels[t, i - 1]:
                        now += across[t, i - 1]
            if time > limit_ms or (used > device_gb).any():
                now = np.inf
        for t in range(max(first - 1, 0), min(end, hours - 1)):  # moves from hour t to the next
            for i in range(layers):
                if labels[t, i] != labels[t + 1, i]:
                    now += along[t, i]
                for d in range(devices):
                    if t < first and labels[t, i] != d:
                        cost[i, d] += along[t, i]
                    if t == end - 1 and labels[end, i] != d:
                        cost[i, d] += along[t, i]
        least = best_segments(cost, transfer, layer_gb, device_gb, most, found)
        if not least < (now if np.isinf(now) else now - 1e-9 * abs(now)):
            continue
        taken = 0.0
        for i in range(layers):
            taken += layer_ms[i, found[i]] + (hop_ms if i > 0 and found[i] != found[i - 1] else 0.0)
        if taken <= limit_ms:
            labels[first:end] = found
            has_changed = True
    return has_changed
