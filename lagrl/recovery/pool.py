"""Every route ever toured, each cluster of customers once."""

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

    A cluster is toured the first time it is seen and looked up from then on. The routes are the columns of the
    set-partitioning master (`set_partitioning`). A column never changes; a shorter order of the same customers becomes
    a column of its own, which is found in its place from then on.

    Parameters
    ----------
    problem
        The instance whose routes are kept.
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
        """Tour the clusters of an assignment and return their columns.

        Customers without a vehicle travel in additional clusters, filled first-fit in order of falling demand, so
        that the columns always serve everyone; the fleet rule may forbid that many.

        `assignment`: [m] vehicle index, −1 for customers without one. `customers`: [m] whom it is about, ascending;
        everybody if None.
        """
        if customers is None:
            customers = np.arange(1, len(assignment) + 1)
        left = customers[assignment < 0]
        order = np.argsort(assignment, kind="stable")[len(left) :]
        cuts = np.flatnonzero(np.diff(assignment[order])) + 1
        clusters = [cluster for cluster in np.split(customers[order], cuts) if len(cluster)]
        return self.add_clusters(clusters + first_fit(self.problem, left))

    def add_selection(self, selection: NDArray[np.uint8], customers: NDArray[np.int64] | None = None) -> list[int]:
        """Tour the loads of a selection [K, m] that respects the capacities; vehicles without customers are skipped.

        `selection`: [K, m] in {0, 1}. `customers`: [m] whom it is about, ascending; everybody if None.
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

    def add_routes(self, routes: Sequence[NDArray[np.int64]]) -> list[int]:
        """Keep routes as they are driven, and return their columns; empty ones are skipped.

        Of two orders of the same customers the shorter is kept. A longer one gets the column of the shorter.

        `routes`: customers 1 … n in visiting order, within capacity.
        """
        from lagrl.relaxation.insertion_kernels import route_lengths

        routes = [route for route in routes if len(route)]
        if not routes:
            return []
        start, length = np.array([0, *accumulate(map(len, routes))]), np.empty(len(routes))
        route_lengths(self.problem.distance, np.concatenate(routes), start, length)
        columns = []
        for route, cost in zip(routes, length.tolist(), strict=True):
            ordered = route.copy()
            ordered.sort()
            key = ordered.tobytes()
            known = self._column.get(key)
            if known is None or is_shorter(cost, self._cost[known]):
                known = self._column[key] = len(self._routes)
                self._routes.append(route.copy())  # a slice would keep the array alive that it was cut from
                self._cost.append(cost)
            columns.append(known)
        return columns

    def cost_of(self, columns: Sequence[int]) -> float:
        """Return the total length of some columns, distance units."""
        return float(sum(self._cost[column] for column in columns))

    def solution(self, columns: Sequence[int]) -> Solution:
        """Return the solution that drives these columns."""
        return Solution.of(self.problem, [self._routes[column].tolist() for column in columns])


def is_shorter(cost: float, other: float) -> bool:
    """Tell whether one length is less than another by more than rounding; everything finite is less than infinity."""
    return cost < other * (1.0 - _ROUNDING)


def first_fit(problem: CVRP, customers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Pack customers into as many loads as it takes: first fit, in order of falling demand.

    `customers`: customers 1 … n. Returns one array of ascending customers per load.
    """
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
