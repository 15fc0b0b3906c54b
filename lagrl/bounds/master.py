"""The linear master over routes, kept warm in HiGHS: customers, number of routes, capacity cuts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.obstacle import ObstacleError
from lagrl.highs import add_columns, linear_program, new_solver, sparse

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from lagrl.bounds.route_graph import RouteGraph

_SIMPLEX_STEPS = 200_000  # over the number of customers, between two checks of the clock
_ROUTES_AT_ONCE = 1000
_DUAL, _PRIMAL = 1, 4  # HiGHS' simplex strategies
_RAISE = 4.0  # factor on the cost of leaving customers out, where that was too low


@dataclass(frozen=True)
class MasterPoint:
    """An optimal solution of the master.

    Attributes
    ----------
    value
        Its optimum, distance units; a bound only once pricing finds no further route.
    price
        [n + 1 + C] prices of customers, fleet and cuts, distance units.
    weight
        Value of every route's column.
    left_out
        Sum of the customers' shares and of the routes that the columns do not provide.
    """

    value: float
    price: NDArray[np.float64] = field(repr=False)
    weight: NDArray[np.float64] = field(repr=False)
    left_out: float


class RouteMaster:
    """min c·x over routes x ≥ 0: visits = 1 for each customer, number of routes, crossings ≥ twice the vehicles.

    Visits may be more where the graph is covering. A route may visit a customer more than once; visits and crossings
    are counted. The first n columns leave a customer out, the next two violate the fleet rule, at a cost.

    Attributes
    ----------
    routes
        Customers 0 … n − 1 of every column that is a route.
    member
        [C, n] the sets of the cuts, 0 or 1.
    crossings
        [C] least number of times that routes enter or leave them.
    """

    def __init__(self, graph: RouteGraph) -> None:
        self.graph = graph
        n = graph.n_customers
        self.routes: list[tuple[int, ...]] = []
        self.member = np.zeros((0, n), dtype=np.int64)
        self.crossings = np.zeros(0, dtype=np.int64)
        self._known: set[tuple[int, ...]] = set()
        self._path = np.array([n], dtype=np.int64)  # all routes, a depot before, between and after them
        self._first = np.zeros(0, dtype=np.int64)  # where each route starts in it
        self._left_out_cost = 4.0 * max(float(graph.problem.distance.max()), 1e-9)
        self._solver = new_solver()
        self._begin_program()

    def _begin_program(self) -> None:
        n, (fewest, most), limited = self.graph.n_customers, self.graph.n_routes, self.graph.limits_routes
        upper = np.append(np.full(n + 1, np.inf), np.inf if limited else 0.0)
        row_upper = np.append(np.full(n, np.inf if self.graph.is_covering else 1.0), most if limited else np.inf)
        row_bounds = np.append(np.ones(n), fewest), row_upper
        entries = np.arange(n + 3), np.append(np.arange(n + 1), n), np.append(np.ones(n + 1), -1.0)
        self._solver.passModel(linear_program(np.full(n + 2, self._left_out_cost), upper, row_bounds, entries))
        self._solver.setOptionValue("solver", "simplex")
        self._solver.setOptionValue("presolve", "off")
        self._solver.setOptionValue("simplex_iteration_limit", max(50, _SIMPLEX_STEPS // n))

    def add_routes(self, routes: Sequence[tuple[int, ...]]) -> int:
        """Add the routes that are new; return their number."""
        new = [route for route in dict.fromkeys(routes) if route not in self._known]
        for begin in range(0, len(new), _ROUTES_AT_ONCE):
            self._add_columns(new[begin : begin + _ROUTES_AT_ONCE])
        self._known.update(new)
        self.routes += new
        if new:
            self._solver.setOptionValue("simplex_strategy", _PRIMAL)  # the last solution is still feasible
        return len(new)

    def _add_columns(self, routes: Sequence[tuple[int, ...]]) -> None:
        n, count = self.graph.n_customers, len(routes)
        path, first = join_routes(routes, n)
        entry = np.zeros((count, n + 1 + len(self.member)))
        column = np.repeat(np.arange(count), np.diff(np.append(first, len(path) - 1)))
        np.add.at(entry, (column, path[:-1]), 1.0)  # the depot once per route: the fleet's row
        entry[:, n + 1 :] = self._crossings(path, first, self.member).T
        cost = sum_along(path, first, self.graph.cost) / (2.0 * self.graph.scale)
        add_columns(self._solver, cost, *sparse(entry))
        self._first = np.concatenate([self._first, first + len(self._path) - 1])
        self._path = np.concatenate([self._path[:-1], path])

    def add_cuts(self, member: NDArray[np.int64], crossings: NDArray[np.int64]) -> None:
        """Add rows for the sets `member` [c, n] and their least `crossings` [c]."""
        if not len(member):
            return
        n, columns = self.graph.n_customers, len(self.routes)
        crossed = np.zeros((len(member), n + 2 + columns))
        crossed[:, :n] = 2 * member  # a customer left out counts as travelling alone
        crossed[:, n + 2 :] = self._crossings(self._path, self._first, member)
        start, index, value = sparse(crossed)
        bounds = crossings.astype(np.float64), np.full(len(member), np.inf)
        entries = len(index), start.astype(np.int32), index.astype(np.int32), value
        self._solver.addRows(len(member), *bounds, *entries)
        self._solver.setOptionValue("simplex_strategy", _DUAL)
        self.member = np.concatenate([self.member, member])
        self.crossings = np.concatenate([self.crossings, crossings])

    def solve(self) -> Generator[None, None, MasterPoint]:
        """Solve to optimality; yields between pieces of work."""
        import highspy

        solver = self._solver
        while True:
            solver.run()
            status = solver.getModelStatus()
            if status == highspy.HighsModelStatus.kOptimal:
                break
            if status != highspy.HighsModelStatus.kIterationLimit:
                raise ObstacleError(f"HiGHS ended a master programme with {status}")
            yield
        answer = solver.getSolution()
        weight, n = np.array(answer.col_value), self.graph.n_customers
        price = np.array(answer.row_dual)
        signed = np.ones(len(price), dtype=bool)
        signed[:n] = self.graph.is_covering
        signed[n] = not self.graph.limits_routes
        price[signed] = np.maximum(price[signed], 0.0)
        value = float(solver.getInfo().objective_function_value)
        return MasterPoint(value, price, np.maximum(weight[n + 2 :], 0.0), float(weight[: n + 2].sum()))

    def raise_left_out_cost(self) -> None:
        """Raise the cost of leaving a customer out and of violating the fleet rule."""
        self._left_out_cost *= _RAISE
        for column in range(self.graph.n_customers + 2):
            self._solver.changeColCost(column, self._left_out_cost)

    def edge_weights(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight of the routes on each edge, [n + 1, n + 1] and symmetric, the depot last."""
        size = self.graph.n_customers + 1
        used = np.repeat(weight, np.diff(np.append(self._first, len(self._path) - 1)))
        pair = self._path[:-1] * size + self._path[1:]
        edge = np.bincount(pair, used, size * size).astype(np.float64).reshape(size, size)
        return edge + edge.T

    def _crossings(
        self, path: NDArray[np.int64], first: NDArray[np.int64], member: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        if not len(first) or not len(member):
            return np.zeros((len(member), len(first)), dtype=np.int64)
        inside = np.column_stack([member, np.zeros(len(member), dtype=np.int64)])[:, path]
        return np.add.reduceat(np.abs(np.diff(inside, axis=1)), first, axis=1)


def join_routes(routes: Sequence[tuple[int, ...]], depot: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return one path through all routes, the depot before, between and after them, and where each route starts."""
    length = np.array([len(route) + 1 for route in routes])
    first = np.cumsum(length) - length
    path = np.full(int(length.sum()) + 1, depot, dtype=np.int64)
    customers = np.ones(len(path), dtype=bool)
    customers[first] = customers[-1] = False
    path[customers] = [customer for route in routes for customer in route]
    return path, first


def sum_along(path: NDArray[np.int64], first: NDArray[np.int64], arc: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sum of `arc` along each route of a path made by `join_routes`."""
    return np.add.reduceat(arc[path[:-1], path[1:]], first)
