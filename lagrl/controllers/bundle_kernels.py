"""Compiled steps of the proximal bundle's quadratic programme, on its dual over the cuts' weights.

See `maximise_model` for the programme, and `cutting_plane_kernels` for how cuts are stored. Arguments that belong
together are tuples: `proximal` is (step, low, high), and `point` is (λ before clipping, λ), all [n].
"""

from __future__ import annotations

import numpy as np
from numba import types

from lagrl.controllers.cutting_plane_kernels import CHAINS, CUTS, Chains, Cuts, cut_value, rate_weights
from lagrl.signatures import FLOATS, OUT_FLOATS, Floats, float64, inner_kernel, int64, kernel, void

PROXIMAL = types.UniTuple(FLOATS, 3)
POINT = types.UniTuple(OUT_FLOATS, 2)
WORK = types.UniTuple(OUT_FLOATS, 3)
Proximal = tuple[Floats, Floats, Floats]
Point = tuple[Floats, Floats]

_STEPS_PER_VISIT = 3  # pairwise steps in one piece before the next is visited
_SWEEPS_PER_ROUND = 3  # between two searches of the face
_FACE_SEARCHES = 100  # per round; each but the last has emptied a cut
_FACE_PRECISION = 1e-2  # share of the gradient's norm that a search of the face may leave
_HALVINGS = 10


@inner_kernel(void(CUTS, int64, float64, PROXIMAL, POINT))
def move_along(cuts: Cuts, cut: int, amount: float, proximal: Proximal, point: Point) -> None:
    """Move the point as `amount` more weight on a cut does; reads the cut's entries."""
    _, start, index, entry = cuts
    step, low, high = proximal
    free, multipliers = point
    for j in range(start[cut], start[cut + 1]):
        i = index[j]
        free[i] += amount * step[i] * entry[j]
        multipliers[i] = min(max(free[i], low[i]), high[i])


@inner_kernel(float64(CUTS, int64, int64, FLOATS, OUT_FLOATS))
def squared_distance(cuts: Cuts, one: int, other: int, step: Floats, work: Floats) -> float:
    """Return Σ_i step_i·(s_i − s'_i)² of two cuts' slopes; `work` [n] is zero before and after. Reads both twice."""
    _, start, index, entry = cuts
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


@inner_kernel(float64(CUTS, CHAINS, OUT_FLOATS, PROXIMAL, float64, POINT, OUT_FLOATS))
def sweep_pieces(
    cuts: Cuts, chains: Chains, weight: Floats, proximal: Proximal, negligible: float, point: Point, work: Floats
) -> float:
    """Move weight from each piece's highest cut in use to its lowest, a few times; return the gap seen on the way.

    As far as the curvature or the weight allows (Platt 1998). The curvature is that without bounds, which is never
    too low. Differences up to `negligible` stay. Reads every entry a few times, and four slopes per step.
    """
    head, following = chains
    step, multipliers = proximal[0], point[1]
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
                value = cut_value(cuts, cut, multipliers)
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
            curvature = squared_distance(cuts, to, source, step, work)
            moved = weight[source]
            if curvature * moved > highest - lowest:
                moved = (highest - lowest) / curvature
                weight[source] -= moved
            else:
                weight[source] = 0.0
            weight[to] += moved
            move_along(cuts, source, -moved, proximal, point)
            move_along(cuts, to, moved, proximal, point)
    return seen


@inner_kernel(float64(CHAINS, FLOATS, FLOATS, OUT_FLOATS))
def centre_in_pieces(chains: Chains, weight: Floats, value: Floats, centred: Floats) -> float:
    """Write `value` less its mean over each piece's cuts in use, 0 for the others; return the squared norm.

    Differences are taken before the mean, so the written values sum to 0 up to the rounding of differences, not of
    values. Otherwise weights could be lost along a flat direction where a piece's cuts are nearly equal.
    """
    head, following = chains
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


@inner_kernel(int64(CUTS, CHAINS, FLOATS, FLOATS, PROXIMAL, FLOATS, OUT_FLOATS, OUT_FLOATS, WORK, OUT_FLOATS))
def face_direction(
    cuts: Cuts,
    chains: Chains,
    weight: Floats,
    value: Floats,
    proximal: Proximal,
    free: Floats,
    outcome: Floats,
    change: Floats,
    scratch: Proximal,
    along: Floats,
) -> int:
    """Minimise over the weights of the cuts in use by conjugate gradients, as if multipliers at a bound stayed there.

    Writes the weights' `change` [cuts] and counts iterations in `outcome[2]`; returns the cut that it empties, which
    ended the search, or −1. `scratch` [cuts] and `along` [n] are work space. At most one iteration per cut, each of
    which reads the entries of the cuts in use twice.
    """
    _, start, index, entry = cuts
    step, low, high = proximal
    residual, direction, curved = scratch
    n_cuts = len(weight)
    first = centre_in_pieces(chains, weight, value, residual)
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
        centre_in_pieces(chains, weight, curved, curved)
        before = squared
        squared = 0.0
        for cut in range(n_cuts):
            if weight[cut] > 0.0:
                residual[cut] -= length * curved[cut]
                squared += residual[cut] ** 2
        for cut in range(n_cuts):
            direction[cut] = residual[cut] + squared / before * direction[cut]
    return -1


@inner_kernel(float64(CUTS, OUT_FLOATS, FLOATS, PROXIMAL, float64, POINT))
def change_weights(
    cuts: Cuts, weight: Floats, change: Floats, proximal: Proximal, negligible: float, point: Point
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
                move_along(cuts, cut, share * change[cut], proximal, point)
        for cut in range(len(weight)):
            if change[cut] != 0.0:
                slope += change[cut] * cut_value(cuts, cut, point[1])
        if slope <= negligible:
            break
        for cut in range(len(weight)):
            if change[cut] != 0.0:
                move_along(cuts, cut, -share * change[cut], proximal, point)
        share = 0.5 * share if attempt < _HALVINGS else 0.0
    for cut in range(len(weight)):
        if change[cut] != 0.0:
            weight[cut] = max(weight[cut] + share * change[cut], 0.0)
    return share


@kernel(
    void(CUTS, CHAINS, OUT_FLOATS, FLOATS, PROXIMAL, float64, float64, float64, int64, OUT_FLOATS, OUT_FLOATS),
)
def maximise_model(
    cuts: Cuts,
    chains: Chains,
    weight: Floats,
    centre: Floats,
    proximal: Proximal,
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
    _, low, high = proximal
    free = centre.copy()
    point = free, multipliers
    work = np.zeros(n)
    value = np.empty(n_cuts)
    change = np.empty(n_cuts)
    scratch = np.empty(n_cuts), np.empty(n_cuts), np.empty(n_cuts)
    for cut in range(n_cuts):
        if weight[cut] > 0.0:
            move_along(cuts, cut, weight[cut], proximal, point)
    for i in range(n):
        multipliers[i] = min(max(free[i], low[i]), high[i])
    outcome[2] = 0.0
    while True:
        rate_weights(cuts, chains, weight, multipliers, value, outcome)
        allowed = max(absolute, relative * (outcome[0] - reference))
        if outcome[1] <= allowed or outcome[2] >= most_iterations:
            return
        outcome[2] += 1.0
        for _ in range(_SWEEPS_PER_ROUND):
            seen = sweep_pieces(cuts, chains, weight, proximal, 1e-3 * allowed / len(chains[0]), point, work)
            if seen <= allowed:
                break
        if seen <= allowed:
            continue
        for _ in range(_FACE_SEARCHES):
            rate_weights(cuts, chains, weight, multipliers, value, outcome)
            emptied = face_direction(cuts, chains, weight, value, proximal, free, outcome, change, scratch, work)
            share = change_weights(cuts, weight, change, proximal, 1e-12 * abs(outcome[0]), point)
            if emptied < 0 or share < 1.0 or outcome[2] >= most_iterations:
                break
            weight[emptied] = 0.0
        work[:] = 0.0
