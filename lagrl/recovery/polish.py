"""Local search across vehicles by PyVRP (Wouda, Lan and Kool 2024).

Only PyVRP's local search is used, from the given routes to a local optimum: no perturbation, no iterated search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP

_LARGEST = 2**40  # length of all routes in PyVRP's whole numbers
_FINEST = 10_000_000  # parts of the longest distance, where distances are not whole
_SHORTEST = 1e-300  # distance units; a finer scale is no float
_NEIGHBOURS = 20  # customers tried with a move of one: near a local optimum, half the time of PyVRP's 50
# the price of an excess unit, in longest arcs per largest demand
_WEIGHTS = (0.1, 10.0)
_PROHIBITIVE = 100.0
_CHEAPER, _DEARER = 0.95, 1.3


def vehicles_to_polish(problem: CVRP, n_routes: int, n_fixed: int = 0) -> int:
    """Return the largest number of routes after polishing: as the fleet rule allows, or a few more than now.

    `n_routes`: routes to polish. `n_fixed`: routes of the same solution that stay as they are.
    """
    limit = None if problem.fleet.most is None else max(problem.fleet.most - n_fixed, 1)
    if limit is not None and problem.fleet.rule == "exact":
        return limit
    more = n_routes + max(2, n_routes // 10)
    return more if limit is None else min(more, limit)


class Polisher:
    """Moves and swaps customers between and within routes, and exchanges the routes' ends, to a local optimum.

    Parameters
    ----------
    problem
        The instance; all of its customers are on the routes.
    n_vehicles
        Largest number of routes.
    seed
        Seed of the order in which moves are tried.
    weight
        First price of an overload, longest arcs per largest demand.

    Attributes
    ----------
    weight
        That price now.
    """

    def __init__(self, problem: CVRP, n_vehicles: int, seed: int, weight: float = 1.0) -> None:
        import pyvrp
        from pyvrp import search

        self.problem = problem
        self.n_vehicles = n_vehicles
        self._pyvrp = pyvrp
        self._data = _data(pyvrp, problem, n_vehicles)
        self._neighbours = search.compute_neighbours(self._data, search.NeighbourhoodParams(num_neighbours=_NEIGHBOURS))
        self.reseed(seed)
        self._unit = max(_scale(problem) * float(problem.distance.max()), 1.0) / max(int(problem.demand.max()), 1)
        self.weight = weight

    def reseed(self, seed: int) -> None:
        """Draw the orders in which moves are tried from this seed, whatever was polished before."""
        from pyvrp import search

        still = search.PerturbationManager(search.PerturbationParams(0, 0))
        order = self._pyvrp.RandomNumberGenerator(seed)
        self._search = search.LocalSearch(self._data, order, self._neighbours, still)
        for operator in search.OPERATORS:
            if operator.supports(self._data):
                self._search.add_operator(operator(self._data))

    def polish(self, routes: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]] | None:
        """Return a local optimum reached from some routes; None if it does not fit the vehicles.

        On the way a route may be overloaded, at a price that falls each time the local optimum fits and rises each time
        it does not. In that case the search starts again with a prohibitive price, and keeps routes that fit feasible.

        `routes` are customers 1 … n in visiting order. If there are more than `n_vehicles`, the smallest are dissolved;
        customers on no route are inserted first.
        """
        if len(routes) > self.n_vehicles:
            routes = sorted(routes, key=len, reverse=True)[: self.n_vehicles]
        start = self._pyvrp.Solution(self._data, [(route - 1).tolist() for route in routes])
        solution = self._search(start, self._overload_at(self.weight), exhaustive=True)
        if solution.is_feasible():
            self.weight = max(self.weight * _CHEAPER, _WEIGHTS[0])
        else:
            self.weight = min(self.weight * _DEARER, _WEIGHTS[1])
            start = start if start.is_feasible() else solution
            solution = self._search(start, self._overload_at(_PROHIBITIVE), exhaustive=True)
        return _routes(solution) if solution.is_feasible() else None

    def _overload_at(self, weight: float) -> Any:
        return self._pyvrp.CostEvaluator([max(1.0, weight * self._unit)], 0.0, 0.0)


def split_to(problem: CVRP, routes: Sequence[NDArray[np.int64]], n_routes: int) -> list[NDArray[np.int64]]:
    """Cut routes in two, where that adds least, until there are `n_routes`; more routes stay as they are.

    `routes` are customers 1 … n in visiting order, at least `n_routes` customers in all.
    """
    cut = list(routes)
    away = problem.between(0, np.arange(problem.n_customers + 1))
    while len(cut) < n_routes:
        extra = [
            away[route[:-1]] + away[route[1:]] - problem.between(route[:-1], route[1:]) if len(route) > 1 else [np.inf]
            for route in cut
        ]
        which = int(np.argmin([min(of_route) for of_route in extra]))
        place = int(np.argmin(extra[which])) + 1
        cut[which : which + 1] = [cut[which][:place], cut[which][place:]]
    return cut


def dissolve_to(problem: CVRP, routes: Sequence[NDArray[np.int64]], n_routes: int) -> list[NDArray[np.int64]]:
    """Dissolve the routes of least load until there are `n_routes`; each of their customers goes where it adds least.

    Customers of large demand are inserted first. Where one fits on no route, the routes are returned as they are.

    `routes` are customers 1 … n in visiting order, within the capacity. O(n) for each customer that is inserted.
    """
    if len(routes) <= n_routes:
        return list(routes)
    load = np.array([problem.demand[route - 1].sum() for route in routes])
    order = np.argsort(-load, kind="stable")
    kept, room = [routes[k] for k in order[:n_routes]], problem.capacity - load[order[:n_routes]]
    freed = np.concatenate([routes[k] for k in order[n_routes:]])
    for customer in freed[np.argsort(-problem.demand[freed - 1], kind="stable")]:
        able = np.flatnonzero(room >= problem.demand[customer - 1])
        if not len(able):
            return list(routes)
        start = np.cumsum([0, *(len(kept[k]) for k in able)])
        path = np.insert(np.concatenate([kept[k] for k in able]), start, 0)
        here, there = path[:-1], path[1:]
        extra = problem.between(here, customer) + problem.between(customer, there) - problem.between(here, there)
        place = int(np.argmin(extra))
        which = int(np.searchsorted(start + np.arange(len(start)), place, side="right")) - 1
        k = able[which]
        kept[k] = np.insert(kept[k], place - start[which] - which, customer)
        room[k] -= problem.demand[customer - 1]
    return kept


def _scale(problem: CVRP) -> float:
    """Return PyVRP's units per distance unit: 1 where distances are whole, else a fine part of the longest distance."""
    if (problem.distance == np.floor(problem.distance)).all():
        return 1.0
    return min(_FINEST, _LARGEST / (problem.n_customers + 1)) / max(float(problem.distance.max()), _SHORTEST)


def _data(pyvrp: Any, problem: CVRP, n_vehicles: int) -> Any:
    """Describe the instance to PyVRP; coordinates are used for its drawings only and may be the origin."""
    distance = np.rint(problem.distance * _scale(problem)).astype(np.int64)
    places = problem.coordinates if problem.coordinates is not None else np.zeros((problem.n_customers + 1, 2))
    return pyvrp.ProblemData(
        [pyvrp.Location(x, y) for x, y in places.tolist()],
        [pyvrp.Client(i, delivery=[demand]) for i, demand in enumerate(problem.demand.tolist(), 1)],
        [pyvrp.Depot(0)],
        [pyvrp.VehicleType(n_vehicles, capacity=[problem.capacity])],
        [distance],
        [np.zeros_like(distance)],
    )


def _routes(solution: Any) -> list[NDArray[np.int64]]:
    # the first and the last stop of a schedule are the depot
    driven = ([visit.idx + 1 for visit in route.schedule()[1:-1]] for route in solution.routes())
    return [np.array(route, np.int64) for route in driven if route]
