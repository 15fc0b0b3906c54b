"""Choice of the customers to free: strings on adjacent routes (Christiaens and Vanden Berghe 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LONGEST = 10  # customers of a string
_MOST_ROUTES = 10  # that freed customers may join
_NEAR = 6  # nearest customers of a freed one whose routes may take them


def nearest_customers(distance: NDArray[np.float64], most: int = 100) -> list[list[int]]:
    """Return the `most` nearest customers of nodes 0 … n, nearest first (the depot's list is empty).

    `distance` is [n + 1, n + 1], distance units.
    """
    order = np.argsort(distance[1:, 1:], axis=1, kind="stable")[:, : most + 1] + 1
    return [[], *([c for c in row if c != i][:most] for i, row in enumerate(order.tolist(), 1))]


def adjacent_strings(
    routes: Sequence[Sequence[int]],
    route_of: dict[int, int],
    near: Sequence[Sequence[int]],
    freed: int,
    rng: np.random.Generator,
    *,
    closing: bool = False,
) -> tuple[list[int], list[int]]:
    """Free a string of consecutive customers from each of several adjacent routes, around a random customer.

    Returns the freed customers, and the routes that may take them: their own, and some of their neighbours' routes.

    Parameters
    ----------
    routes
        Customers in visiting order.
    route_of
        Index in `routes` of each customer; other customers are not freed.
    near
        Each customer's nearest ones, see `nearest_customers`.
    freed
        Average number of customers to free.
    rng
        Source of randomness.
    closing
        Whether the random customer's whole route is freed and may take none of them, if there is another route.
    """
    longest = min(float(_LONGEST), len(route_of) / len(routes))
    most_strings = max(4.0 * freed / (1.0 + longest) - 1.0, 1.0)
    n_strings = int(rng.uniform(1.0, most_strings + 1.0))
    first = routes[int(rng.integers(len(routes)))]
    centre = first[int(rng.integers(len(first)))]
    taken: list[int] = []
    from_routes: list[int] = []
    for customer in (centre, *near[centre]):
        k = route_of.get(customer)
        if k is None or k in from_routes:
            continue
        route = routes[k]
        if closing and not from_routes:
            taken += route
            from_routes.append(k)
            continue
        length = int(rng.uniform(1.0, min(len(route), longest) + 1.0))
        place = route.index(customer)
        begin = int(rng.integers(max(0, place - length + 1), min(place, len(route) - length) + 1))
        taken += route[begin : begin + length]
        from_routes.append(k)
        if len(from_routes) >= n_strings:
            break
    reached = routes_to_join(taken, route_of, near)
    return taken, reached[1:] if closing and len(reached) > 1 else reached


def routes_to_join(freed: Sequence[int], route_of: dict[int, int], near: Sequence[Sequence[int]]) -> list[int]:
    """Return the routes that may take freed customers: their own in the order given, and some of their neighbours'.

    For the arguments see `adjacent_strings`. All own routes are returned, others up to a total of ten.
    """
    reached = list(dict.fromkeys(route_of[customer] for customer in freed))
    for customer in freed:
        for other in near[customer][:_NEAR]:
            k = route_of.get(other)
            if k is not None and k not in reached and len(reached) < _MOST_ROUTES:
                reached.append(k)
    return reached
