"""The linear relaxation of set partitioning over a pool of routes, solved by column generation from the pool."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.highs import add_columns, linear_program, new_solver, run_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.recovery.pool import RoutePool


_FIRST_PER_CUSTOMER = 4  # columns of the first programme
_ROUND_PER_CUSTOMER = 1  # columns that enter at once later
_MOST_PER_CUSTOMER = 12  # columns above which those of highest reduced cost leave


class RouteMatrix:
    """A pool's routes as the sparse columns of min c·x, each customer in one route, under the fleet rule.

    Rows 0 … n − 1 are the customers, row n counts the routes. `update` adds the pool's later routes.
    """

    def __init__(self, pool: RoutePool) -> None:
        self.pool = pool
        self.problem = pool.problem
        self.cost = np.empty(0)
        self._start = np.zeros(1, np.int64)
        self._row = np.empty(0, np.int32)
        self.update()

    def __len__(self) -> int:
        return len(self._start) - 1

    def update(self) -> None:
        """Add the routes that are new in the pool."""
        new = self.pool.routes[len(self) :]
        if not new:
            return
        n = self.problem.n_customers
        end = np.cumsum([len(route) + 1 for route in new])
        row = np.full(int(end[-1]), n, np.int32)
        is_customer = np.ones(len(row), np.bool_)
        is_customer[end - 1] = False
        row[is_customer] = np.concatenate(new) - 1
        self._row = np.concatenate([self._row, row])
        self._start = np.concatenate([self._start, self._start[-1] + end])
        self.cost = self.pool.cost

    def reduced_cost(self, price: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return c_r − Σ price of the rows of r, for every column r, from the rows' prices [n + 1]."""
        return self.cost - np.add.reduceat(price[self._row], self._start[:-1])

    def entries(self, columns: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return where each of some columns starts [len + 1], and their rows, one column after the other."""
        length = np.diff(self._start)[columns]
        start = np.concatenate([[0], np.cumsum(length)])
        within = np.arange(start[-1]) - np.repeat(start[:-1], length)
        return start.astype(np.int32), self._row[np.repeat(self._start[columns], length) + within]

    def program(self, columns: NDArray[np.int64]) -> Any:
        """Build the relaxation over some columns as a HiGHS model with x ≥ 0.

        The rows keep x at 1 or below. An upper bound on x would take part of the prices, and routes of negative reduced
        cost would remain.
        """
        n, fleet = self.problem.n_customers, self.problem.fleet
        most = np.inf if fleet.most is None else fleet.most
        row_bounds = np.append(np.ones(n), fleet.fewest), np.append(np.ones(n), most)
        start, row = self.entries(columns)
        return linear_program(self.cost[columns], np.inf, row_bounds, (start, row, np.ones(len(row))))


@dataclass(frozen=True)
class Relaxation:
    """An optimal solution of the relaxation over all routes of a pool.

    Attributes
    ----------
    value
        Its optimum, distance units: no combination of the pool's routes costs less.
    customer_price
        [n] dual prices of the customers, distance units.
    reduced_cost
        Reduced cost of every route of the pool, distance units; none is negative except by rounding.
    """

    value: float
    customer_price: NDArray[np.float64] = field(repr=False)
    reduced_cost: NDArray[np.float64] = field(repr=False)


class PartitionMaster:
    """The relaxation over a pool that grows, kept warm from one solve to the next.

    HiGHS holds some of the columns. After each solve the others are priced, and those of negative reduced cost enter
    (column generation from the pool), so the optimum is that of the whole pool.
    """

    def __init__(self, pool: RoutePool) -> None:
        self.matrix = RouteMatrix(pool)
        self._solver: Any = None
        self._held = np.empty(0, np.int64)  # pool columns, in the order of HiGHS's

    def relax(self, incumbent: Sequence[int], seconds: float = np.inf) -> Relaxation | None:
        """Solve the relaxation; None after `seconds`, or (with a warning) if HiGHS fails.

        `incumbent` are the columns of a solution that meets the fleet rule; they make the programme feasible.
        """
        deadline = time.perf_counter() + seconds
        self.matrix.update()
        basis = np.unique(np.asarray(incumbent, np.int64))
        if self._solver is None:
            self._begin(basis)
        self._enter(np.setdiff1d(basis, self._held))
        while True:
            if not self._solved(deadline - time.perf_counter()):
                return None
            price = np.array(self._solver.getSolution().row_dual)
            reduced_cost = self.matrix.reduced_cost(price)
            tolerance = 1e-7 * max(1.0, float(self.matrix.cost.max()))
            waiting = np.flatnonzero(reduced_cost < -tolerance)
            waiting = waiting[~np.isin(waiting, self._held)]
            if len(waiting) == 0:
                break
            most = max(100, _ROUND_PER_CUSTOMER * self.matrix.problem.n_customers)
            self._enter(waiting[np.argsort(reduced_cost[waiting], kind="stable")[:most]])
        value = float(self._solver.getInfo().objective_function_value)
        self._leave(reduced_cost)
        return Relaxation(value, price[:-1], reduced_cost)

    def _begin(self, basis: NDArray[np.int64]) -> None:
        """Start with the columns that are cheapest if each customer pays an equal share of the incumbent's route."""
        start, row = self.matrix.entries(basis)
        length = np.diff(start)
        price = np.zeros(self.matrix.problem.n_customers + 1)
        price[row] = np.repeat(self.matrix.cost[basis] / (length - 1), length)
        price[-1] = 0.0
        order = np.argsort(self.matrix.reduced_cost(price), kind="stable")
        first = order[: max(100, _FIRST_PER_CUSTOMER * self.matrix.problem.n_customers)]
        self._held = np.union1d(first, basis)
        self._solver = new_solver()
        self._solver.passModel(self.matrix.program(self._held))

    def _solved(self, seconds: float) -> bool:
        import highspy

        if not run_for(self._solver, seconds):
            return False
        status = self._solver.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            name = self.matrix.problem.name
            message = f"{name}: no set partitioning, HiGHS ended its relaxation with {status}"
            warnings.warn(message, RuntimeWarning, stacklevel=4)
        return bool(status == highspy.HighsModelStatus.kOptimal)

    def _enter(self, columns: NDArray[np.int64]) -> None:
        if len(columns) == 0:
            return
        start, row = self.matrix.entries(columns)
        add_columns(self._solver, self.matrix.cost[columns], start[:-1], row, np.ones(len(row)))
        self._held = np.concatenate([self._held, columns])

    def _leave(self, reduced_cost: NDArray[np.float64]) -> None:
        most = max(500, _MOST_PER_CUSTOMER * self.matrix.problem.n_customers)
        if len(self._held) <= most:
            return
        order = np.argsort(reduced_cost[self._held], kind="stable")
        leaving = np.sort(order[most // 2 :])  # of positive reduced cost, hence not basic
        leaving = leaving[reduced_cost[self._held[leaving]] > 1e-6]
        self._solver.deleteCols(len(leaving), leaving.astype(np.int32))
        self._held = np.delete(self._held, leaving)
