"""One route through each cluster of customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP


def tour_clusters(
    problem: CVRP, clusters: Sequence[NDArray[np.int64]]
) -> tuple[list[NDArray[np.int64]], NDArray[np.float64]]:
    """Route each cluster from the depot: nearest neighbour, then 2-opt and Or-opt to a local optimum.

    `clusters` hold customers 1 … n, none empty. Returns the customers in visiting order, and the routes' lengths,
    distance units. Deterministic: the same cluster, in the same order, gives the same route.
    """
    from lagrl.recovery import tour_kernels

    start = np.cumsum([0] + [len(cluster) for cluster in clusters])
    route = np.empty(int(start[-1]), np.int64)
    cost = np.empty(len(clusters))
    tour_kernels.tour_clusters(problem.distance, np.concatenate(clusters), start, route, cost)
    return [route[start[c] : start[c + 1]] for c in range(len(clusters))], cost
