"""Compiled steps of the proximal bundle's quadratic programme, on its dual over the cuts' weights.

See `maximise_model` for the programme, and `cut_kernels` for how cuts are stored. Importing this module compiles the
kernels or loads them from numba's cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from lagrl.controllers.cutting_plane_kernels import cut_value, rate_weights
from lagrl.signatures import FLOATS, INTS, OUT_FLOATS, Floats, Ints, float64, int64, void

_STEPS_PER_VISIT = 3  # pairwise steps in one piece before the next is visited
_SWEEPS_PER_ROUND = 3  # between two searches of the face
_FACE_SEARCHES = 100  # per round; each but the last has emptied a cut
_FACE_PRECISION = 1e-2  # share of the gradient's norm that a search of the face may leave
_HALVINGS = 10


@njit(void(INTS, INTS, FLOATS, int64, float64, FLOATS, FLOATS, FLOATS, OUT_FLOATS, OUT_FLOATS), cache=True)
def move_along(
    start: Ints,
    index: Ints,
    entry: Floats,
    cut: int,
    amount: float,
    step: Floats,
    low: Floats,
    high: Floats,
    free: Floats,
    multipliers: Floats,
) -> None:
    """Move the multipliers, before clipping, by what `amount` more weight on a cut does; clip. Reads its entries."""
    for j in range(start[cut], start[cut + 1]):
        i = index[j]
        free[i] += amount * step[i] * entry[j]
        multipliers[i] = min(max(free[i], low[i]), high[i])


@njit(float64(INTS, INTS, FLOATS, int64, int64, FLOATS, OUT_FLOATS), cache=True)
def squared_distance(
    start: Ints, index: Ints, entry: Floats, one: int, other: int, step: Floats, work: Floats
) -> float:
    """Return Σ_i step_i·(s_i − s'_i)² of two cuts' slopes; `work` [n] is zero before and after. Reads both twice."""
    for j in range(start[one], start[one + 1]):
        work[index[j]] = entry[j]
    squared = 0.0
    for j in range(start[other], start[other + 1]):
        squared += step[index[j]] * (work[index[j]] - entry[j]) ** 2
        work[index[j]] = 0.0
    for j in range(start[one], start[one + 1]):
        squared += step[index[j]] * work[index[j]] ** 2
        work[index[j]] = 0.0
    return squared


@njit(
    float64(
        FLOATS, INTS, INTS, FLOATS, INTS, INTS, OUT_FLOATS,
        FLOATS, FLOATS, FLOATS, float64, OUT_FLOATS, OUT_FLOATS, OUT_FLOATS,
    ),
    cache=True,
)  # fmt: skip
def sweep_pieces(
    intercept: Floats,
    start: Ints,
    index: Ints,
    entry: Floats,
    head: Ints,
    following: Ints,
    weight: Floats,
    low: Floats,
    high: Floats,
    step: Floats,
    negligible: float,
    free: Floats,
    multipliers: Floats,
    work: Floats,
) -> float:
    """Move weight from each piece's highest cut in use to its lowest, a few times; return the gap seen on the way.

    As far as the curvature or the weight allows (Platt 1998). The curvature is that without bounds, which is never
    too low. Differences up to `negligible` are left. Reads every entry a few times, and four slopes per step.
    """
    seen = 0.0
    for k in range(len(head)):
        if following[head[k]] < 0:
            continue
        for visit in range(_STEPS_PER_VISIT):
            lowest = np.inf
            highest = -np.inf
            average = 0.0
            to = -1
            source = -1
            cut = head[k]
            while cut >= 0:
                value = cut_value(intercept, start, index, entry, cut, multipliers)
                if value < lowest:
                    lowest = value
                    to = cut
                if weight[cut] > 0.0:
                    average += weight[cut] * value
                    if value > highest:
                        highest = value
                        source = cut
                cut = following[cut]
            if visit == 0:
                seen += average - lowest
            if highest - lowest <= negligible:
                break
            curvature = squared_distance(start, index, entry, to, source, step, work)
            moved = weight[source]
            if curvature * moved > highest - lowest:
                moved = (highest - lowest) / curvature
                weight[source] -= moved
            else:
                weight[source] = 0.0
            weight[to] += moved
            move_along(start, index, entry, source, -moved, step, low, high, free, multipliers)
            move_along(start, index, entry, to, moved, step, low, high, free, multipliers)
    return seen


@njit(float64(INTS, INTS, FLOATS, FLOATS, OUT_FLOATS), cache=True)
def centre_in_pieces(head: Ints, following: Ints, weight: Floats, value: Floats, centred: Floats) -> float:
    """Write `value` less its mean over each piece's cuts in use, 0 for the others; return the squared norm.

    Differences are taken before the mean is: what is written then sums to 0 up to rounding of the differences, not of
    the values. Where a piece's cuts are equal but for that, weights would otherwise be lost along a flat direction.
    """
    squared = 0.0
    for k in range(len(head)):
        base = 0.0
        total = 0.0
        count = 0
        cut = head[k]
        while cut >= 0:
            if weight[cut] > 0.0:
                if count == 0:
                    base = value[cut]
                total += value[cut] - base
                count += 1
            cut = following[cut]
        cut = head[k]
        while cut >= 0:
            centred[cut] = value[cut] - base - total / count if weight[cut] > 0.0 else 0.0
            squared += centred[cut] ** 2
            cut = following[cut]
    return squared


@njit(
    int64(
        INTS, INTS, FLOATS, INTS, INTS, FLOATS, FLOATS, FLOATS, FLOATS, FLOATS, FLOATS, OUT_FLOATS,
        OUT_FLOATS, OUT_FLOATS, OUT_FLOATS, OUT_FLOATS, OUT_FLOATS,
    ),
    cache=True,
)  # fmt: skip
def face_direction(
    start: Ints,
    index: Ints,
    entry: Floats,
    head: Ints,
    following: Ints,
    weight: Floats,
    value: Floats,
    low: Floats,
    high: Floats,
    free: Floats,
    step: Floats,
    outcome: Floats,
    change: Floats,
    residual: Floats,
    direction: Floats,
    curved: Floats,
    along: Floats,
) -> int:
    """Minimise over the weights of the cuts in use by conjugate gradients, as if multipliers at a bound stayed there.

    Writes the weights' `change` [cuts] and counts iterations in `outcome[2]`; returns the cut that it empties, which
    ended the search, or −1. At most one iteration per cut, each of which reads the entries of the cuts in use twice.
    """
    n_cuts = len(weight)
    first = centre_in_pieces(head, following, weight, value, residual)
    squared = first
    for cut in range(n_cuts):
        change[cut] = 0.0
        residual[cut] = -residual[cut]
        direction[cut] = residual[cut]
    for _ in range(n_cuts):
        if squared <= _FACE_PRECISION**2 * first or squared <= 0.0:
            break
        outcome[2] += 1.0
        along[:] = 0.0
        for cut in range(n_cuts):
            if direction[cut] != 0.0:
                for j in range(start[cut], start[cut + 1]):
                    along[index[j]] += direction[cut] * entry[j]
        curvature = 0.0
        for i in range(len(along)):
            if free[i] <= low[i] or free[i] >= high[i]:
                along[i] = 0.0
            curvature += step[i] * along[i] ** 2
            along[i] *= step[i]
        longest = np.inf
        emptied = -1
        for cut in range(n_cuts):
            if direction[cut] < 0.0 and weight[cut] + change[cut] < -longest * direction[cut]:
                longest = (weight[cut] + change[cut]) / -direction[cut]
                emptied = cut
        if emptied < 0:
            break
        if squared >= longest * curvature:
            for cut in range(n_cuts):
                change[cut] += longest * direction[cut]
            return emptied
        length = squared / curvature
        for cut in range(n_cuts):
            change[cut] += length * direction[cut]
            if weight[cut] > 0.0:
                total = 0.0
                for j in range(start[cut], start[cut + 1]):
                    total += entry[j] * along[index[j]]
                curved[cut] = total
        centre_in_pieces(head, following, weight, curved, curved)
        before = squared
        squared = 0.0
        for cut in range(n_cuts):
            if weight[cut] > 0.0:
                residual[cut] -= length * curved[cut]
                squared += residual[cut] ** 2
        for cut in range(n_cuts):
            direction[cut] = residual[cut] + squared / before * direction[cut]
    return -1


@njit(
    float64(
        FLOATS, INTS, INTS, FLOATS, OUT_FLOATS, FLOATS, FLOATS, FLOATS, FLOATS, float64, OUT_FLOATS, OUT_FLOATS,
    ),
    cache=True,
)  # fmt: skip
def change_weights(
    intercept: Floats,
    start: Ints,
    index: Ints,
    entry: Floats,
    weight: Floats,
    change: Floats,
    step: Floats,
    low: Floats,
    high: Floats,
    negligible: float,
    free: Floats,
    multipliers: Floats,
) -> float:
    """Change the weights, by the whole `change` [cuts] or half as much until the dual falls; return the share taken.

    The dual is convex, so it falls all the way where its slope at the end is not positive. A whole change can only be
    too long if it frees multipliers from their bounds. Reads the changed cuts' entries twice per attempt.
    """
    share = 1.0
    for attempt in range(_HALVINGS + 1):
        slope = 0.0
        for cut in range(len(weight)):
            if change[cut] != 0.0:
                move_along(start, index, entry, cut, share * change[cut], step, low, high, free, multipliers)
        for cut in range(len(weight)):
            if change[cut] != 0.0:
                slope += change[cut] * cut_value(intercept, start, index, entry, cut, multipliers)
        if slope <= negligible:
            break
        for cut in range(len(weight)):
            if change[cut] != 0.0:
                move_along(start, index, entry, cut, -share * change[cut], step, low, high, free, multipliers)
        share = 0.5 * share if attempt < _HALVINGS else 0.0
    for cut in range(len(weight)):
        if change[cut] != 0.0:
            weight[cut] = max(weight[cut] + share * change[cut], 0.0)
    return share


@njit(
    void(
        FLOATS, INTS, INTS, FLOATS, INTS, INTS, OUT_FLOATS,
        FLOATS, FLOATS, FLOATS, FLOATS, float64, float64, float64, int64, OUT_FLOATS, OUT_FLOATS,
    ),
    cache=True,
)  # fmt: skip
def maximise_model(
    intercept: Floats,
    start: Ints,
    index: Ints,
    entry: Floats,
    head: Ints,
    following: Ints,
    weight: Floats,
    centre: Floats,
    low: Floats,
    high: Floats,
    step: Floats,
    reference: float,
    relative: float,
    absolute: float,
    most_iterations: int,
    multipliers: Floats,
    outcome: Floats,
) -> None:
    """Maximise Σ_k min_c (c + s·λ) − Σ_i (λ_i − centre_i)²/(2·step_i) over low ≤ λ ≤ high.

    Works on the dual, min over the product of simplices of Σ α·c + max_λ (Σ α·s·λ − …), whose inner maximiser is
    λ(α) = clip(centre + step·Σ α·s). Rounds of pairwise steps, which choose the cuts in use, and of conjugate
    gradients over these (as in GPCG, Moré and Toraldo 1991) end when the duality gap
    Σ α·(c + s·λ) − Σ_k min_c (c + s·λ) is at most `absolute`, or `relative` times what the model rises above
    `reference`.

    `weight` [cuts] holds α: the warm start, and the answer. `multipliers` [n] receives λ(α), `outcome` the model's
    value there, the duality gap and the number of rounds and iterations.
    """
    n = len(centre)
    n_cuts = len(weight)
    free = np.empty(n)  # λ(α) before it is clipped
    work = np.zeros(n)
    value = np.empty(n_cuts)
    change = np.empty(n_cuts)
    residual = np.empty(n_cuts)
    direction = np.empty(n_cuts)
    curved = np.empty(n_cuts)
    free[:] = centre
    for cut in range(n_cuts):
        if weight[cut] > 0.0:
            move_along(start, index, entry, cut, weight[cut], step, low, high, free, multipliers)
    for i in range(n):
        multipliers[i] = min(max(free[i], low[i]), high[i])
    outcome[2] = 0.0
    while True:
        rate_weights(intercept, start, index, entry, head, following, weight, multipliers, value, outcome)
        allowed = max(absolute, relative * (outcome[0] - reference))
        if outcome[1] <= allowed or outcome[2] >= most_iterations:
            return
        outcome[2] += 1.0
        for _ in range(_SWEEPS_PER_ROUND):
            seen = sweep_pieces(
                intercept, start, index, entry, head, following, weight,
                low, high, step, 1e-3 * allowed / len(head), free, multipliers, work,
            )  # fmt: skip
            if seen <= allowed:
                break
        if seen <= allowed:
            continue
        for _ in range(_FACE_SEARCHES):
            rate_weights(intercept, start, index, entry, head, following, weight, multipliers, value, outcome)
            emptied = face_direction(
                start, index, entry, head, following, weight, value, low, high, free, step, outcome,
                change, residual, direction, curved, work,
            )  # fmt: skip
            share = change_weights(
                intercept, start, index, entry, weight, change, step, low, high, 1e-12 * abs(outcome[0]),
                free, multipliers,
            )  # fmt: skip
            if emptied < 0 or share < 1.0 or outcome[2] >= most_iterations:
                break
            weight[emptied] = 0.0
        work[:] = 0.0
