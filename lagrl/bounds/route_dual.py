"""The Lagrangian dual of a route relaxation, L(λ, σ): a lower bound on the CVRP at every point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from lagrl.bounds.pricing import NgPricing, whole_prices
from lagrl.errors import InputError
from lagrl.relaxation.dual import DualPoint, Parts

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from lagrl.bounds.pricing import Priced, Prices
    from lagrl.bounds.route_graph import RouteGraph

Relaxation = Literal["ng", "paths"]

_LEAST_SPREAD = 0.1
_CEILING = 64.0  # of the multipliers, times the longest distance: the fleet's is 23 of them on a tight instance


class RouteDual:
    """L(λ, σ) = Σ_i λ_i + σ⁺·K − σ⁻·M + min over routes r_i that meet at i of Σ min(0, c(r_i) − λ(r_i) − σ).

    Customers must be visited (λ paid at each visit, λ ≥ 0 where the graph is covering) by at least K routes, the number
    that demands or fleet rule require, and at most M, the limit of `exact:M` and `atmost:M`. σ⁺ and σ⁻ are the positive
    and the negative part of σ; σ ≥ 0 under the other rules. The remaining problem chooses routes: at most one of those
    that meet at a customer (neither side of the customer carries more than half of the vehicle's load), since the
    routes of a solution meet at different customers; at most M in all. The relaxation is `ng`, ng-routes (Baldacci,
    Mingozzi and Roberti 2011), or `paths`, routes that remember one customer back.

    The multipliers are the n customers', then the fleet's. They are rounded towards 0 to the graph's grid, on which
    everything is exact.

    Attributes
    ----------
    best
        Highest L evaluated so far, half grid units; None before the first evaluation.
    evaluations
        Evaluations so far.
    routes
        Customers 0 … n − 1 of every route that an evaluation chose, in the order of their first choice.
    """

    def __init__(self, graph: RouteGraph, relaxation: Relaxation = "ng") -> None:
        self.graph = graph
        self.relaxation = relaxation
        self.best: int | None = None
        self.evaluations = 0
        self.routes: dict[tuple[int, ...], None] = {}
        self._pricing = NgPricing(graph)
        n, ceiling = graph.n_customers, _CEILING * (float(graph.problem.distance.max()) or 1.0)
        lowest = np.full(n + 1, 0.0 if graph.is_covering else -ceiling)
        lowest[n] = -ceiling if graph.limits_routes else 0.0
        self._bounds = lowest, np.full(n + 1, ceiling)

    @property
    def n_multipliers(self) -> int:
        """Number of customers n, and one for the fleet."""
        return self.graph.n_customers + 1

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """[n + 1] bounds, distance units: the signs of the rows, and 64 longest distances (64 if those are 0)."""
        return self._bounds

    @property
    def scale(self) -> float:
        """Median of the customers' `first_multipliers`, distance units; at least a grid unit."""
        return max(float(np.median(self.first_multipliers()[:-1])), 1.0 / self.graph.scale)

    @property
    def spread(self) -> NDArray[np.float64]:
        """[n + 1] relative sizes of the multipliers' moves: shares of `first_multipliers`, and the fleet's, per route.

        A route that becomes dearer is paid by its customers, so that the fleet's multiplier moves as far as theirs do
        together.
        """
        first = self.first_multipliers()[:-1]
        fewest = max(self.graph.n_routes[0], 1)
        relative = np.maximum(first / (float(first.mean()) or 1.0), _LEAST_SPREAD)
        return np.append(relative, len(first) / fewest)

    def first_multipliers(self) -> NDArray[np.float64]:
        """Return a start [n + 1] by the continuous approximation of route lengths (Daganzo 1984).

        A customer's multiplier is 2·c_0i·d_i/Q, its share of a drive there and back, plus the nearest distance.
        """
        graph, n = self.graph, self.graph.n_customers
        drive = graph.cost[n, :n] * (graph.load / graph.room)
        near = graph.cost[np.arange(n)[:, None], graph.near].min(axis=1, initial=graph.cost.max()) / 2
        return self.clip(np.append((drive + near) / graph.scale, 0.0))

    def clip(self, multipliers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the nearest multipliers [n + 1] within the bounds; refuses wrong shapes and non-finite entries."""
        vector = np.array(multipliers, dtype=np.float64)
        if vector.shape != (self.n_multipliers,) or not np.isfinite(vector).all():
            raise InputError(
                f"array of shape {vector.shape}, finite: {bool(np.isfinite(vector).all())}",
                field="multipliers",
                remedy=f"this dual takes {self.n_multipliers} finite numbers, the fleet's last",
            )
        return np.clip(vector, *self._bounds)

    def evaluate(self, multipliers: NDArray[np.float64]) -> DualPoint:
        """Price one vector [n + 1], distance units, clipped to the bounds.

        Row k of the point's selection counts the visits of the k-th route chosen; the violation is one minus the
        visits of each customer and, last, the number of routes due (K for σ > 0, M for σ < 0) minus that chosen. Its
        parts are the customers at which routes meet, without the limit of M routes, which σ prices.

        Raises
        ------
        InputError
            If the vector has the wrong length or a non-finite entry.
        """
        work = self.evaluation(multipliers)
        while True:
            try:
                next(work)
            except StopIteration as done:
                point: DualPoint = done.value
                return point

    def evaluation(self, multipliers: NDArray[np.float64]) -> Generator[None, None, DualPoint]:
        """Evaluate as `evaluate` does, yielding between pieces of work."""
        vector = self.clip(multipliers)
        prices = whole_prices(self.graph, vector, np.zeros((0, self.graph.n_customers), np.int64))
        is_paths = self.relaxation == "paths"
        yield from self._pricing.set_prices(prices, for_paths=is_paths)
        priced = self._pricing.price_paths() if is_paths else (yield from self._pricing.price(exact=True))
        value = lagrangian(self.graph, prices, np.zeros(0, np.int64), priced)
        if prices.halvings:
            vector = vector * 0.5**prices.halvings
        self.best = value if self.best is None else max(self.best, value)
        self.evaluations += 1
        return self._point(vector, value, priced)

    def _point(self, vector: NDArray[np.float64], value: int, priced: Priced) -> DualPoint:
        most = self.graph.n_routes[1]
        n = self.graph.n_customers
        meeting = np.flatnonzero(priced.lowest < 0)
        least = priced.lowest[meeting] / (2.0 * self.graph.scale)
        visits = np.zeros((len(meeting), n + 1), dtype=np.int64)
        for k, route in enumerate(priced.routes):
            np.add.at(visits[k], [*route, n], 1)
        kept = np.argsort(priced.lowest[meeting], kind="stable")[:most]
        self.routes.update(dict.fromkeys(priced.routes[k] for k in kept.tolist()))
        selection = visits[kept, :n]
        right_side = np.append(np.ones(n), float(routes_due(self.graph, vector[-1], len(kept))))
        violation = right_side - np.append(selection.sum(axis=0), len(kept))
        bound = distance_units(self.graph, value)
        parts = Parts(meeting, visits, least, right_side, n)
        return DualPoint(vector, bound, bound, selection, violation, least[kept], parts=parts)


def routes_due(graph: RouteGraph, price: float, chosen: int = 0) -> int:
    """Return the right side of the fleet's row at a price: fewest routes if positive, the most if negative.

    At 0 all numbers between are supergradients: the one nearest to `chosen` routes where both limits count.
    """
    fewest, most = graph.n_routes
    if price > 0 or not graph.limits_routes:
        return fewest
    return most if price < 0 else min(max(chosen, fewest), most)


def lagrangian(graph: RouteGraph, prices: Prices, crossings: NDArray[np.int64], priced: Priced) -> int:
    """Return the Lagrangian bound at some prices, half grid units, exactly.

    The routes of a solution meet at different customers, and their number has a limit, n or the fleet's; so the sum of
    their reduced costs is at least that of as many of the least ones by meeting customer. The rest are the rows' right
    sides at their prices: each customer once, the fleet's `routes_due`, the cuts' crossings.

    Parameters
    ----------
    graph
        The graph of the routes.
    prices
        The prices: 0 or more for cuts, for customers if the graph is covering, and for the fleet unless its rule is
        `exact` or `atmost`.
    crossings
        [C] least crossings of the cuts.
    priced
        Result of exact pricing, or of pricing a relaxation of the routes, at these prices.
    """
    # each number fits 64 bits, their sums need not: Python's integers are unbounded
    of_cuts = (price * demanded for price, demanded in zip(prices.cut.tolist(), crossings.tolist(), strict=True))
    income: int = sum(prices.customer.tolist()) + prices.fleet * routes_due(graph, prices.fleet) + sum(of_cuts)
    least: int = sum(np.sort(priced.lowest)[: graph.n_routes[1]].tolist())
    return 2 * income + least


def distance_units(graph: RouteGraph, half_units: int) -> float:
    """Return a bound in distance units, rounded down where it has more digits than a float."""
    value = float(half_units)
    if int(value) > half_units:
        value = float(np.nextafter(value, -np.inf))
    return value / (2.0 * graph.scale)
