"""Column and cut generation with smoothed prices of the linear master (Wentges 1997)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from lagrl.bounds.capacity_cuts import CutSeparator
from lagrl.bounds.learned_ascent import LearnedAscent
from lagrl.bounds.master import RouteMaster, join_routes, sum_along
from lagrl.bounds.ng_kernels import price_arcs
from lagrl.bounds.pricing import NgPricing, whole_prices
from lagrl.bounds.route_ascent import ascend_route_dual
from lagrl.bounds.route_dual import RouteDual, lagrangian
from lagrl.bounds.route_graph import RouteGraph
from lagrl.controllers.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from lagrl.bounds.master import MasterPoint
    from lagrl.bounds.pricing import Priced, Prices
    from lagrl.controllers.base import Controller

Start = Literal["learned", "classical"]
"""What finds the first prices: the shipped route policy, or the volume algorithm."""

# Chosen on the generated instances of benchmarks/choose_defaults/run.py
_CLASSICAL_EVALUATIONS = 100  # of the cheap relaxation by the volume algorithm
_PATH_EVALUATIONS, _NG_EVALUATIONS = 30, 40  # of the two relaxations from the learned start, at most
_COARSE_LOADS, _QUICK_WORK = 1000, 2e7  # loads are coarser at first if both Q and n²·Q are larger
_FIRST_ROUTES = 10  # per customer: the routes that the cheap relaxation chose last
_SMOOTHING = 0.9
_QUICK_ROUNDS = 10  # of heuristic pricing before an exact one
_READY_FOR_CUTS = 2e-3  # relative gap between master and bound at which cuts are separated
_CLOSED = 1e-7
_MOST_RAISES = 6


class CutAndPrice:
    """The column generation of one instance, with capacity cuts if `cuts`, from a `start`.

    Attributes
    ----------
    best
        Highest Lagrangian bound so far, half grid units; None before the first.
    evaluations
        Exact pricings of ng-routes so far.
    master
        The columns and cuts.
    is_converged
        Whether no improving route and no violated cut was found any more.
    """

    def __init__(self, graph: RouteGraph, *, cuts: bool = True, start: Start = "learned") -> None:
        self.graph = graph
        self._start = start
        self.master = RouteMaster(graph)
        self.best: int | None = None
        self.evaluations = 0
        self.is_converged = False
        self._pricing = NgPricing(graph)
        self._separator = CutSeparator(graph.problem) if cuts else None
        self._centre = np.zeros(graph.n_customers + 1)
        self._arc = np.empty_like(graph.cost)
        self._is_met = False
        self._quick_rounds = 0

    @property
    def routes(self) -> list[tuple[int, ...]]:
        """Customers 0 … n − 1 of all generated routes."""
        return self.master.routes

    def run(self) -> Generator[None, None, None]:
        """Work until the bound is the best of these routes and cuts; yields between small pieces of work.

        Where capacities are large, columns and cuts are generated for coarser loads first, a relaxation that is much
        quicker, and then for the graph's own loads.
        """
        n, graph = self.graph.n_customers, self.graph
        most_load = max(_COARSE_LOADS, _QUICK_WORK / n**2)
        if graph.room > most_load:
            graph = RouteGraph.of(graph.problem, max(1, graph.near.shape[1]), most_load)
            self._move_to(graph)
        yield from self._begin(graph)
        yield from self._cut_and_price()
        if graph is not self.graph:
            self._move_to(self.graph)
            yield from self._cut_and_price()
        self.is_converged = self._is_met

    def _move_to(self, graph: RouteGraph) -> None:
        """Continue on another graph of the instance with the cuts, and the routes that fit there."""
        old, self.master = self.master, RouteMaster(graph)
        self.master.add_cuts(old.member, old.crossings)
        self.master.add_routes([route for route in old.routes if graph.is_ng_route(route)])
        self._pricing = NgPricing(graph)

    def _begin(self, graph: RouteGraph) -> Generator[None, None, None]:
        """Ascend the dual, for the first centre of the prices and the first routes: the cheap relaxation's first."""
        self.master.add_routes([(i,) for i in range(graph.n_customers)])
        if self._start == "classical":
            yield from self._ascend(RouteDual(graph, "paths"), Volume(), _CLASSICAL_EVALUATIONS)
            return
        centre = yield from self._ascend(RouteDual(graph, "paths"), LearnedAscent(), _PATH_EVALUATIONS)
        yield from self._ascend(RouteDual(graph, "ng"), LearnedAscent(), _NG_EVALUATIONS, centre)

    def _ascend(
        self, dual: RouteDual, controller: Controller, evaluations: int, initial: NDArray[np.float64] | None = None
    ) -> Generator[None, None, NDArray[np.float64]]:
        """Ascend a dual; keep its best bound and last routes, and its best multipliers as centre, which is returned."""
        ascent = ascend_route_dual(dual, controller, evaluations, np.random.default_rng(0), initial)
        counted = 0
        while True:
            try:
                next(ascent)
                is_done = False
            except StopIteration as done:
                self._centre, is_done = done.value[0], True
            if dual.best is not None and (self.best is None or dual.best > self.best):
                self.best = dual.best
            if dual.relaxation == "ng":
                self.evaluations += dual.evaluations - counted
                counted = dual.evaluations
            if is_done:
                break
            yield
        latest = list(dual.routes)[-_FIRST_ROUTES * dual.graph.n_customers :]
        self.master.add_routes([route for route in latest if dual.graph.is_ng_route(route)])
        return self._centre

    def _cut_and_price(self) -> Generator[None, None, None]:
        tolerance = _READY_FOR_CUTS if self._separator else _CLOSED
        raises = 0
        while True:
            point = yield from self._converge(tolerance)
            self._is_met = point.left_out <= 1e-6
            if not self._is_met and raises < _MOST_RAISES:
                raises += 1
                self.master.raise_left_out_cost()
            elif self._separator is not None and (yield from self._cut(self._separator, point)):
                tolerance = _READY_FOR_CUTS
            elif tolerance > _CLOSED:
                tolerance = max(_CLOSED, 0.1 * tolerance)
            else:
                return

    def _cut(self, separator: CutSeparator, point: MasterPoint) -> Generator[None, None, bool]:
        member, crossings = yield from separator.separate(self.master.edge_weights(point.weight))
        if not len(member):
            return False
        self.master.add_cuts(member, crossings)
        self._centre = np.append(self._centre, np.zeros(len(member)))
        return True

    def _converge(self, tolerance: float) -> Generator[None, None, MasterPoint]:
        """Generate columns until master and bound agree within a share of the value, or no route is found."""
        while True:
            point = yield from self.master.solve()
            if self.best is not None:
                bound = self.best / (2.0 * self.graph.scale)
                if bound >= point.value - tolerance * abs(point.value):
                    return point
            if not (yield from self._add_routes(point)):
                return point

    def _add_routes(self, point: MasterPoint) -> Generator[None, None, bool]:
        """Price near the best prices first, then closer and closer to the master's, until new routes are found."""
        exact = whole_prices(self.graph, point.price, self.master.member)
        price_arcs(self.graph.cost, np.append(exact.customer, exact.fleet), exact.member, exact.cut, self._arc)
        share = _SMOOTHING
        while True:
            trial = share * self._centre + (1.0 - share) * point.price
            prices = whole_prices(self.graph, trial, self.master.member)
            yield from self._pricing.set_prices(prices)
            self._quick_rounds += 1
            added = self._add((yield from self._pricing.price(exact=False)))
            if not added or self._quick_rounds >= _QUICK_ROUNDS:
                priced = yield from self._pricing.price(exact=True)
                self._update_bound(prices, trial, priced)
                added += self._add(priced)
            if added or share == 0.0:
                return added > 0
            share -= 1.0 - _SMOOTHING
            if share < 0.01:
                share = 0.0

    def _add(self, priced: Priced) -> int:
        """Add the routes of negative reduced cost at the master's own prices; return their number."""
        if not priced.routes:
            return 0
        path, first = join_routes(priced.routes, self.graph.n_customers)
        saves = sum_along(path, first, self._arc) < 0
        return self.master.add_routes([route for route, good in zip(priced.routes, saves, strict=True) if good])

    def _update_bound(self, prices: Prices, trial: NDArray[np.float64], priced: Priced) -> None:
        self.evaluations += 1
        self._quick_rounds = 0
        value = lagrangian(self.graph, prices, self.master.crossings, priced)
        if self.best is None or value > self.best:
            self.best, self._centre = value, trial
