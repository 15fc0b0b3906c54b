"""A lower bound without an optimisation, as a start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.bounds.route_graph import RouteGraph


def trivial_bound(graph: RouteGraph) -> int:
    """Return the larger of two bounds, half grid units, exactly.

    Radial (Haimovich and Rinnooy Kan 1985): a route costs at least twice the way to its farthest customer, hence twice
    the load-weighted mean of the ways to its customers; over all routes Σ_i 2·c_0i·d_i/Q. A way is a shortest path: the
    arc may be longer where the triangle inequality does not hold. Degrees: each customer has two arcs, no shorter than
    the customer's shortest; so has the depot for each route; every arc is counted at both ends.
    """
    n = graph.n_customers
    demand, capacity = graph.problem.demand, graph.problem.capacity
    ways = _shortest_ways(graph.cost)[:n]
    radial = sum(2 * way * load // capacity for way, load in zip(ways.tolist(), demand.tolist(), strict=True))
    arcs = graph.cost.copy()
    np.fill_diagonal(arcs, np.iinfo(np.int64).max)
    shortest = arcs.min(axis=1)
    degrees = int(shortest[:n].sum()) + graph.n_routes[0] * int(shortest[n])
    return max(int(radial), degrees)


def _shortest_ways(cost: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the length of the shortest path from the last node to each node (Dijkstra 1959), O(n²)."""
    way: NDArray[np.int64] = cost[-1].copy()
    done = np.zeros(len(cost), dtype=bool)
    for _ in range(len(cost)):
        node = int(np.argmin(np.where(done, np.iinfo(np.int64).max, way)))
        done[node] = True
        np.minimum(way, way[node] + cost[node], out=way)
    return way
