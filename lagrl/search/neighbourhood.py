"""The part of the current routes that is improved: all of them, or a neighbourhood of a large instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.recovery.polish import Polisher, vehicles_to_polish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP


class Neighbourhood:
    """Some of the current routes, with the local search that improves them.

    Customers keep their numbers, except inside the local search, which sees them as a separate instance.

    Parameters
    ----------
    problem
        The instance.
    columns, routes
        Pool columns of the routes in the neighbourhood, and those routes.
    fixed_columns
        Pool columns of the other current routes.
    seed, weight
        See `Polisher`.
    """

    def __init__(
        self,
        problem: CVRP,
        columns: Sequence[int],
        routes: Sequence[NDArray[np.int64]],
        fixed_columns: Sequence[int],
        *,
        seed: int,
        weight: float = 1.0,
    ) -> None:
        self.problem = problem
        self.fixed_columns = tuple(fixed_columns)
        self.customers = np.sort(np.concatenate(routes))
        self._number = np.zeros(problem.n_customers + 1, np.int64)
        self._number[self.customers] = np.arange(1, len(self.customers) + 1)
        self.is_whole = len(self.customers) == problem.n_customers
        self._most_vehicles = min(vehicles_to_polish(problem, len(routes), len(fixed_columns)), len(self.customers))
        self._seed, self._first_weight = seed, weight
        self._polisher: Polisher | None = None
        self.set_routes(columns, routes)

    def set_routes(self, columns: Sequence[int], routes: Sequence[NDArray[np.int64]]) -> None:
        """Replace the routes by others of the same customers."""
        self.columns = tuple(columns)
        self.routes = list(routes)
        self.lists = [route.tolist() for route in routes]
        self.route_of = {customer: k for k, route in enumerate(self.lists) for customer in route}

    def reseed(self, seed: int) -> None:
        """Let later local searches depend on this seed, their routes and the weight only, not on earlier ones."""
        self._seed = seed
        if self._polisher is not None:
            self._polisher.reseed(seed)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state of a copy, without the local search: it is made again, as if it was reseeded."""
        return {**vars(self), "_polisher": None, "_first_weight": self.weight}

    @property
    def weight(self) -> float:
        """Price of an overload that the local search has reached."""
        return self._first_weight if self._polisher is None else self._polisher.weight

    def polish(self, routes: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]] | None:
        """Improve routes of the neighbourhood's customers by local search; None if overloaded at the end."""
        if self._polisher is None:  # slow to make for many customers, and not always needed
            instance = self.problem if self.is_whole else self.problem.restricted_to(self.customers)
            self._polisher = Polisher(instance, self._most_vehicles, self._seed, self._first_weight)
        polished = self._polisher.polish([self._number[route] for route in routes])
        return None if polished is None else [self.customers[route - 1] for route in polished]


def neighbouring_routes(
    routes: Sequence[Sequence[int]], near: Sequence[Sequence[int]], size: int, rng: np.random.Generator
) -> list[int]:
    """Choose routes around a random customer until they have `size` customers; all routes if they have hardly more.

    `near` are each customer's nearest ones. The size is exceeded by less than a route; it is not reached if the nearest
    customers' nearest customers, and so on, are fewer.
    """
    n_customers = sum(map(len, routes))
    if n_customers <= 1.3 * size:
        return list(range(len(routes)))
    route_of = {customer: k for k, route in enumerate(routes) for customer in route}
    first = routes[int(rng.integers(len(routes)))]
    reached: dict[int, None] = {}
    inside = 0
    waiting = [first[int(rng.integers(len(first)))]]
    seen = set(waiting)
    while waiting and inside < size:
        following: list[int] = []
        for centre in waiting:
            for customer in (centre, *near[centre]):
                k = route_of[customer]
                if k not in reached and inside < size:
                    reached[k] = None
                    inside += len(routes[k])
                if customer not in seen:
                    seen.add(customer)
                    following.append(customer)
        waiting = following
    return list(reached)
