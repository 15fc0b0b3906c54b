"""The linear relaxation of an assignment problem and its dual prices, the warm start of every controller."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InstanceError
from lagrl.highs import add_columns, pass_program, shared_solver, solve_to_optimality
from lagrl.relaxation.relinearise import regret_prices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem

# Most customers are split between few vehicles: HiGHS starts with these, and others enter when they have a gain.
_FIRST_VEHICLES = 4
_VEHICLES_PER_ROUND = 3
_NOBODY = np.empty(0, np.int64)
_LEFT_OUT_COST = 4.0  # of leaving a customer out, in largest costs; raised where it is too low


@dataclass(frozen=True)
class LinearDual:
    """A dual solution of the linear relaxation, optimal unless time ran out.

    Attributes
    ----------
    multipliers
        [n] prices of Σ_k x_ki = 1, distance units.
    capacity_price
        [K] prices of the capacities, distance per demand unit (≥ 0).
    value
        Its value, distance units, the relaxation's optimum if it is optimal; L at `multipliers` is at least this
        (Geoffrion 1974).
    """

    multipliers: NDArray[np.float64]
    capacity_price: NDArray[np.float64]
    value: float


def linear_dual(problem: AssignmentProblem, seconds: float = np.inf) -> LinearDual:
    """Solve min Σ a_ki x_ki, Σ_k x_ki = 1, Σ_i d_i x_ki ≤ Q_k, x ≥ 0, for its dual prices with HiGHS.

    Columns are generated: the relaxation starts with each customer's cheapest vehicles, and pairs of negative
    reduced cost a_ki − λ_i + μ_k d_i enter until none is left, which proves the prices optimal for all pairs. After
    `seconds` the prices of the last columns are returned, or each customer's second cheapest cost.

    Raises InstanceError if the vehicles cannot carry the total demand.
    """
    cost, weight, capacity = problem.cost, problem.weight, problem.capacity
    if weight.sum() > capacity.sum():
        raise InstanceError(
            f"total demand {int(weight.sum())} is above the total capacity {int(capacity.sum())}",
            field="capacity",
            remedy="use more vehicles",
        )
    deadline = time.perf_counter() + seconds
    n_vehicles, n_customers = cost.shape
    multipliers, price = regret_prices(problem), np.zeros(n_vehicles)
    left_out_cost = _LEFT_OUT_COST * max(float(cost.max()), 1.0)
    tolerance = 1e-7 * problem.cost_scale
    cheapest = np.argsort(cost, axis=0, kind="stable")[: min(_FIRST_VEHICLES, n_vehicles)]
    known = np.zeros(cost.shape, dtype=bool)
    entering = cheapest.T.ravel(), np.repeat(np.arange(n_customers), len(cheapest))
    master = _RestrictedRelaxation(problem, left_out_cost, *entering)
    while True:
        known[entering] = True
        try:
            value, multipliers, price, left_out = master.solve(deadline - time.perf_counter())
        except TimeoutError:
            return LinearDual(multipliers, price, _value(problem, multipliers, price))
        reduced_cost = np.where(known, 0.0, cost - multipliers + price[:, None] * weight)
        entering = _most_negative(reduced_cost, tolerance)
        if len(entering[0]):
            master.add(*entering)
            continue
        if left_out < 1e-7:
            return LinearDual(multipliers, price, value)
        left_out_cost *= 10.0
        master.price_left_out(left_out_cost)


def _value(problem: AssignmentProblem, multipliers: NDArray[np.float64], price: NDArray[np.float64]) -> float:
    """Return Σλ − Σ μ_k Q_k + Σ min(0, a_ki − λ_i + μ_k d_i), at most the optimum at any λ and μ ≥ 0."""
    reduced_cost = problem.cost - multipliers + price[:, None] * problem.weight
    return float(multipliers.sum() - price @ problem.capacity + np.minimum(reduced_cost, 0.0).sum())


def multiplier_ceiling(problem: AssignmentProblem, warm: LinearDual) -> float:
    """Return an upper bound for the multipliers, distance units: 2·max a, or more where the warm start is near it."""
    return max(2.0 * float(problem.cost.max()), 1.5 * float(warm.multipliers.max()), 2.0)


class _RestrictedRelaxation:
    """The relaxation over some pairs, kept warm in HiGHS; its first n columns leave a customer out at a cost."""

    def __init__(
        self,
        problem: AssignmentProblem,
        left_out_cost: float,
        vehicle: NDArray[np.int64],
        customer: NDArray[np.int64],
    ) -> None:
        self._problem = problem
        n_vehicles, n = problem.cost.shape
        lower = np.append(np.ones(n), np.full(n_vehicles, -np.inf))
        upper = np.append(np.ones(n), problem.capacity.astype(np.float64))
        row, value = self._entries(vehicle, customer)
        cost = np.append(np.full(n, left_out_cost), problem.cost[vehicle, customer])
        start = np.append(np.arange(n), n + 2 * np.arange(len(vehicle) + 1))
        entries = start, np.append(np.arange(n), row), np.append(np.ones(n), value)
        self._solver = shared_solver()
        pass_program(self._solver, cost, np.inf, (lower, upper), entries)

    def add(self, vehicle: NDArray[np.int64], customer: NDArray[np.int64]) -> None:
        """Add the columns of some pairs of a vehicle and a customer."""
        start = 2 * np.arange(len(vehicle))
        add_columns(self._solver, self._problem.cost[vehicle, customer], start, *self._entries(vehicle, customer))

    def _entries(
        self, vehicle: NDArray[np.int64], customer: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the rows and the values of the pairs' columns, two of each."""
        row, value = np.empty((2, len(vehicle)), np.int64), np.ones((2, len(vehicle)))
        row[0], row[1] = customer, self._problem.n_customers + vehicle
        value[1] = self._problem.weight[customer]
        return row.T.ravel(), value.T.ravel()

    def price_left_out(self, cost: float) -> None:
        """Change the cost of leaving a customer out, distance units."""
        for column in range(self._problem.n_customers):
            self._solver.changeColCost(column, cost)

    def solve(self, seconds: float) -> tuple[float, NDArray[np.float64], NDArray[np.float64], float]:
        """Return the value, λ [n], μ [K] and the sum of the customers' shares that are left out."""
        n = self._problem.n_customers
        solution, value = solve_to_optimality(self._solver, seconds)
        dual = np.array(solution.row_dual)
        return value, dual[:n], np.maximum(-dual[n:], 0.0), float(np.sum(solution.col_value[:n]))


def _most_negative(reduced_cost: NDArray[np.float64], tolerance: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each customer's few pairs of most negative reduced cost: vehicles and customers."""
    if reduced_cost.min() >= -tolerance:
        return _NOBODY, _NOBODY
    few = min(_VEHICLES_PER_ROUND, len(reduced_cost))
    vehicle = np.argpartition(reduced_cost, few - 1, axis=0)[:few]
    customer = np.broadcast_to(np.arange(reduced_cost.shape[1]), vehicle.shape)
    pays = reduced_cost[vehicle, customer] < -tolerance
    return vehicle[pays], customer[pays]
