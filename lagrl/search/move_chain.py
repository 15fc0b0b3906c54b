"""Routes that a compiled chain of moves improves, and the memory of that chain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lagrl.recovery.nearest import nearest_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP

_MOST_NEAR = 100  # nearest customers of each, for the strings
_PRICED = 0.5  # share of the moves that assign by prices
_SEEN = 40  # nearest customers beside which an insertion looks
_ALLOWANCE = 0.1  # of the capacity: largest excess of a load, where one is allowed


class MoveChain:
    """Routes, the best ones so far, and the state of the random numbers.

    The same seed and the same calls give the same routes.

    Parameters
    ----------
    problem
        The instance.
    routes
        Customers 1 … n in visiting order; they must meet the fleet rule, and be within the capacity unless `is_soft`.
    seed
        Random seed.
    priced
        Share of the moves that assign the freed customers to routes by prices before they insert them (default: half).
    is_soft
        Whether loads of the current routes may exceed the capacity by a tenth, at a penalty; those of the best routes
        never do.

    Attributes
    ----------
    cost
        [3] cost of the current and of the best routes, distance units, infinite before any are within the capacity;
        penalty per unit of an excess load.
    """

    def __init__(
        self,
        problem: CVRP,
        routes: Sequence[NDArray[np.int64]],
        seed: int | Sequence[int],
        priced: float | None = None,
        *,
        is_soft: bool = False,
    ) -> None:
        from lagrl.search.priced_kernels import N_FLOATS, N_INTS

        n, most = problem.n_customers, problem.maximum_vehicles
        share = _PRICED if priced is None else priced
        self.problem = problem
        self.cost = np.zeros(3)
        self._limits = np.array([problem.capacity, 0, most, _SEEN, round(1000 * share), 0], np.int64)
        self.is_soft = is_soft
        self._near = nearest_matrix(problem, _MOST_NEAR)
        self._after, self._before, self._best = (np.empty(n + 1 + most, np.int64) for _ in range(3))
        self._arc = np.zeros(n + 1 + most)
        self._route = np.empty(n + 1, np.int64)
        self._load, self._size = np.empty(most, np.int64), np.empty(most, np.int64)
        self._work, self._key = np.empty(5 * n + most + N_INTS, np.int64), np.empty(n + N_FLOATS)
        self._word = np.random.default_rng(seed).integers(1, 2**63, 1, np.uint64)
        self.continue_from(routes)
        self.cost[2] = self.cost[0] / max(problem.demand.sum(), 1)

    def continue_from(self, routes: Sequence[NDArray[np.int64]], n_others: int = 0, n_parts: int = 1) -> None:
        """Replace the current and the best routes.

        They may be one of `n_parts` parts of the routes of all customers. The `n_others` other routes may change at the
        same time: as far as the fleet rule allows more or fewer routes, each part has an equal share of that.
        """
        n, distance = self.problem.n_customers, self.problem.distance
        n_routes, fewest, most = len(routes) + n_others, self.problem.fleet.fewest, self.problem.maximum_vehicles
        self._limits[1] = len(routes) - (n_routes - fewest) // n_parts
        self._limits[2] = len(routes) + (most - n_routes) // n_parts
        self._after[:] = self._before[:] = np.arange(len(self._after))
        self._load[:] = self._size[:] = 0
        self._route[:] = -1
        for k, customers in enumerate(routes):
            path = np.concatenate([[n + 1 + k], customers])
            self._after[path] = np.roll(path, -1)
            self._before[path] = np.roll(path, 1)
            self._route[customers] = k
            self._load[k] = self.problem.demand[customers - 1].sum()
            self._size[k] = len(customers)
        self._best[:] = self._after
        here, there = (np.where(nodes > n, 0, nodes) for nodes in (np.arange(len(self._after)), self._after))
        self._arc[:] = distance[here, there]
        self.cost[:2] = self._arc[1:].sum()
        if self._load.max() > self.problem.capacity:
            self.cost[1] = np.inf

    @property
    def is_soft(self) -> bool:
        """Whether loads of the current routes may exceed the capacity; set it before `continue_from`."""
        return bool(self._limits[5] > self.problem.capacity)

    @is_soft.setter
    def is_soft(self, is_soft: bool) -> None:
        capacity = self.problem.capacity
        self._limits[5] = capacity + (math.ceil(_ALLOWANCE * capacity) if is_soft else 0)

    def run(self, temperature: float, n_moves: int) -> int:
        """Make moves at a temperature in distance units; return the number of accepted ones."""
        from lagrl.search.chain_kernels import run_chain

        accepted = run_chain(
            self.problem.distance,
            self.problem.demand,
            self._near,
            self._limits,
            self._after,
            self._before,
            self._arc,
            self._route,
            self._load,
            self._size,
            self._best,
            self._work,
            self._key,
            self.cost,
            self._word,
            temperature,
            n_moves,
        )
        self.cost[0] = self._arc[1:].sum()  # without the rounding of the sums of changes
        return accepted

    def routes(self) -> list[NDArray[np.int64]]:
        """Return the current routes, customers in visiting order."""
        return self._unrolled(self._after)

    def best_routes(self) -> list[NDArray[np.int64]]:
        """Return the best routes since `continue_from`, customers in order; none if all exceeded the capacity."""
        return self._unrolled(self._best) if self.cost[1] < np.inf else []

    def _unrolled(self, after: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        n, following = self.problem.n_customers, after.tolist()
        routes = []
        for depot in range(n + 1, len(following)):
            route, node = [], following[depot]
            while node != depot:
                route.append(node)
                node = following[node]
            if route:
                routes.append(np.array(route, np.int64))
        return routes
