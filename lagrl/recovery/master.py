"""The linear relaxation of set partitioning over a pool of routes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.highs import new_solver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.recovery.pool import RoutePool


# On two large pools (8,000 and 21,000 columns) the interior point method with crossover took about half the time of the
# simplex method, on smaller ones as long; in between is a guess.
_SIMPLEX_COLUMNS = 2000
_COLUMNS_PER_CUSTOMER = 12


class RouteMatrix:
    """A pool's routes as the sparse columns of min c·x, every customer in one route, as many routes as allowed.

    Rows 0 … n − 1 are the customers, row n counts the routes.

    Parameters
    ----------
    pool
        The routes.
    """

    def __init__(self, pool: RoutePool) -> None:
        self.problem = pool.problem
        self.cost = pool.cost
        n = pool.problem.n_customers
        self._length = np.fromiter((len(route) + 1 for route in pool.routes), np.int64, len(pool))
        self._start = np.concatenate([[0], np.cumsum(self._length)])
        self._row = np.full(int(self._start[-1]), n, np.int32)
        is_customer = np.ones(len(self._row), dtype=bool)
        is_customer[self._start[1:] - 1] = False
        self._row[is_customer] = np.concatenate(pool.routes) - 1

    def __len__(self) -> int:
        return len(self._length)

    def reduced_cost(self, price: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return c_r − Σ price of the rows of r, for every column r, given the rows' prices [n + 1]."""
        return self.cost - np.add.reduceat(price[self._row], self._start[:-1])

    def entries(self, columns: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return where each of some columns starts [len + 1], and the rows they meet, one column after the other."""
        length = self._length[columns]
        start = np.concatenate([[0], np.cumsum(length)])
        within = np.arange(start[-1]) - np.repeat(start[:-1], length)
        return start.astype(np.int32), self._row[np.repeat(self._start[columns], length) + within]

    def program(self, columns: NDArray[np.int64]) -> Any:
        """Build the relaxation over some columns as a HiGHS model: x ≥ 0.

        The rows keep x at 1 or below. A bound that says so too would take part in the prices, and routes of negative
        reduced cost would be left.
        """
        import highspy

        n, fleet = self.problem.n_customers, self.problem.fleet
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(columns), n + 1
        model.col_cost_ = self.cost[columns]
        model.col_lower_ = np.zeros(len(columns))
        model.col_upper_ = np.full(len(columns), highspy.kHighsInf)
        model.row_lower_ = np.append(np.ones(n), fleet.count)
        model.row_upper_ = np.append(np.ones(n), fleet.count if fleet.rule == "exact" else highspy.kHighsInf)
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_ = self.entries(columns)
        model.a_matrix_.value_ = np.ones(len(model.a_matrix_.index_))
        return model


@dataclass(frozen=True)
class Relaxation:
    """An optimal solution of the relaxation over a pool, or over the part of it that looked best.

    Attributes
    ----------
    value
        Its optimum, distance units.
    customer_price
        [n] dual prices of the customers, distance units.
    reduced_cost
        Reduced cost of every route of the pool, distance units.
    is_complete
        Whether none of them is negative: only then nothing in the pool can be cheaper than `value`.
    """

    value: float
    customer_price: NDArray[np.float64] = field(repr=False)
    reduced_cost: NDArray[np.float64] = field(repr=False)
    is_complete: bool


def relax(matrix: RouteMatrix, incumbent: Sequence[int], seconds: float = np.inf) -> Relaxation | None:
    """Solve the relaxation; None if it takes longer than `seconds`, or (with a warning) HiGHS fails.

    A large pool is cut to the routes that are cheapest by the incumbent's prices, under which each customer pays an
    equal share of the route they are on.

    Parameters
    ----------
    matrix
        The columns.
    incumbent
        Columns of a solution that meets the fleet rule.
    seconds
        Wall-clock limit.
    """
    import highspy

    if seconds <= 0:
        return None
    columns = _promising(matrix, np.array(sorted(incumbent)))
    solver = new_solver()
    solver.setOptionValue("solver", "simplex" if len(columns) <= _SIMPLEX_COLUMNS else "ipm")
    if np.isfinite(seconds):
        solver.setOptionValue("time_limit", seconds)
    solver.passModel(matrix.program(columns))
    solver.run()
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kTimeLimit:
        return None
    if status != highspy.HighsModelStatus.kOptimal:
        message = f"{matrix.problem.name}: no set partitioning, HiGHS ended its relaxation with {status}"
        warnings.warn(message, RuntimeWarning, stacklevel=2)
        return None
    price = np.array(solver.getSolution().row_dual)
    reduced_cost = matrix.reduced_cost(price)
    value = float(solver.getInfo().objective_function_value)
    is_complete = bool(reduced_cost.min() >= -1e-7 * max(1.0, float(matrix.cost.max())))
    return Relaxation(value, price[:-1], reduced_cost, is_complete)


def _promising(matrix: RouteMatrix, incumbent: NDArray[np.int64]) -> NDArray[np.int64]:
    few = _COLUMNS_PER_CUSTOMER * matrix.problem.n_customers
    if len(matrix) <= few:
        return np.arange(len(matrix))
    start, row = matrix.entries(incumbent)
    length = np.diff(start)
    price = np.zeros(matrix.problem.n_customers + 1)
    price[row] = np.repeat(matrix.cost[incumbent] / (length - 1), length)
    price[-1] = 0.0
    order = np.argsort(matrix.reduced_cost(price), kind="stable")
    return np.union1d(order[:few], incumbent)
