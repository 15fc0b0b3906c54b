"""Routes by savings, the reference cost where no best known cost exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.problems.solution import Solution
from lagrl.recovery.nearest import nearest_matrix
from lagrl.recovery.pool import lengths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP


_MOST_NEAR = 100  # nearest customers of each that it may be joined to, without a matrix


def clarke_wright(problem: CVRP) -> Solution:
    """Merge routes in the order of falling savings c(i, 0) + c(0, j) − c(i, j) (Clarke and Wright 1964).

    The parallel version: every customer starts on a single route, and the pair of largest saving is joined if both are
    at an end of different routes whose load fits one vehicle; pairs that save nothing are not joined. Ties go by
    customer number. The fleet rule is ignored. O(n² log n) time, n² memory.

    Without a distance matrix only pairs are joined of which one is among the 100 nearest customers of the other.
    """
    from lagrl.recovery import savings_kernels

    n = problem.n_customers
    if problem.matrix is None:
        pair, saving = _near_savings(problem, _MOST_NEAR)
    else:
        pair, saving = None, np.empty(n * (n - 1) // 2)
        savings_kernels.all_savings(problem.matrix, saving)
    worthwhile = np.flatnonzero(saving > 0)
    order = worthwhile[np.argsort(-saving[worthwhile], kind="stable")]
    if pair is not None:
        order = pair[order]
    route, link = np.empty(n, np.int64), np.empty(2 * n, np.int64)
    savings_kernels.merge_routes(order, problem.demand, problem.capacity, route, link)
    routes = [np.array(route) for route in _in_visiting_order(link.reshape(n, 2))]
    return Solution(tuple(tuple(route.tolist()) for route in routes), sum(lengths(problem, routes).tolist()))


def _near_savings(problem: CVRP, most: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs of customers near each other, ascending numbers as in `merge_routes`, and their savings."""
    n = problem.n_customers
    near = nearest_matrix(problem, most)[1:] - 1
    one, other = np.repeat(np.arange(n), near.shape[1]), near.ravel()
    first, second = np.minimum(one, other), np.maximum(one, other)
    pair, place = np.unique(first * (2 * n - first - 1) // 2 + second - first - 1, return_index=True)
    i, j = first[place] + 1, second[place] + 1
    return pair, problem.between(i, 0) + problem.between(0, j) - problem.between(i, j)


def _in_visiting_order(link: NDArray[np.int64]) -> list[list[int]]:
    """Return the routes, customers 1 … n, each from its end of lowest number."""
    neighbours = link.tolist()
    routes, seen = [], [False] * len(neighbours)
    for start, (_, second) in enumerate(neighbours):
        if seen[start] or second >= 0:  # in the middle of a route
            continue
        route, before, here = [], -1, start
        while here >= 0:
            route.append(here + 1)
            seen[here] = True
            first, second = neighbours[here]
            before, here = here, (second if first == before else first)
        routes.append(route)
    return routes
