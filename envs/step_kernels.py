"""Compiled steps of a batch of episodes: the move of the multipliers, the record of the results, the features.

They are the definitions of `envs.action`, `envs.reward` and `envs.observation_v2`, to the bit, for exact samplers.
Powers and logarithms are left to numpy, whose last bits depend on the processor.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from envs.batch_kernels import pairwise_sum
from lagrl.signatures import (
    BYTES,
    CUBE,
    FLOATS,
    INTS,
    MATRIX,
    OUT_FLOATS,
    OUT_MATRIX,
    Bytes,
    Floats,
    Ints,
    Matrix,
    boolean,
    float64,
    int64,
    kernel,
    void,
)

Singles = NDArray[np.float32]

_OUT_CUBE = types.Array(float64, 3, "C")
_SINGLES = types.Array(types.float32, 1, "C", readonly=True)
_OUT_SINGLES = types.Array(types.float32, 1, "C")
_SINGLE_MATRIX = types.Array(types.float32, 2, "C", readonly=True)
_OUT_SINGLE_MATRIX = types.Array(types.float32, 2, "C")
_OUT_SINGLE_CUBE = types.Array(types.float32, 3, "C")

FAST, SLOW = 0.3, 0.05
"""Weights of a new g in its two averages."""

COMPRESSED = 6
"""Features that are compressed, the first ones."""

# columns of the table of an episode's numbers
(
    SCALE,  # s, distance units
    FLOOR,  # bounds of the multipliers, distance units
    CEILING,
    SAVINGS,  # Clarke and Wright's cost, distance units
    BUDGET,  # evaluations allowed
    EVALUATIONS,  # evaluations so far
    VALUE,  # highest L(λ), distance units
    STALLED,  # evaluations since then
    ASSIGNMENT,  # cheapest assignment, distance units
    ROUTES,  # cheapest routes that meet the fleet rule, distance units
    SHARE,  # largest share of customers with g = 0
    GAP,  # relative gap
    RATIO,  # routes in units of the savings cost
    POTENTIAL,  # Φ
    OPTIMAL,  # 1 once the dual is proven optimal
    OVER,  # 1 after the last step
    TERMS,  # sum of the `TERM_…` of its phase
) = range(17)
N_COLUMNS = 17

TERM_SHARE, TERM_GAP, TERM_COST, TERM_COST_GAP = 1, 2, 4, 8

# rows of the table of an episode's customers
MULTIPLIER, VIOLATION, AVERAGE_FAST, AVERAGE_SLOW, BEST_MULTIPLIER, CHEAPEST = range(6)
N_ROWS = 6


@kernel(void(INTS, INTS, MATRIX, MATRIX, FLOATS, boolean, CUBE, OUT_MATRIX, OUT_FLOATS))
def move_batch(
    first_item: Ints,
    slot: Ints,
    table: Matrix,
    factor: Matrix,
    unit: Floats,
    is_diagonal: bool,
    customers: NDArray[np.float64],
    moved: Matrix,
    prices: Floats,
) -> None:
    """Move the multipliers of A episodes by actions, within their bounds.

    `factor` [A, N] is 10^(c·a) in the mode `diagonal`, the action itself in the mode `direction`; `unit` [A] the step
    that it multiplies, distance units. `moved` [A, N] receives the multipliers, 0 beyond an episode's customers, and
    `prices` the same one after the other. Rows `slot` of `table` and `customers` are the episodes'.
    """
    for a in range(len(slot)):
        b = slot[a]
        i0 = first_item[a]
        n = first_item[a + 1] - i0
        low = table[b, FLOOR]
        high = table[b, CEILING]
        for i in range(n):
            if is_diagonal:
                new = customers[b, MULTIPLIER, i] + (unit[a] * factor[a, i]) * customers[b, VIOLATION, i]
            else:
                new = customers[b, MULTIPLIER, i] + unit[a] * factor[a, i]
            new = min(max(new, low), high)
            moved[a, i] = new
            prices[i0 + i] = new
        for i in range(n, moved.shape[1]):
            moved[a, i] = 0.0


@kernel(void(OUT_FLOATS, FLOATS))
def note_potential(row: Floats, weights: Floats) -> None:
    """Update the gap, the route ratio and the potential in an episode's row of the table; see `envs.reward`."""
    gap = 1.0
    if row[ASSIGNMENT] < np.inf:
        gap = (row[ASSIGNMENT] - row[VALUE]) / max(row[ASSIGNMENT], 1e-9)
        gap = min(max(gap, 0.0), 1.0)
    row[GAP] = gap
    row[RATIO] = row[ROUTES] / row[SAVINGS] if row[SAVINGS] > 0 else 1.0 + row[ROUTES]
    ratio = min(row[RATIO], 2.0)
    terms = int64(row[TERMS])
    total = 0.0
    if terms & TERM_SHARE:
        total += weights[0] * row[SHARE]
    if terms & TERM_GAP:
        total += -weights[1] * gap
    if terms & TERM_COST:
        total += -weights[2] * ratio
    if terms & TERM_COST_GAP:
        total -= weights[3] * gap
    row[POTENTIAL] = total


@kernel(
    void(
        *(INTS, INTS, INTS, MATRIX, BYTES, FLOATS, FLOATS, FLOATS, FLOATS, FLOATS),
        *(OUT_MATRIX, _OUT_CUBE, OUT_FLOATS, OUT_FLOATS, OUT_FLOATS),
        *(_OUT_SINGLES, _OUT_SINGLES, _OUT_SINGLE_MATRIX),
    )
)
def record_batch(
    first_item: Ints,
    first_vehicle: Ints,
    slot: Ints,
    moved: Matrix,
    selection: Bytes,
    vehicle_value: Floats,
    assignment_cost: Floats,
    route_cost: Floats,
    weights: Floats,
    logarithm: Floats,
    table: Matrix,
    customers: NDArray[np.float64],
    value: Floats,
    reward: Floats,
    share: Floats,
    raw: Singles,
    size: Singles,
    scalar: Singles,
) -> None:
    """Record an evaluation of A episodes: best results, reward, and the features before their logarithms.

    Parameters
    ----------
    first_item, first_vehicle, selection, vehicle_value
        Selections and the vehicles' values, concatenated as in `price_batch`.
    slot
        [A] each episode's row in `table` and `customers`.
    moved
        [A, N] multipliers, distance units.
    assignment_cost, route_cost
        [A] cheapest assignment and routes of this evaluation, distance units; infinite if there are none.
    weights
        [4] weights of the share, the gap, the cost and the cost's gap.
    logarithm
        log(1 + i) in units of that of `HORIZON`.
    table, customers
        The episodes, changed in place.
    value, reward, share
        [A] outputs: L, distance units, rewards, and shares of customers with g = 0.
    raw, size, scalar
        Outputs: an episode's `COMPRESSED` features x row by row, 1 + |x| of them, and [A, 4] the next four features.
    """
    limit = 20.0
    cell = 0
    for a in range(len(slot)):
        b = slot[a]
        i0 = first_item[a]
        n = first_item[a + 1] - i0
        n_vehicles = first_vehicle[a + 1] - first_vehicle[a]
        scale = table[b, SCALE]
        value[a] = pairwise_sum(moved[a, :n]) + pairwise_sum(vehicle_value[first_vehicle[a] : first_vehicle[a + 1]])
        is_best = value[a] > table[b, VALUE]
        unserved = 0
        squares = 0.0
        base = COMPRESSED * i0
        for i in range(n):
            times = 0
            for k in range(n_vehicles):
                times += selection[cell + k * n + i]
            violation = 1.0 - times
            unserved += times != 1
            squares += violation * violation
            multiplier = moved[a, i]
            if is_best:
                customers[b, BEST_MULTIPLIER, i] = multiplier
            fast = customers[b, AVERAGE_FAST, i] * (1 - FAST)
            fast += FAST * violation
            slow = customers[b, AVERAGE_SLOW, i] * (1 - SLOW)
            slow += SLOW * violation
            customers[b, MULTIPLIER, i] = multiplier
            customers[b, VIOLATION, i] = violation
            customers[b, AVERAGE_FAST, i] = fast
            customers[b, AVERAGE_SLOW, i] = slow
            raw[base + i] = multiplier / scale
            raw[base + n + i] = (multiplier - customers[b, BEST_MULTIPLIER, i]) / scale
            raw[base + 2 * n + i] = (customers[b, CHEAPEST, i] - multiplier) / scale
            raw[base + 3 * n + i] = violation
            raw[base + 4 * n + i] = fast
            raw[base + 5 * n + i] = slow
        for i in range(base, base + COMPRESSED * n):
            size[i] = abs(raw[i]) + np.float32(1.0)
        cell += n_vehicles * n

        table[b, EVALUATIONS] += 1.0
        if is_best:
            table[b, VALUE] = value[a]
            table[b, STALLED] = 0.0
        else:
            table[b, STALLED] += 1.0
        table[b, ASSIGNMENT] = min(table[b, ASSIGNMENT], assignment_cost[a])
        table[b, ROUTES] = min(table[b, ROUTES], route_cost[a])
        share[a] = 1.0 - unserved / n
        table[b, SHARE] = max(table[b, SHARE], share[a])
        if unserved == 0:
            table[b, OPTIMAL] = 1.0
        is_spent = table[b, EVALUATIONS] >= table[b, BUDGET]
        table[b, OVER] = 1.0 if is_spent or table[b, OPTIMAL] != 0.0 else 0.0
        before = table[b, POTENTIAL]
        note_potential(table[b], weights)
        reward[a] = table[b, POTENTIAL] - before

        upper = table[b, ASSIGNMENT]
        gap = upper - value[a] if upper < np.inf else max(0.05 * abs(value[a]), scale)
        step = gap / (max(1.0, squares) * scale)
        step = math.copysign(math.log10(1.0 + 1000.0 * abs(step)), step) - 3.0
        left = int64(max(0.0, table[b, BUDGET] - table[b, EVALUATIONS]))
        scalar[a, 0] = logarithm[left]
        scalar[a, 1] = logarithm[int64(table[b, STALLED])]
        scalar[a, 2] = share[a]
        scalar[a, 3] = min(max(step, -limit), limit)


@kernel(void(INTS, INTS, _SINGLES, _SINGLES, _SINGLE_MATRIX, _OUT_SINGLE_CUBE))
def write_features(
    first_item: Ints, slot: Ints, raw: Singles, logarithm: Singles, scalar: Singles, nodes: NDArray[Any]
) -> None:
    """Write the features that an evaluation changes into rows `slot` of `nodes` [B, N, F].

    `logarithm` holds log(1 + |x|) of the `raw` features x, `scalar` [A, 4] the features after them.
    """
    limit = np.float32(20.0)
    for a in range(len(slot)):
        b = slot[a]
        n = first_item[a + 1] - first_item[a]
        base = COMPRESSED * first_item[a]
        for i in range(n):
            for f in range(COMPRESSED):
                at = base + f * n + i
                nodes[b, i, f] = math.copysign(min(logarithm[at], limit), raw[at])
            for f in range(4):
                nodes[b, i, COMPRESSED + f] = scalar[a, f]
