"""Pricing ng-routes, a piece at a time: the exact minimum by meeting customer, and routes of negative reduced cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.ng_kernels import FAR, bound_paths, extend_paths, join_paths, price_arcs, trace_route

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from lagrl.bounds.graph import RouteGraph

_WORK = 20_000_000  # inner steps between two looks at the clock: some tens of milliseconds
_FIRST_LABELS = 1 << 15


@dataclass(frozen=True, eq=False)
class Prices:
    """What a route pays for what it does: multipliers on the graph's grid, hence exact.

    Attributes
    ----------
    customer
        [n] grid units a visit.
    fleet
        Grid units a route.
    cut
        [C] grid units (≥ 0) each time a route enters or leaves the set.
    member
        [C, n] which customers are in each set, 0 or 1.
    """

    customer: NDArray[np.int64] = field(repr=False)
    fleet: int
    cut: NDArray[np.int64] = field(repr=False)
    member: NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Priced:
    """What pricing found.

    Attributes
    ----------
    lowest
        [n] least reduced cost of the ng-routes that meet at each customer, half grid units; 0 where none is negative.
        A route meets at i if neither side of i carries more than half the room, and every route does so at one of
        its customers at least. Only what exact pricing finds is the least.
    routes
        Customers 0 … n − 1 of the cheapest routes of negative reduced cost, no two the same in either direction.
    """

    lowest: NDArray[np.int64] = field(repr=False)
    routes: list[tuple[int, ...]] = field(repr=False)


class NgPricing:
    """Prices the ng-routes of a graph, one set of prices after the other.

    Parameters
    ----------
    graph
        Where the routes go.
    routes_per_customer
        Most routes to return for each customer they meet at.
    """

    def __init__(self, graph: RouteGraph, routes_per_customer: int = 1) -> None:
        self.graph = graph
        n, rows = graph.n_customers, graph.room + 1
        self._bit_of = np.ascontiguousarray(graph.bit.T)
        self._arc = np.empty((n + 1, n + 1), dtype=np.int64)
        self._best, self._before, self._other = (np.empty((rows, n), dtype=np.int64) for _ in range(3))
        self._begin = np.zeros(rows + 1, dtype=np.int64)
        subsets = 1 << graph.near.shape[1]
        self._cheapest = np.empty((n, subsets), dtype=np.int64)
        self._candidate = np.empty((subsets, 4), dtype=np.int64)
        self._label = np.empty((_FIRST_LABELS, 5), dtype=np.int64)
        self._pair = np.empty((n * routes_per_customer, 3), dtype=np.int64)
        self._route = np.empty(2 * graph.room + 2, dtype=np.int64)

    def set_prices(self, prices: Prices) -> Generator[None, None, None]:
        """Charge prices and bound the ways back by them; yields now and then."""
        graph = self.graph
        price = np.append(prices.customer, prices.fleet)
        price_arcs(graph.cost, price, prices.member, prices.cut, self._arc)
        chunk = max(1, _WORK // graph.n_customers**2)
        for begin in range(0, graph.room + 1, chunk):
            end = min(begin + chunk, graph.room + 1)
            bound_paths(
                self._arc, graph.load, graph.bit, self._best, self._before, self._other, begin, end
            )
            yield

    def price(self, *, exact: bool) -> Generator[None, None, Priced]:
        """Price by the prices set last; yields now and then, and returns what it found.

        Parameters
        ----------
        exact
            Whether `lowest` must be the least; else few paths are kept, in a fraction of the time.
        """
        state = np.zeros(3, dtype=np.int64)
        self._cheapest.fill(FAR)
        self._candidate.fill(FAR)
        graph = self.graph
        while True:
            status = extend_paths(
                self._arc,
                graph.load,
                graph.room,
                graph.near,
                graph.bit,
                self._bit_of,
                self._best,
                self._before,
                self._other,
                self._label,
                self._begin,
                self._cheapest,
                self._candidate,
                state,
                int(exact),
                _WORK,
            )
            if status == 0:
                break
            if status == 2:
                self._label = np.concatenate([self._label, np.empty_like(self._label)])
            yield
        return (yield from self._join(int(state[2])))

    def _join(self, n_labels: int) -> Generator[None, None, Priced]:
        graph = self.graph
        n = graph.n_customers
        label = self._label[:n_labels]
        order = np.lexsort((label[:, 0], label[:, 2]))
        start = np.searchsorted(label[order, 2], np.arange(n + 1))
        lowest, count = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        looks = 0
        for customer in range(n):
            looks += join_paths(label, order, start, graph.load, graph.room, customer, lowest, self._pair, count)
            if looks > _WORK:
                looks = 0
                yield
        return Priced(lowest, self._traced(label, count))

    def _traced(self, label: NDArray[np.int64], count: NDArray[np.int64]) -> list[tuple[int, ...]]:
        width = len(self._pair) // len(count)
        rows = np.flatnonzero(np.arange(width) < count[:, None])
        rows = rows[np.argsort(self._pair[rows, 0], kind="stable")]
        routes = {}
        for _, forth, back in self._pair[rows]:
            length = trace_route(label, forth, back, self._route)
            routes[canonical(self._route[:length].tolist())] = None
        return list(routes)


def canonical(route: Sequence[int]) -> tuple[int, ...]:
    """Return the lesser of a route and its reverse."""
    forth = tuple(route)
    return min(forth, forth[::-1])
