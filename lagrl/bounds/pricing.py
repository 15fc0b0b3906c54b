"""Pricing ng-routes in pieces of work: the least reduced cost by meeting customer, and routes that attain it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.ng_kernels import extend_paths, join_paths, price_arcs, trace_route
from lagrl.bounds.obstacle import ObstacleError
from lagrl.bounds.path_kernels import FAR, extend_paths_by_load, join_paths_by_load, trace_path

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from lagrl.bounds.route_graph import RouteGraph

_WORK = 20_000_000  # inner steps between two checks of the clock: some tens of milliseconds
_PATH_BITS = 58  # paths cost less than `FAR`, and so do two of them
_FIRST_LABELS = 1 << 15
_MOST_LABELS = 1 << 23  # at 40 bytes each


@dataclass(frozen=True, eq=False)
class Prices:
    """Multipliers on the graph's grid, hence exact: the prices that a route pays.

    Attributes
    ----------
    customer
        [n] grid units per visit.
    fleet
        Grid units per route.
    cut
        [C] grid units (≥ 0) each time a route enters or leaves the set.
    member
        [C, n] which customers are in each set, 0 or 1.
    halvings
        Number of halvings, see `whole_prices`.
    """

    customer: NDArray[np.int64] = field(repr=False)
    fleet: int
    cut: NDArray[np.int64] = field(repr=False)
    member: NDArray[np.int64] = field(repr=False)
    halvings: int = 0


def whole_prices(graph: RouteGraph, price: NDArray[np.float64], member: NDArray[np.int64]) -> Prices:
    """Round prices towards 0 to the grid, which keeps their signs.

    Prices so large that the cost of a path could exceed 64 bits are halved until it cannot: any prices give a bound,
    and prices that large never a good one.

    `graph`: the graph of the routes. `price`: [n + 1 + C] prices of customers, fleet and cuts, distance units.
    `member`: [C, n] the cuts' sets.
    """
    n = graph.n_customers
    longest = 2.0 + graph.room / float(graph.load.min())
    dearest = float(graph.cost.max()) + 2.0 * graph.scale * (np.abs(price[: n + 1]).max() + price[n + 1 :].sum())
    halvings = max(0, math.ceil(math.log2(max(dearest * longest, 1.0))) - _PATH_BITS)
    whole = np.trunc(price * (graph.scale * 0.5**halvings)).astype(np.int64)
    return Prices(whole[:n], int(whole[n]), whole[n + 1 :], member, halvings)


@dataclass(frozen=True, eq=False)
class Priced:
    """The result of pricing: least reduced costs and routes.

    Attributes
    ----------
    lowest
        [n] least reduced cost of the ng-routes that meet at each customer, half grid units; 0 where none is negative.
        A route meets at i if neither side of i carries more than half the room; every route meets at one or more of its
        customers. Only exact pricing finds the least.
    routes
        Customers 0 … n − 1 of a route for every entry of `lowest` below 0, in their order, which has that reduced cost.
        A route may occur twice, never in both directions.
    """

    lowest: NDArray[np.int64] = field(repr=False)
    routes: list[tuple[int, ...]] = field(repr=False)


class NgPricing:
    """Prices the ng-routes of a graph for one set of prices at a time."""

    def __init__(self, graph: RouteGraph) -> None:
        self.graph = graph
        n, rows = graph.n_customers, graph.room + 1
        self._bit_of = np.ascontiguousarray(graph.bit.T)
        self._arc = np.empty((n + 1, n + 1), dtype=np.int64)
        self._best, self._before, self._other, self._before_other = np.empty((4, rows, n), dtype=np.int64)
        self._begin = np.zeros(rows + 1, dtype=np.int64)
        subsets = 1 << graph.near.shape[1]
        self._cheapest = np.empty((n, subsets), dtype=np.int64)
        self._candidate = np.empty((subsets, 4), dtype=np.int64)
        self._label = np.empty((_FIRST_LABELS, 5), dtype=np.int64)
        self._route = np.empty(2 * graph.room + 2, dtype=np.int64)

    def set_prices(self, prices: Prices, *, for_paths: bool = False) -> Generator[None, None, None]:
        """Set the prices, for `price_paths` only (half of the work) if `for_paths`; yields between pieces of work."""
        graph = self.graph
        price = np.append(prices.customer, prices.fleet)
        price_arcs(graph.cost, price, prices.member, prices.cut, self._arc)
        rows = min(graph.room, graph.room // 2 + int(graph.load.max())) if for_paths else graph.room
        chunk = max(1, _WORK // graph.n_customers**2)
        for begin in range(0, rows + 1, chunk):
            end = min(begin + chunk, rows + 1)
            tables = self._best, self._before, self._other, self._before_other
            extend_paths_by_load(self._arc, graph.load, graph.bit, *tables, begin, end)
            yield

    def price_paths(self) -> Priced:
        """Price the routes that remember one customer back, a relaxation of the ng-routes, exactly."""
        graph = self.graph
        n = graph.n_customers
        lowest, meeting = np.zeros(n, dtype=np.int64), np.zeros((n, 3), dtype=np.int64)
        join_paths_by_load(self._best, self._before, self._other, graph.load, graph.bit, graph.room, lowest, meeting)
        tables = self._before, self._before_other, graph.load, graph.bit
        routes = []
        for j in np.flatnonzero(lowest < 0).tolist():
            q, p, way = meeting[j].tolist()
            length = trace_path(*tables, q, j, way == 1, self._route)
            forth = self._route[:length][::-1].tolist()
            length = trace_path(*tables, p, j, way == 2, self._route)
            routes.append(canonical_direction([*forth, j, *self._route[:length].tolist()]))
        return Priced(lowest, routes)

    def price(self, *, exact: bool) -> Generator[None, None, Priced]:
        """Price the ng-routes, yielding between pieces of work; unless `exact`, keep few paths, in much less time.

        Raises ObstacleError if more than `_MOST_LABELS` paths are needed.
        """
        state = np.zeros(3, dtype=np.int64)
        self._cheapest.fill(FAR)
        self._candidate.fill(FAR)
        graph = self.graph
        while True:
            tables = self._bit_of, self._best, self._before, self._other
            labels = self._label, self._begin, self._cheapest, self._candidate, state
            status = extend_paths(
                self._arc, graph.load, graph.room, graph.near, graph.bit, *tables, *labels, int(exact), _WORK
            )
            if status == 0:
                break
            if status == 2 and len(self._label) >= _MOST_LABELS:
                raise ObstacleError(f"pricing needs more than {_MOST_LABELS:,} partial routes")
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
        lowest, pair = np.zeros(n, dtype=np.int64), np.zeros((n, 2), dtype=np.int64)
        examined = 0
        for customer in range(n):
            examined += join_paths(label, order, start, graph.load, graph.room, customer, lowest, pair)
            if examined > _WORK:
                examined = 0
                yield
        routes = []
        for forth, back in pair[lowest < 0].tolist():
            length = trace_route(label, forth, back, self._route)
            routes.append(canonical_direction(self._route[:length].tolist()))
        return Priced(lowest, routes)


def canonical_direction(route: Sequence[int]) -> tuple[int, ...]:
    """Return the smaller of a route and its reverse, in lexicographic order."""
    forth = tuple(route)
    return min(forth, forth[::-1])
