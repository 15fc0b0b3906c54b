"""The linear relaxation of an assignment problem and its dual prices: the warm start of every controller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InstanceError, LagrlError
from lagrl.highs import new_solver

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem

# Most customers are split between few vehicles: HiGHS starts with these and is given others as they pay.
_FIRST_VEHICLES = 4
_VEHICLES_PER_ROUND = 3
_LEFT_OUT_COST = 4.0  # of leaving a customer out, times the largest cost; raised where it is too little


@dataclass(frozen=True)
class LinearDual:
    """An optimal dual solution of the linear relaxation.

    Attributes
    ----------
    multipliers
        [n] prices of Σ_k x_ki = 1, distance units.
    capacity_price
        [K] prices of the capacities, distance per demand unit (≥ 0).
    value
        The relaxation's optimum, distance units; L at `multipliers` is at least this (Geoffrion 1974).
    """

    multipliers: NDArray[np.float64]
    capacity_price: NDArray[np.float64]
    value: float


def linear_dual(problem: AssignmentProblem) -> LinearDual:
    """Solve min Σ a_ki x_ki, Σ_k x_ki = 1, Σ_i d_i x_ki ≤ Q_k, x ≥ 0, for its dual prices with HiGHS.

    Columns are generated: the relaxation starts with each customer's cheapest vehicles, and pairs of negative
    reduced cost a_ki − λ_i + μ_k d_i join it until none is left, which proves the prices optimal for all pairs.

    Raises
    ------
    InstanceError
        If the vehicles cannot carry the total demand.
    """
    cost, weight, capacity = problem.cost, problem.weight, problem.capacity
    if weight.sum() > capacity.sum():
        raise InstanceError(
            f"total demand {int(weight.sum())} is above the vehicles' capacity {int(capacity.sum())}",
            field="assignment problem",
            remedy="use more vehicles",
        )
    n_vehicles, n_customers = cost.shape
    left_out_cost = _LEFT_OUT_COST * max(float(cost.max()), 1.0)
    tolerance = 1e-7 * problem.cost_scale
    cheapest = np.argsort(cost, axis=0, kind="stable")[: min(_FIRST_VEHICLES, n_vehicles)]
    known = np.zeros(cost.shape, dtype=bool)
    master = _RestrictedRelaxation(problem, left_out_cost)
    entering = cheapest.T.ravel(), np.repeat(np.arange(n_customers), len(cheapest))
    while True:
        known[entering] = True
        master.add(*entering)
        value, multipliers, price, left_out = master.solve()
        reduced_cost = np.where(known, 0.0, cost - multipliers + price[:, None] * weight)
        entering = _most_negative(reduced_cost, tolerance)
        if len(entering[0]):
            continue
        if left_out < 1e-7:
            return LinearDual(multipliers, price, value)
        left_out_cost *= 10.0
        master.price_left_out(left_out_cost)


def multiplier_ceiling(problem: AssignmentProblem, warm: LinearDual) -> float:
    """Return the highest multiplier worth allowing, distance units.

    The usual 2·max a, or more where the linear relaxation's prices are near it or above.

    Parameters
    ----------
    problem
        The assignment problem.
    warm
        Its linear relaxation's prices.
    """
    return max(2.0 * float(problem.cost.max()), 1.5 * float(warm.multipliers.max()), 2.0)


class _RestrictedRelaxation:
    """The relaxation over some pairs, kept warm in HiGHS; its first n columns leave a customer out at a cost."""

    def __init__(self, problem: AssignmentProblem, left_out_cost: float) -> None:
        import highspy

        self._problem = problem
        n_vehicles, n = problem.cost.shape
        self._solver = new_solver()
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = n, n + n_vehicles
        program.col_cost_ = np.full(n, left_out_cost)
        program.col_lower_ = np.zeros(n)
        program.col_upper_ = np.full(n, highspy.kHighsInf)
        program.row_lower_ = np.append(np.ones(n), np.full(n_vehicles, -highspy.kHighsInf))
        program.row_upper_ = np.append(np.ones(n), problem.capacity)
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_ = np.arange(n + 1)
        program.a_matrix_.index_ = np.arange(n)
        program.a_matrix_.value_ = np.ones(n)
        self._solver.passModel(program)

    def add(self, vehicle: NDArray[np.int64], customer: NDArray[np.int64]) -> None:
        """Let these pairs in."""
        count, n = len(vehicle), self._problem.n_customers
        self._solver.addCols(
            count,
            self._problem.cost[vehicle, customer],
            np.zeros(count),
            np.full(count, np.inf),
            2 * count,
            2 * np.arange(count, dtype=np.int32),
            np.stack([customer, n + vehicle], axis=1).ravel().astype(np.int32),
            np.stack([np.ones(count), self._problem.weight[customer]], axis=1).ravel(),
        )

    def price_left_out(self, cost: float) -> None:
        """Change what it costs to leave a customer out, distance units."""
        for column in range(self._problem.n_customers):
            self._solver.changeColCost(column, cost)

    def solve(self) -> tuple[float, NDArray[np.float64], NDArray[np.float64], float]:
        """Return the value, λ [n], μ [K] and how much of the customers is left out."""
        import highspy

        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise LagrlError("HiGHS did not solve a linear relaxation that has an optimum; please report the instance")
        n = self._problem.n_customers
        answer = self._solver.getSolution()
        dual = np.array(answer.row_dual)
        value = float(self._solver.getInfo().objective_function_value)
        return value, dual[:n], np.maximum(-dual[n:], 0.0), float(np.sum(answer.col_value[:n]))


def _most_negative(reduced_cost: NDArray[np.float64], tolerance: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pick each customer's few pairs of most negative reduced cost: vehicles and customers."""
    few = min(_VEHICLES_PER_ROUND, len(reduced_cost))
    vehicle = np.argpartition(reduced_cost, few - 1, axis=0)[:few]
    customer = np.broadcast_to(np.arange(reduced_cost.shape[1]), vehicle.shape)
    pays = reduced_cost[vehicle, customer] < -tolerance
    return vehicle[pays], customer[pays]
