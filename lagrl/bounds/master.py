"""The linear master over routes, kept warm in HiGHS: every customer in a route, routes as many as allowed, cuts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.obstacle import ObstacleError
from lagrl.highs import new_solver

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from lagrl.bounds.route_graph import RouteGraph

_SIMPLEX_STEPS = 200_000  # over the number of customers, between two looks at the clock
_ROUTES_AT_ONCE = 1000
_DUAL, _PRIMAL = 1, 4  # HiGHS' simplex strategies
_RAISE = 4.0  # of the cost of leaving customers out, where that was too little


@dataclass(frozen=True)
class MasterPoint:
    """An optimal solution of the master.

    Attributes
    ----------
    value
        Its optimum, distance units; no bound on anything before pricing has found nothing.
    price
        [n + 1 + C] prices of customers, fleet and cuts, distance units.
    weight
        Value of every route's column.
    left_out
        How much of the customers and of the fleet rule is not met by routes.
    """

    value: float
    price: NDArray[np.float64] = field(repr=False)
    weight: NDArray[np.float64] = field(repr=False)
    left_out: float


class RouteMaster:
    """min c·x over routes x ≥ 0: visits = 1 for each customer, number of routes, crossings ≥ twice the vehicles.

    Visits may be more where the graph is covering. A route may visit a customer more than once; visits and crossings
    are counted. The first n columns leave a customer out, the next two miss the fleet rule, at a cost.

    Parameters
    ----------
    graph
        Where the routes go.

    Attributes
    ----------
    routes
        Customers 0 … n − 1 of every column that is a route.
    member
        [C, n] the sets of the cuts, 0 or 1.
    crossings
        [C] how often routes must enter or leave them.
    """

    def __init__(self, graph: RouteGraph) -> None:
        self.graph = graph
        n = graph.n_customers
        self.routes: list[tuple[int, ...]] = []
        self.member = np.zeros((0, n), dtype=np.int64)
        self.crossings = np.zeros(0, dtype=np.int64)
        self._known: set[tuple[int, ...]] = set()
        self._path = np.array([n], dtype=np.int64)  # all routes, a depot before, between and after them
        self._first = np.zeros(0, dtype=np.int64)  # where each begins in it
        self._left_out_cost = 4.0 * max(float(graph.problem.distance.max()), 1e-9)
        self._solver = new_solver()
        self._begin_program()

    def _begin_program(self) -> None:
        import highspy

        n, fewest = self.graph.n_customers, self.graph.n_routes[0]
        fixed = self.graph.problem.fleet.rule == "exact"
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = n + 2, n + 1
        program.col_cost_ = np.full(n + 2, self._left_out_cost)
        program.col_lower_ = np.zeros(n + 2)
        program.col_upper_ = np.append(np.full(n + 1, highspy.kHighsInf), highspy.kHighsInf if fixed else 0.0)
        program.row_lower_ = np.append(np.ones(n), fewest)
        program.row_upper_ = np.append(
            np.full(n, highspy.kHighsInf if self.graph.is_covering else 1.0), fewest if fixed else highspy.kHighsInf
        )
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_ = np.arange(n + 3)
        program.a_matrix_.index_ = np.append(np.arange(n + 1), n)
        program.a_matrix_.value_ = np.append(np.ones(n + 1), -1.0)
        self._solver.passModel(program)
        self._solver.setOptionValue("solver", "simplex")
        self._solver.setOptionValue("presolve", "off")
        self._solver.setOptionValue("simplex_iteration_limit", max(50, _SIMPLEX_STEPS // n))

    def add_routes(self, routes: Sequence[tuple[int, ...]]) -> int:
        """Let routes in that are not in yet; return how many those were."""
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
        np.add.at(entry, (column, path[:-1]), 1.0)  # the depot once a route: the fleet's row
        entry[:, n + 1 :] = self._crossings(path, first, self.member).T
        column, row = np.nonzero(entry)
        self._solver.addCols(
            count,
            sum_along(path, first, self.graph.cost) / (2.0 * self.graph.scale),
            np.zeros(count),
            np.full(count, np.inf),
            len(row),
            np.searchsorted(column, np.arange(count)).astype(np.int32),
            row.astype(np.int32),
            entry[column, row],
        )
        self._first = np.concatenate([self._first, first + len(self._path) - 1])
        self._path = np.concatenate([self._path[:-1], path])

    def add_cuts(self, member: NDArray[np.int64], crossings: NDArray[np.int64]) -> None:
        """Demand that the sets [c, n] be entered or left so often [c]."""
        if not len(member):
            return
        n, columns = self.graph.n_customers, len(self.routes)
        crossed = np.zeros((len(member), n + 2 + columns))
        crossed[:, :n] = 2 * member  # a customer left out counts as travelling alone
        crossed[:, n + 2 :] = self._crossings(self._path, self._first, member)
        rows, index = np.nonzero(crossed)
        start = np.searchsorted(rows, np.arange(len(member)))
        self._solver.addRows(
            len(member),
            crossings.astype(np.float64),
            np.full(len(member), np.inf),
            len(index),
            start.astype(np.int32),
            index.astype(np.int32),
            crossed[rows, index],
        )
        self._solver.setOptionValue("simplex_strategy", _DUAL)
        self.member = np.concatenate([self.member, member])
        self.crossings = np.concatenate([self.crossings, crossings])

    def solve(self) -> Generator[None, None, MasterPoint]:
        """Solve to optimality; yields now and then."""
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
        signed[n] = self.graph.problem.fleet.rule != "exact"
        price[signed] = np.maximum(price[signed], 0.0)
        value = float(solver.getInfo().objective_function_value)
        return MasterPoint(value, price, np.maximum(weight[n + 2 :], 0.0), float(weight[: n + 2].sum()))

    def raise_left_out_cost(self) -> None:
        """Make it dearer to leave a customer out or to miss the fleet rule."""
        self._left_out_cost *= _RAISE
        for column in range(self.graph.n_customers + 2):
            self._solver.changeColCost(column, self._left_out_cost)

    def edge_weights(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up how much of the routes uses each edge, [n + 1, n + 1] and symmetric, the depot last."""
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
    """Return one path through all routes, the depot before, between and after them, and where each begins."""
    length = np.array([len(route) + 1 for route in routes])
    first = np.cumsum(length) - length
    path = np.full(int(length.sum()) + 1, depot, dtype=np.int64)
    customers = np.ones(len(path), dtype=bool)
    customers[first] = customers[-1] = False
    path[customers] = [customer for route in routes for customer in route]
    return path, first


def sum_along(path: NDArray[np.int64], first: NDArray[np.int64], arc: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add up a matrix of arcs along each route of such a path."""
    return np.add.reduceat(arc[path[:-1], path[1:]], first)
