"""The pool of all routes toured, one per set of customers."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from lagrl.problems.solution import Solution
from lagrl.recovery.tours import tour_clusters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP


_ROUNDING = 1e-10  # share of a length that may come from the order of a sum


class RoutePool:
    """Routes by the set of customers they serve.

    A cluster is toured the first time it occurs and looked up later. The routes are the columns of the set-partitioning
    master (`set_partitioning`). A column never changes: a shorter order of the same customers becomes a new column,
    which is looked up from then on.
    """

    def __init__(self, problem: CVRP) -> None:
        self.problem = problem
        self._column: dict[bytes, int] = {}
        self._routes: list[NDArray[np.int64]] = []
        self._cost: list[float] = []

    def __len__(self) -> int:
        return len(self._routes)

    @property
    def routes(self) -> Sequence[NDArray[np.int64]]:
        """Customers 1 … n of each route in visiting order."""
        return self._routes

    @property
    def cost(self) -> NDArray[np.float64]:
        """Length of each route, distance units."""
        return np.array(self._cost)

    def add_assignment(self, assignment: NDArray[np.int64], customers: NDArray[np.int64] | None = None) -> list[int]:
        """Tour the clusters of an assignment [m] (vehicle index or −1) and return their columns.

        Customers without a vehicle are put into additional clusters, first fit in order of falling demand, so that the
        columns serve all customers; the fleet rule may forbid that number. `customers` [m] are those assigned,
        ascending; None for all.
        """
        if customers is None:
            customers = np.arange(1, len(assignment) + 1)
        left = customers[assignment < 0]
        order = np.argsort(assignment, kind="stable")[len(left) :]
        cuts = np.flatnonzero(np.diff(assignment[order])) + 1
        clusters = [cluster for cluster in np.split(customers[order], cuts) if len(cluster)]
        return self.add_clusters(clusters + first_fit(self.problem, left))

    def add_selection(self, selection: NDArray[np.uint8], customers: NDArray[np.int64] | None = None) -> list[int]:
        """Tour the loads of a selection [K, m] in {0, 1} within the capacities; vehicles without customers are skipped.

        `customers` [m] are those selected from, ascending; None for all.
        """
        if customers is None:
            customers = np.arange(1, selection.shape[1] + 1)
        return self.add_clusters([customers[row > 0] for row in selection if row.any()])

    def add_clusters(self, clusters: Sequence[NDArray[np.int64]]) -> list[int]:
        """Tour clusters (customers 1 … n, ascending, within capacity) and return their columns."""
        keys = [cluster.tobytes() for cluster in clusters]
        new = list({key: position for position, key in enumerate(keys) if key not in self._column}.values())
        if new:
            routes, cost = tour_clusters(self.problem, [clusters[position] for position in new])
            for position, route, length in zip(new, routes, cost.tolist(), strict=True):
                self._column[keys[position]] = len(self._routes)
                self._routes.append(route)
                self._cost.append(length)
        return [self._column[key] for key in keys]

    def add_toured(
        self, customers: NDArray[np.int64], routes: NDArray[np.int64], start: Sequence[int], cost: Sequence[float]
    ) -> list[int]:
        """Add clusters that were toured elsewhere, as `add_clusters` would have, and return their columns.

        Cluster c is customers[start[c] : start[c + 1]], ascending; its visiting order has the same places in `routes`,
        and its length, distance units, is cost[c]. The arrays are kept, and must not change.
        """
        keys, width, columns = customers.tobytes(), customers.itemsize, []
        for c, length in enumerate(cost):
            first, last = start[c], start[c + 1]
            key = keys[width * first : width * last]
            column = self._column.get(key)
            if column is None:
                column = self._column[key] = len(self._routes)
                self._routes.append(routes[first:last])
                self._cost.append(length)
            columns.append(column)
        return columns

    def add_routes(self, routes: Sequence[NDArray[np.int64]]) -> list[int]:
        """Add routes (customers in visiting order, within capacity) and return their columns; empty ones are skipped.

        Of two orders of the same customers the shorter one is kept; a longer one gets the column of the shorter.
        """
        routes = [route for route in routes if len(route)]
        if not routes:
            return []
        columns = []
        for route, cost in zip(routes, lengths(self.problem, routes).tolist(), strict=True):
            ordered = route.copy()
            ordered.sort()
            key = ordered.tobytes()
            known = self._column.get(key)
            if known is None or is_shorter(cost, self._cost[known]):
                known = self._column[key] = len(self._routes)
                self._routes.append(route.copy())  # a slice would keep the whole array in memory
                self._cost.append(cost)
            columns.append(known)
        return columns

    def cost_of(self, columns: Sequence[int]) -> float:
        """Return the total length of some columns, distance units."""
        return float(sum(self._cost[column] for column in columns))

    def solution(self, columns: Sequence[int]) -> Solution:
        """Return the solution that consists of these columns."""
        return Solution.of(self.problem, [self._routes[column].tolist() for column in columns])


def within_capacity(problem: CVRP, routes: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Return the routes, customers 1 … n, whose loads do not exceed the capacity."""
    return [route for route in routes if problem.demand[route - 1].sum() <= problem.capacity]


def lengths(problem: CVRP, routes: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return the lengths of routes, none empty, from the depot and back: sums in the order of the arcs."""
    from lagrl.relaxation.insertion_kernels import route_lengths

    start, length = np.array([0, *accumulate(map(len, routes))]), np.empty(len(routes))
    if problem.matrix is None:
        path = np.insert(np.concatenate(routes), start, 0)
        arcs = problem.between(path[:-1], path[1:])
        length[:] = np.bincount(np.repeat(np.arange(len(routes)), np.diff(start) + 1), arcs)
        return length
    route_lengths(problem.matrix, np.concatenate(routes), start, length)
    return length


def is_shorter(cost: float, other: float) -> bool:
    """Return whether one length is less than another by more than rounding; any finite length is less than infinity."""
    return cost < other * (1.0 - _ROUNDING)


def first_fit(problem: CVRP, customers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Pack customers 1 … n into loads, first fit in order of falling demand; return the loads' customers, ascending."""
    loads: list[list[int]] = []
    room: list[int] = []
    for customer in sorted(customers.tolist(), key=lambda c: -int(problem.demand[c - 1])):
        demand = int(problem.demand[customer - 1])
        load = next((load for load, left in enumerate(room) if left >= demand), len(room))
        if load == len(room):
            loads.append([])
            room.append(problem.capacity)
        loads[load].append(customer)
        room[load] -= demand
    return [np.array(sorted(load), np.int64) for load in loads]
