"""The part of the current routes that is worked on: all of them, or a neighbourhood of a large instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.recovery.polish import Polisher, vehicles_to_polish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP


class Neighbourhood:
    """Some of the current routes, with what improves them.

    Customers keep their numbers; only polishing sees them renumbered, as an instance of their own.

    Parameters
    ----------
    problem
        The instance.
    columns
        Pool columns of the routes in focus.
    routes
        Those routes.
    others
        Pool columns of the current routes out of focus.
    polish
        Whether routes are polished.
    seed
        Seed of the polisher.
    weight
        See `Polisher`.
    """

    def __init__(
        self,
        problem: CVRP,
        columns: Sequence[int],
        routes: Sequence[NDArray[np.int64]],
        others: Sequence[int],
        *,
        polish: bool,
        seed: int,
        weight: float = 1.0,
    ) -> None:
        self.problem = problem
        self.fixed_columns = tuple(others)
        self.customers = np.sort(np.concatenate(routes))
        self._number = np.zeros(problem.n_customers + 1, np.int64)
        self._number[self.customers] = np.arange(1, len(self.customers) + 1)
        self.is_whole = len(self.customers) == problem.n_customers
        self._polisher: Polisher | None = None
        if polish:
            instance = problem if self.is_whole else problem.restricted_to(self.customers)
            most = vehicles_to_polish(problem, len(routes), len(others))
            self._polisher = Polisher(instance, min(most, len(self.customers)), seed, weight)
        self.set(columns, routes)

    def set(self, columns: Sequence[int], routes: Sequence[NDArray[np.int64]]) -> None:
        """Go on from these routes of the same customers."""
        self.columns = tuple(columns)
        self.routes = list(routes)
        self.lists = [route.tolist() for route in routes]
        self.route_of = {customer: k for k, route in enumerate(self.lists) for customer in route}

    @property
    def weight(self) -> float:
        """Price of an overload that the polisher has come to; 1 without one."""
        return 1.0 if self._polisher is None else self._polisher.weight

    def polish(self, routes: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]] | None:
        """Polish routes of the customers in focus; None if that ends overloaded, or nothing polishes here."""
        if self._polisher is None:
            return None
        polished = self._polisher.polish([self._number[route] for route in routes])
        return None if polished is None else [self.customers[route - 1] for route in polished]


def neighbouring_routes(
    routes: Sequence[Sequence[int]], near: Sequence[Sequence[int]], size: int, rng: np.random.Generator
) -> list[int]:
    """Choose routes around a random customer until they have `size` customers, or all of them if that is nearly it.

    Fewer have that many where the nearest customers' nearest customers, and so on, end before.

    `routes`: customers in visiting order. `size`: customers wanted; exceeded by no more than a route.
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
