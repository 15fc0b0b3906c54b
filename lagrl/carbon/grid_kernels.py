"""Compiled message passing and descent on the grid of hours and layers, with Potts costs.

A node is a layer in an hour, its label a device. Neighbours are the next layer in the same hour, at cost `across`
[T, N − 1] if the labels differ, and the same layer in the next hour, at cost `along` [T − 1, N].
"""

from __future__ import annotations

import numpy as np
from numba import types

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
    inner_kernel,
    int64,
    kernel,
    void,
)


@inner_kernel(void(OUT_FLOATS, float64, int64, boolean, OUT_FLOATS))
def _send(belief: Floats, cost: float, width: int, is_forward: bool, message: Floats) -> None:
    """Write the message of a chain's node to the next one: least costs up to there, by its states.

    A change of label costs, and raises the count by 1 up to its largest. It may lead to the same label: the bound stays
    valid.
    """
    devices = len(belief) // width
    for c in range(width):
        least = np.inf
        for k in range(devices):
            if is_forward and c > 0:
                least = min(least, belief[k * width + c - 1])
            if is_forward and c == width - 1:
                least = min(least, belief[k * width + c])
            if not is_forward:
                least = min(least, belief[k * width + min(c + 1, width - 1)])
        for k in range(devices):
            message[k * width + c] = min(belief[k * width + c], least + cost)


@inner_kernel(void(OUT_FLOATS, float64, OUT_FLOATS, OUT_INTS))
def _extend(before: Floats, cost: float, after: Floats, origin: Ints) -> None:
    """Add to each label's cost that of the best label before it, and note that label."""
    best = 0
    for k in range(1, len(before)):
        if before[k] < before[best]:
            best = k
    for k in range(len(before)):
        is_same = before[k] <= before[best] + cost
        origin[k] = k if is_same else best
        after[k] += before[k] if is_same else before[best] + cost


@inner_kernel(float64(MATRIX, MATRIX, OUT_INT_MATRIX, OUT_INT_MATRIX, int64, int64, int64, int64, int64, boolean))
def _decided(
    across: Matrix,
    along: Matrix,
    labels: Ints,
    counts: Ints,
    t: int,
    i: int,
    k: int,
    c: int,
    hops: int,
    is_forward: bool,
) -> float:
    """Return the costs of label k and count c towards the neighbours that a sweep has labelled already."""
    hours, layers = labels.shape
    cost = 0.0
    if is_forward and i > 0 and (labels[t, i - 1] != k or counts[t, i - 1] != c):
        cost += across[t, i - 1] if c == min(counts[t, i - 1] + 1, hops) else np.inf
    if is_forward and t > 0 and labels[t - 1, i] != k:
        cost += along[t - 1, i]
    if not is_forward and i < layers - 1 and (labels[t, i + 1] != k or counts[t, i + 1] != c):
        cost += across[t, i] if counts[t, i + 1] == min(c + 1, hops) else np.inf
    if not is_forward and t < hours - 1 and labels[t + 1, i] != k:
        cost += along[t, i]
    return cost


@inner_kernel(float64(MATRIX, OUT_INT_MATRIX, int64, int64, int64))
def _to_layers(across: Matrix, labels: Ints, t: int, i: int, k: int) -> float:
    """Return the cost of label k towards the neighbouring layers."""
    cost = 0.0
    if i > 0 and labels[t, i - 1] != k:
        cost += across[t, i - 1]
    if i < labels.shape[1] - 1 and labels[t, i + 1] != k:
        cost += across[t, i]
    return cost


@inner_kernel(float64(MATRIX, OUT_INT_MATRIX, int64, int64, int64))
def _to_hours(along: Matrix, labels: Ints, t: int, i: int, k: int) -> float:
    """Return the cost of label k towards the neighbouring hours."""
    cost = 0.0
    if t > 0 and labels[t - 1, i] != k:
        cost += along[t - 1, i]
    if t < labels.shape[0] - 1 and labels[t + 1, i] != k:
        cost += along[t, i]
    return cost


@inner_kernel(float64(CUBE, MATRIX, MATRIX, OUT_INT_MATRIX, int64, int64))
def _local(unary: Cube, across: Matrix, along: Matrix, labels: Ints, t: int, i: int) -> float:
    """Return the cost of a node's label with those towards its neighbours."""
    k = labels[t, i]
    cost: float = unary[t, i, k] + _to_layers(across, labels, t, i, k) + _to_hours(along, labels, t, i, k)
    return cost


@inner_kernel(float64(MATRIX, float64, OUT_INT_MATRIX, int64, int64, int64))
def _time_change(layer_ms: Matrix, hop_ms: float, labels: Ints, t: int, i: int, k: int) -> float:
    """Return how much longer an hour's token takes if a layer moves to device k, ms."""
    now = labels[t, i]
    hops = 0
    if i > 0:
        hops += (labels[t, i - 1] != k) - (labels[t, i - 1] != now)
    if i < labels.shape[1] - 1:
        hops += (labels[t, i + 1] != k) - (labels[t, i + 1] != now)
    change: float = layer_ms[i, k] - layer_ms[i, now] + hop_ms * hops
    return change


@inner_kernel(float64(OUT_FLOATS, FLOATS, float64, float64))
def _excess(used: Floats, device_gb: Floats, taken: float, limit_ms: float) -> float:
    """Return how far an hour exceeds its limits, GB and ms added up."""
    excess = max(taken - limit_ms, 0.0)
    for k in range(len(used)):
        excess += max(used[k] - device_gb[k], 0.0)
    return excess


@inner_kernel(types.Tuple((OUT_MATRIX, OUT_FLOATS))(FLOATS, MATRIX, float64, OUT_INT_MATRIX, int64))
def _loads(layer_gb: Floats, layer_ms: Matrix, hop_ms: float, labels: Ints, devices: int) -> tuple[Matrix, Floats]:
    """Return the memory used [T, H], GB, and the time per token [T], ms."""
    hours, layers = labels.shape
    used, taken = np.zeros((hours, devices)), np.zeros(hours)
    for t in range(hours):
        for i in range(layers):
            used[t, labels[t, i]] += layer_gb[i]
            taken[t] += layer_ms[i, labels[t, i]]
            if i > 0 and labels[t, i] != labels[t, i - 1]:
                taken[t] += hop_ms
    return used, taken


@kernel(
    float64(
        *(CUBE, MATRIX, MATRIX, int64, OUT_CUBE, OUT_CUBE, OUT_CUBE, OUT_INT_MATRIX, OUT_INT_MATRIX, boolean, boolean),
    )
)
def sweep(
    unary: Cube,
    across: Matrix,
    along: Matrix,
    hops: int,
    moved: Cube,
    in_hour: Cube,
    over_hours: Cube,
    labels: Ints,
    counts: Ints,
    is_forward: bool,
    exchanges: bool,
) -> float:
    """Pass all messages once, forwards or backwards, and return a lower bound on the least cost.

    The grid is split into a chain for each hour, which pays at least `hops` transfers, and a chain for each layer.
    `moved` [T, N, H] is the part of the unary costs that the layers' chains have; with `exchanges` each node divides
    its min-marginals equally between its two chains, so that the bound never falls (sequential tree-reweighted message
    passing, Kolmogorov 2006), as long as the messages of the last sweep, in the other direction, belong to these costs.

    A state of an hour's chain is a label k and the number of transfers before it, c = 0 … hops (at least as many for
    the last), at k·(hops + 1) + c. `in_hour` [2, T·N, H·(hops + 1)] and `over_hours` [2, T·N, H] are the messages that
    each node received from before (0) and after (1). `labels` and `counts` [T, N] are rounded on the way.
    O(T·N·H·hops).
    """
    hours, layers, devices = unary.shape
    width = hops + 1
    bound = 0.0
    chain, other = np.empty(devices * width), np.empty(devices)
    past, ahead = (0, 1) if is_forward else (1, 0)
    penalty = np.zeros(hours)  # more than the transfers that are due: the bound holds whatever it is
    for t in range(hours):
        for i in range(layers - 1):
            penalty[t] = max(penalty[t], 2.0 * width * across[t, i])
    for step in range(hours * layers):
        node = step if is_forward else hours * layers - 1 - step
        t, i = node // layers, node % layers
        best = np.inf
        for k in range(devices):
            for c in range(width):
                due = penalty[t] if (i == 0 and c > 0) or (i == layers - 1 and c < hops) else 0.0
                state = k * width + c
                chain[state] = unary[t, i, k] - moved[t, i, k] + due + in_hour[past, node, state]
                cost = unary[t, i, k] + due + in_hour[ahead, node, state] + over_hours[ahead, node, k]
                cost += _decided(across, along, labels, counts, t, i, k, c, hops, is_forward)
                if cost < best:
                    best = cost
                    labels[t, i], counts[t, i] = k, c
            other[k] = moved[t, i, k] + over_hours[past, node, k]
        if exchanges and hours > 1 and layers > 1:
            for k in range(devices):
                of_chain = np.inf
                for state in range(k * width, (k + 1) * width):
                    of_chain = min(of_chain, chain[state] + in_hour[ahead, node, state])
                more = 0.5 * (of_chain - other[k] - over_hours[ahead, node, k])  # for the layer's chain
                moved[t, i, k] += more
                other[k] += more
                for state in range(k * width, (k + 1) * width):
                    chain[state] -= more
        if i == (layers - 1 if is_forward else 0):
            bound += chain.min()
        else:
            following = node + 1 if is_forward else node - 1
            cost = across[t, i] if is_forward else across[t, i - 1]
            _send(chain, cost, width, is_forward, in_hour[past, following])
        if t == (hours - 1 if is_forward else 0):
            bound += other.min()
        else:
            following = node + layers if is_forward else node - layers
            cost = along[t, i] if is_forward else along[t - 1, i]
            _send(other, cost, 1, is_forward, over_hours[past, following])
    return bound


@kernel(boolean(CUBE, MATRIX, MATRIX, OUT_INT_MATRIX))
def improve_hours(unary: Cube, across: Matrix, along: Matrix, labels: Ints) -> bool:
    """Relabel each hour optimally (Viterbi 1967) while the other hours stay; return whether a label changed.

    O(T·N·H).
    """
    hours, layers, devices = unary.shape
    cost, origin = np.empty((layers, devices)), np.empty((layers, devices), np.int64)
    has_changed = False
    for t in range(hours):
        for i in range(layers):
            for k in range(devices):
                cost[i, k] = unary[t, i, k] + _to_hours(along, labels, t, i, k)
            if i > 0:
                _extend(cost[i - 1], across[t, i - 1], cost[i], origin[i])
        last = int(np.argmin(cost[layers - 1]))
        for i in range(layers - 1, -1, -1):
            has_changed |= labels[t, i] != last
            labels[t, i] = last
            last = origin[i, last] if i > 0 else last
    return has_changed


@kernel(boolean(CUBE, MATRIX, MATRIX, FLOATS, FLOATS, MATRIX, float64, float64, OUT_INT_MATRIX))
def improve_layers(
    unary: Cube,
    across: Matrix,
    along: Matrix,
    layer_gb: Floats,
    device_gb: Floats,
    layer_ms: Matrix,
    hop_ms: float,
    limit_ms: float,
    labels: Ints,
) -> bool:
    """Relabel each layer optimally over all hours while the other layers stay; return whether a label changed.

    Only labels that keep memory and time within their limits are allowed, and those that are in place. O(T·N·H).
    """
    hours, layers, devices = unary.shape
    used, taken = _loads(layer_gb, layer_ms, hop_ms, labels, devices)
    cost, origin = np.empty((hours, devices)), np.empty((hours, devices), np.int64)
    has_changed = False
    for i in range(layers):
        for t in range(hours):
            now = labels[t, i]
            for k in range(devices):
                is_allowed = k == now or (
                    used[t, k] + layer_gb[i] <= device_gb[k]
                    and taken[t] + _time_change(layer_ms, hop_ms, labels, t, i, k) <= limit_ms
                )
                cost[t, k] = unary[t, i, k] + _to_layers(across, labels, t, i, k) if is_allowed else np.inf
            if t > 0:
                _extend(cost[t - 1], along[t - 1, i], cost[t], origin[t])
        last = int(np.argmin(cost[hours - 1]))
        for t in range(hours - 1, -1, -1):
            now = labels[t, i]
            if now != last:
                has_changed = True
                taken[t] += _time_change(layer_ms, hop_ms, labels, t, i, last)
                used[t, now] -= layer_gb[i]
                used[t, last] += layer_gb[i]
                labels[t, i] = last
            last = origin[t, last] if t > 0 else last
    return has_changed


@kernel(boolean(CUBE, MATRIX, MATRIX, FLOATS, FLOATS, MATRIX, float64, float64, OUT_INT_MATRIX))
def swap_layers(
    unary: Cube,
    across: Matrix,
    along: Matrix,
    layer_gb: Floats,
    device_gb: Floats,
    layer_ms: Matrix,
    hop_ms: float,
    limit_ms: float,
    labels: Ints,
) -> bool:
    """Exchange the devices of two layers in one hour where that costs less and fits; return whether any was.

    The first has a neighbour on another device. O(T·N²) at most, O(T·N) times the number of transfers.
    """
    hours, layers, devices = unary.shape
    used, taken = _loads(layer_gb, layer_ms, hop_ms, labels, devices)
    has_changed = False
    for t in range(hours):
        for i in range(layers):
            if _to_layers(across, labels, t, i, labels[t, i]) == 0.0:
                continue  # its neighbours are on the same device
            for j in range(layers):
                a, b = labels[t, i], labels[t, j]
                more = layer_gb[j] - layer_gb[i]  # on a
                if a == b or used[t, a] + more > device_gb[a] or used[t, b] - more > device_gb[b]:
                    continue
                before = _local(unary, across, along, labels, t, i) + _local(unary, across, along, labels, t, j)
                change = _time_change(layer_ms, hop_ms, labels, t, i, b)
                labels[t, i] = b
                change += _time_change(layer_ms, hop_ms, labels, t, j, a)
                labels[t, j] = a
                # the edge between them, if any, is counted twice before and after, and is the same
                after = _local(unary, across, along, labels, t, i) + _local(unary, across, along, labels, t, j)
                if after < before - 1e-9 * abs(before) and taken[t] + change <= limit_ms:
                    has_changed = True
                    used[t, a] += more
                    used[t, b] -= more
                    taken[t] += change
                else:
                    labels[t, i], labels[t, j] = a, b
    return has_changed


@kernel(boolean(CUBE, MATRIX, MATRIX, FLOATS, FLOATS, MATRIX, float64, float64, OUT_INT_MATRIX))
def repair(
    unary: Cube,
    across: Matrix,
    along: Matrix,
    layer_gb: Floats,
    device_gb: Floats,
    layer_ms: Matrix,
    hop_ms: float,
    limit_ms: float,
    labels: Ints,
) -> bool:
    """Move layers until every hour meets its limits, each time at least cost per excess removed.

    Returns whether all hours do. At most 2·N moves an hour, each O(N·H).
    """
    hours, layers, devices = unary.shape
    used, taken = _loads(layer_gb, layer_ms, hop_ms, labels, devices)
    for t in range(hours):
        for _ in range(2 * layers + 1):
            excess = _excess(used[t], device_gb, taken[t], limit_ms)
            if excess <= 0.0:
                break
            best, best_layer, best_device = np.inf, -1, -1
            for i in range(layers):
                now = labels[t, i]
                if used[t, now] <= device_gb[now] and taken[t] <= limit_ms:
                    continue  # nothing is freed
                here = _local(unary, across, along, labels, t, i)
                for k in range(devices):
                    if k == now or used[t, k] + layer_gb[i] > device_gb[k]:
                        continue
                    change = _time_change(layer_ms, hop_ms, labels, t, i, k)
                    freed = min(max(used[t, now] - device_gb[now], 0.0), layer_gb[i]) / device_gb[now]
                    freed += (max(taken[t] - limit_ms, 0.0) - max(taken[t] + change - limit_ms, 0.0)) / limit_ms
                    if freed <= 1e-15:
                        continue
                    labels[t, i] = k
                    more = _local(unary, across, along, labels, t, i) - here
                    labels[t, i] = now
                    rate = more / freed if more > 0 else more * freed
                    if rate < best:
                        best, best_layer, best_device = rate, i, k
            if best_layer < 0:
                return False
            now = labels[t, best_layer]
            taken[t] += _time_change(layer_ms, hop_ms, labels, t, best_layer, best_device)
            used[t, now] -= layer_gb[best_layer]
            used[t, best_device] += layer_gb[best_layer]
            labels[t, best_layer] = best_device
        if _excess(used[t], device_gb, taken[t], limit_ms) > 0.0:
            return False
    return True
