"""Assignment of freed customers to the remaining routes by prices and exact knapsacks, inside a compiled move."""

from __future__ import annotations

import numpy as np
from numba import types

from lagrl.search.random_kernels import draw_uniform
from lagrl.signatures import (
    INT_MATRIX,
    INTS,
    MATRIX,
    OUT_FLOATS,
    OUT_INTS,
    OUT_WORDS,
    Floats,
    Ints,
    Matrix,
    Words,
    float64,
    inner_kernel,
    int64,
    kernel,
    void,
)

MOST_PRICED = 40
"""Most freed customers of an assignment."""
MOST_ROUTES = 10
"""Most routes of an assignment."""
N_INTS, N_FLOATS = 5 * MOST_PRICED + MOST_ROUTES, (3 + MOST_ROUTES) * MOST_PRICED
"""Lengths of the scratch arrays of `assign_by_prices`."""

_NEAR = 6  # nearest customers of a freed one whose routes may take it
_NODES = 1000  # of a knapsack's search, which then keeps the best filling found
_ROUNDING = 1e-12  # share of a profit that may come from the order of a sum


@inner_kernel(types.Tuple((float64, int64))(MATRIX, OUT_INTS, OUT_FLOATS, int64, int64))
def cheapest_on_route(distance: Matrix, after: Ints, arc: Floats, c: int, depot: int) -> tuple[float, int]:
    """Return the least cost of inserting customer c into the list that starts at `depot`, and the node before it."""
    n = len(distance) - 1
    least, place = np.inf, depot
    x = depot
    here = distance[c, 0]
    while True:
        q = after[x]
        there = distance[c, q if q <= n else 0]
        extra = here + there - arc[x]
        if extra < least:
            least, place = extra, x
        if q == depot:
            return least, place
        here, x = there, q


@inner_kernel(void(OUT_FLOATS, OUT_INTS, int64, int64, OUT_INTS, OUT_INTS))
def _pack(profit: Floats, weight: Ints, m: int, room: int, best: Ints, now: Ints) -> None:
    """Mark in best[:m] the items of most profit that fit the room.

    Items are sorted by falling profit per weight, with profits above 0. The search is depth first, with Dantzig's bound
    over the remaining items, O(m) per node; now[:m] is scratch.
    """
    most, value, left, i = -1.0, 0.0, room, 0
    for _ in range(_NODES):
        bound, rest = value, left
        for j in range(i, m):
            if weight[j] > rest:
                bound += profit[j] * rest / weight[j]
                break
            rest -= weight[j]
            bound += profit[j]
        if bound > most * (1.0 + _ROUNDING):
            while i < m:
                now[i] = weight[i] <= left
                if now[i]:
                    left -= weight[i]
                    value += profit[i]
                i += 1
            if value > most:
                most = value
                best[:m] = now[:m]
        i -= 1
        while i >= 0 and not now[i]:
            i -= 1
        if i < 0:
            return
        now[i] = 0
        left += weight[i]
        value -= profit[i]
        i += 1


@kernel(
    int64(
        *(MATRIX, INTS, INT_MATRIX, int64, OUT_INTS, OUT_FLOATS, OUT_INTS, OUT_INTS, OUT_INTS),
        *(OUT_INTS, OUT_INTS, OUT_INTS, OUT_INTS, OUT_INTS, OUT_FLOATS, float64, OUT_WORDS),
    )
)
def assign_by_prices(
    distance: Matrix,
    demand: Ints,
    near: Ints,
    capacity: int,
    after: Ints,
    arc: Floats,
    route: Ints,
    load: Ints,
    size: Ints,
    freed: Ints,
    home: Ints,
    order: Ints,
    want: Ints,
    ints: Ints,
    floats: Floats,
    noise: float,
    word: Words,
) -> int:
    """Assign freed customers to routes by regret prices and a knapsack for each route; return how many have a route.

    With c_ik the cost of the cheapest insertion of customer i into route k, its price λ_i is the second least c_ik over
    the routes with room for it. Each route takes the customers of most profit λ_i − c_ik that it has room for: the
    subproblems of the Lagrangian relaxation of the generalized assignment (Fisher and Jaikumar 1981), at the prices
    that the ascents around partial routes start from. A customer that several routes take goes to that of most profit.

    The routes are those that the customers come from, and of their nearest customers, without empty ones.
    O(customers · (customers on those routes)).

    Parameters
    ----------
    distance, demand, near, capacity, after, arc, route, load, size
        See `chain_kernels.run_chain`.
    freed, home
        [m] freed customers, at most `MOST_PRICED`, and the routes they come from.
    order
        [m] the freed customers, those with a route first. Changed.
    want
        [m] route of each of these. Changed.
    ints, floats
        [`N_INTS`], [`N_FLOATS`] scratch.
    noise
        Costs are multiplied by random factors from 1 − noise to 1 + noise.
    word
        See `run_chain`. Changed.
    """
    n, m = len(distance) - 1, len(freed)
    weight, item = ints[:MOST_PRICED], ints[MOST_PRICED : 2 * MOST_PRICED]
    packed, packing = ints[2 * MOST_PRICED : 3 * MOST_PRICED], ints[3 * MOST_PRICED : 4 * MOST_PRICED]
    taken, routes = ints[4 * MOST_PRICED : 5 * MOST_PRICED], ints[5 * MOST_PRICED : 5 * MOST_PRICED + MOST_ROUTES]
    price, profit = floats[:MOST_PRICED], floats[MOST_PRICED : 2 * MOST_PRICED]
    gain, cost = floats[2 * MOST_PRICED : 3 * MOST_PRICED], floats[3 * MOST_PRICED :]
    n_routes = 0
    for i in range(m):
        for j in range(-1, min(_NEAR, near.shape[1])):
            k = home[i] if j < 0 else route[near[freed[i], j]]
            if k < 0 or size[k] == 0 or n_routes == MOST_ROUTES:
                continue
            is_new = True
            for t in range(n_routes):
                is_new &= routes[t] != k
            if is_new:
                routes[n_routes] = k
                n_routes += 1
    for i in range(m):
        c = freed[i]
        taken[i] = -1
        first, second = np.inf, np.inf
        for t in range(n_routes):
            k = routes[t]
            least = cheapest_on_route(distance, after, arc, c, n + 1 + k)[0]
            least *= 1.0 + noise * (2.0 * draw_uniform(word) - 1.0)
            cost[i * MOST_ROUTES + t] = least
            if load[k] + demand[c - 1] > capacity:
                continue
            if least < first:
                first, second = least, first
            elif least < second:
                second = least
        price[i] = second if second < np.inf else 2.0 * first  # no other route has room: it goes first
        gain[i] = 0.0
    for t in range(n_routes):
        room = capacity - load[routes[t]]
        n_items = 0
        for i in range(m):
            w, p = demand[freed[i] - 1], price[i] - cost[i * MOST_ROUTES + t]
            if w > room or not 0.0 < p < np.inf:
                continue
            j = n_items
            while j > 0 and p * weight[j - 1] > profit[j - 1] * w:
                weight[j], profit[j], item[j] = weight[j - 1], profit[j - 1], item[j - 1]
                j -= 1
            weight[j], profit[j], item[j] = w, p, i
            n_items += 1
        if n_items == 0:
            continue
        _pack(profit, weight, n_items, room, packed, packing)
        for j in range(n_items):
            if packed[j] and profit[j] > gain[item[j]]:
                taken[item[j]] = routes[t]
                gain[item[j]] = profit[j]
    n_assigned = 0
    for i in range(m):
        if taken[i] >= 0:
            order[n_assigned] = freed[i]
            want[n_assigned] = taken[i]
            n_assigned += 1
    j = n_assigned
    for i in range(m):
        if taken[i] < 0:
            order[j] = freed[i]
            j += 1
    return n_assigned
