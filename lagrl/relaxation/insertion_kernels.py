"""Compiled insertion: the cost of a customer in an existing route, and inserting customers.

Several routes are one array of nodes: route k holds `node[start[k]] … node[start[k + 1] − 1]`, the depot at both ends
implied.
"""

from __future__ import annotations

import numpy as np
from numba import types

from lagrl.signatures import (
    INTS,
    MATRIX,
    OUT_FLOATS,
    OUT_INTS,
    OUT_MATRIX,
    Floats,
    Ints,
    Matrix,
    float64,
    inner_kernel,
    int64,
    kernel,
    void,
)

_PLACE = types.Tuple((float64, int64))


@inner_kernel(_PLACE(MATRIX, INTS, int64, int64, int64))
def _cheapest_place(distance: Matrix, node: Ints, first: int, last: int, customer: int) -> tuple[float, int]:
    """Return the least cost of inserting a customer into the route node[first] … node[last − 1], and its position."""
    best = np.inf
    place = first
    before = 0
    for position in range(first, last + 1):
        behind = node[position] if position < last else 0
        extra = distance[before, customer] + distance[customer, behind] - distance[before, behind]
        if extra < best:
            best = extra
            place = position
        before = behind
    return best, place


@kernel(void(MATRIX, INTS, INTS, INTS, OUT_MATRIX))
def insertion_costs(distance: Matrix, node: Ints, start: Ints, customer: Ints, cost: Matrix) -> None:
    """Set cost[k, i] to the cost of customer[i] in its cheapest place on route k, at least 0.

    A customer that is already on the route is priced as if removed first: its removal saves as much. O(m·N) for m
    customers and N nodes on all routes.
    """
    for k in range(len(start) - 1):
        first = start[k]
        last = start[k + 1]
        for i in range(len(customer)):
            c = customer[i]
            own = -1
            for position in range(first, last):
                if node[position] == c:
                    own = position
            if own < 0:
                extra, _place = _cheapest_place(distance, node, first, last, c)
            else:
                before = node[own - 1] if own > first else 0
                behind = node[own + 1] if own + 1 < last else 0
                extra = distance[before, c] + distance[c, behind] - distance[before, behind]
            cost[k, i] = max(extra, 0.0)


@kernel(void(MATRIX, INTS, INTS, INTS, INTS, INTS, OUT_INTS, OUT_INTS))
def insert_customers(
    distance: Matrix,
    node: Ints,
    start: Ints,
    customer: Ints,
    vehicle: Ints,
    order: Ints,
    new_node: Ints,
    new_start: Ints,
) -> None:
    """Insert customer[i] into route vehicle[i], each in its cheapest place, in the order given by `order`.

    A negative vehicle leaves its customer out. `new_node` and `new_start` receive the K routes; `new_node` has room for
    all nodes and customers.
    """
    fill = 0
    for k in range(len(start) - 1):
        new_start[k] = fill
        for position in range(start[k], start[k + 1]):
            new_node[fill] = node[position]
            fill += 1
        for i in order:
            if vehicle[i] != k:
                continue
            _extra, place = _cheapest_place(distance, new_node, new_start[k], fill, customer[i])
            for position in range(fill, place, -1):
                new_node[position] = new_node[position - 1]
            new_node[place] = customer[i]
            fill += 1
    new_start[len(start) - 1] = fill


@kernel(void(MATRIX, INTS, INTS, OUT_FLOATS))
def route_lengths(distance: Matrix, node: Ints, start: Ints, length: Floats) -> None:
    """Set length[k] to the length of route k from the depot and back."""
    for k in range(len(start) - 1):
        before = 0
        total = 0.0
        for position in range(start[k], start[k + 1]):
            total += distance[before, node[position]]
            before = node[position]
        length[k] = total + distance[before, 0]
