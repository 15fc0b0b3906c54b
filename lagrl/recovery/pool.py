"""Every route ever toured, each cluster of customers once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.problems.solution import Solution
from lagrl.recovery.tours import tour_clusters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP


class RoutePool:
    """Routes by the set of customers they serve.

    A cluster is toured the first time it is seen and looked up from then on. The routes are the columns of the
    set-partitioning master (`set_partitioning`).

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

    def add_assignment(self, assignment: NDArray[np.int64]) -> list[int]:
        """Tour the clusters of an assignment and return their columns.

        Customers without a vehicle travel in additional clusters, filled first-fit in order of falling demand, so
        that the columns always serve everyone; the fleet rule may forbid that many.

        Parameters
        ----------
        assignment
            [n] vehicle index, −1 for customers without one.
        """
        if (assignment < 0).any():
            assignment = self._with_extra_vehicles(assignment)
        order = np.argsort(assignment, kind="stable")
        cuts = np.flatnonzero(np.diff(assignment[order])) + 1
        return self.add_clusters(np.split(order + 1, cuts))

    def add_selection(self, selection: NDArray[np.uint8]) -> list[int]:
        """Tour the loads of a selection [K, n] that respects the capacities; vehicles without customers are skipped."""
        return self.add_clusters([np.flatnonzero(row) + 1 for row in selection if row.any()])

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

    def cost_of(self, columns: Sequence[int]) -> float:
        """Return the total length of some columns, distance units."""
        return float(sum(self._cost[column] for column in columns))

    def solution(self, columns: Sequence[int]) -> Solution:
        """Return the solution that drives these columns."""
        return Solution.of(self.problem, [self._routes[column].tolist() for column in columns])

    def _with_extra_vehicles(self, assignment: NDArray[np.int64]) -> NDArray[np.int64]:
        complete = assignment.copy()
        demand = self.problem.demand
        first = int(assignment.max()) + 1
        room: list[int] = []
        for customer in sorted(np.flatnonzero(assignment < 0), key=lambda i: -int(demand[i])):
            fitting = (extra for extra, left in enumerate(room) if left >= demand[customer])
            extra = next(fitting, len(room))
            if extra == len(room):
                room.append(self.problem.capacity)
            room[extra] -= int(demand[customer])
            complete[customer] = first + extra
        return complete
