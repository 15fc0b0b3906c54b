"""Column and cut generation: the prices' ascent that the linear master leads, smoothed (Wentges 1997)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.master import RouteMaster, along, joined
from lagrl.bounds.ng_kernels import price_arcs
from lagrl.bounds.pricing import NgPricing

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from lagrl.bounds.graph import RouteGraph
    from lagrl.bounds.master import MasterPoint
    from lagrl.bounds.pricing import Priced, Prices

_SMOOTHING = 0.8
_CLOSED = 1e-7  # of the value: what is left between master and bound
_READY_FOR_CUTS = 2e-3
_MOST_RAISES = 6
_SEPARATION_TRIES = 1


def lagrangian(graph: RouteGraph, prices: Prices, crossings: NDArray[np.int64], priced: Priced) -> int:
    """Return the Lagrangian bound at some prices, half grid units, exactly.

    A solution has a fixed number of routes or at most n, and these meet at different customers each; so their reduced
    costs add up to no less than so many of the least ones by meeting customer do. The rest is what the rows' prices
    bring in: customers once, the fleet's fewest routes, the cuts' crossings.
    """
    fewest, most = graph.n_routes
    income = int(prices.customer.sum()) + prices.fleet * fewest + int(prices.cut @ crossings)
    return 2 * income + int(np.sort(priced.lowest)[:most].sum())


class CutAndPrice:
    """The column generation of one instance, as far as it has come.

    Parameters
    ----------
    graph
        Where the routes go.
    separate
        Finds violated cuts given edge weights: sets [c, n] and crossings [c]; None for none.

    Attributes
    ----------
    best
        Highest Lagrangian bound so far, half grid units; None before the first.
    evaluations
        Exact pricings so far.
    """

    def __init__(self, graph: RouteGraph, separate=None) -> None:
        self.graph = graph
        self.master = RouteMaster(graph)
        self.pricing = NgPricing(graph)
        self.best: int | None = None
        self.evaluations = 0
        self.log = []
        self._separate = separate
        self._centre: NDArray[np.float64] | None = None
        self._arc = np.empty_like(graph.cost)

    def run(self) -> Generator[None, None, None]:
        """Work until the bound is the best that these routes and cuts give; yields between small pieces of work."""
        self.master.add_routes([(i,) for i in range(self.graph.n_customers)])
        raises = 0
        tolerance = _READY_FOR_CUTS if self._separate else _CLOSED
        while True:
            point = yield from self._converge(tolerance)
            if point.left_out > 1e-6:
                if raises == _MOST_RAISES:
                    return
                raises += 1
                self.master.raise_left_out_cost()
                continue
            if self._separate is not None and (yield from self._cut(point)):
                tolerance = _READY_FOR_CUTS
            elif tolerance > _CLOSED:
                tolerance = max(_CLOSED, 0.1 * tolerance)
            else:
                return

    def _cut(self, point):
        member, crossings = self._separate(self.master.edge_weights(point.weight))
        yield
        if not len(member):
            return False
        self.master.add_cuts(member, crossings)
        self._centre = np.append(self._centre, np.zeros(len(member)))
        return True

    def _converge(self, tolerance: float) -> Generator[None, None, MasterPoint]:
        """Generate columns until master and bound agree within a share of the value, or no route is left."""
        while True:
            point = yield from self.master.solve()
            if self.value >= point.value - tolerance * abs(point.value):
                return point
            if not (yield from self._add_routes(point)):
                return point

    def _add_routes(self, point: MasterPoint) -> Generator[None, None, bool]:
        """Price, first near the best prices and then towards the master's, until routes are found that it lacks."""
        misses = 0
        aim = self.master.prices(point.price)
        price_arcs(self.graph.cost, np.append(aim.customer, aim.fleet), aim.member, aim.cut, self._arc)
        while True:
            share = max(0.0, 1.0 - (misses + 1) * (1.0 - _SMOOTHING)) if self._centre is not None else 0.0
            trial = point.price if share < 0.01 else share * self._centre + (1.0 - share) * point.price
            prices = self.master.prices(trial)
            yield from self.pricing.set_prices(prices)
            priced = yield from self.pricing.price(exact=False)
            added = self._add(priced)
            if not added:
                priced = yield from self.pricing.price(exact=True)
                self._note(prices, trial, priced)
                added = self._add(priced)
            if added:
                return True
            if share < 0.01:
                return False
            misses += 1

    def _add(self, priced: Priced) -> int:
        if not priced.routes:
            return 0
        path, first = joined(priced.routes, self.graph.n_customers)
        saves = along(path, first, self._arc) < 0
        return self.master.add_routes([route for route, good in zip(priced.routes, saves, strict=True) if good])

    def _note(self, prices: Prices, trial: NDArray[np.float64], priced: Priced) -> None:
        self.evaluations += 1
        value = lagrangian(self.graph, prices, self.master.crossings, priced)
        if self.best is None or value > self.best:
            self.best, self._centre = value, trial

    @property
    def value(self) -> float:
        return -np.inf if self.best is None else self.best / (2.0 * self.graph.scale)
