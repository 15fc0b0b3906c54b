"""Compiled savings: from routes of one customer each to merged routes."""

from __future__ import annotations

from lagrl.signatures import INTS, MATRIX, OUT_FLOATS, OUT_INTS, Floats, Ints, Matrix, int64, kernel, void


@kernel(void(MATRIX, OUT_FLOATS))
def all_savings(distance: Matrix, saving: Floats) -> None:
    """Write c(i, 0) + c(0, j) − c(i, j) of all pairs i < j of customers, row by row; reads n²/2 distances."""
    pair = 0
    n = len(distance) - 1
    for i in range(1, n + 1):
        for j in range(i + 1, n + 1):
            saving[pair] = distance[i, 0] + distance[0, j] - distance[i, j]
            pair += 1


@kernel(void(INTS, INTS, int64, OUT_INTS, OUT_INTS))
def merge_routes(order: Ints, demand: Ints, capacity: int, route: Ints, link: Ints) -> None:
    """Merge routes end to end in the order of the pairs, where the load fits.

    `route` [n] receives a number of each customer's route (one of its customers), `link` [2·n] each customer's one or
    two neighbours on it (−1 for none). Pair number p of `order` is the p-th of i < j, row by row. O(n²) for the pairs,
    and O(n) for each of the at most n − 1 merges.
    """
    n = len(demand)
    load = demand.copy()
    for i in range(n):
        route[i] = i
        link[2 * i] = -1
        link[2 * i + 1] = -1
    for pair in order:
        # invert the numbering: row i starts at pair i·(2n − i − 1)/2
        i = int64(n - 0.5 - ((n - 0.5) ** 2 - 2.0 * pair) ** 0.5)
        while i * (2 * n - i - 1) // 2 > pair:
            i -= 1
        while (i + 1) * (2 * n - i - 2) // 2 <= pair:
            i += 1
        j = pair - i * (2 * n - i - 1) // 2 + i + 1
        kept = route[i]
        gone = route[j]
        if kept == gone or link[2 * i + 1] >= 0 or link[2 * j + 1] >= 0 or load[kept] + load[gone] > capacity:
            continue
        if link[2 * i] < 0:
            link[2 * i] = j
        else:
            link[2 * i + 1] = j
        if link[2 * j] < 0:
            link[2 * j] = i
        else:
            link[2 * j + 1] = i
        load[kept] += load[gone]
        for other in range(n):
            if route[other] == gone:
                route[other] = kept
