"""The linear relaxation of an assignment problem and its dual prices: the warm start of every controller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InstanceError, LagrlError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem

# Most customers split between few vehicles; HiGHS sees these and prices out the rest.
_NEAREST_VEHICLES = 6


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

    Variables are generated: the relaxation starts with each customer's cheapest vehicles, and those of negative
    reduced cost a_ki − λ_i + μ_k d_i join until none is left, which proves the prices optimal for all of them.

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
    nearest = np.argsort(cost, axis=0, kind="stable")[: min(_NEAREST_VEHICLES, n_vehicles)]
    active = np.zeros(cost.shape, dtype=bool)
    active[nearest, np.arange(n_customers)] = True
    tolerance = 1e-7 * problem.cost_scale
    while True:
        answer = _solve_restricted(problem, active)
        if answer is None and not active.all():  # the nearest vehicles alone cannot carry everything
            active[:] = True
            continue
        if answer is None:
            raise LagrlError("HiGHS found no optimum of a linear relaxation that has one; please report the instance")
        value, multipliers, price = answer
        missing = (cost - multipliers + price[:, None] * weight < -tolerance) & ~active
        if not missing.any():
            return LinearDual(multipliers, price, value)
        active |= missing


def _solve_restricted(
    problem: AssignmentProblem, active: NDArray[np.bool_]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]] | None:
    """Solve the relaxation over the active pairs; None if they cannot serve everyone."""
    import highspy

    customer, vehicle = np.nonzero(active.T)  # column by column in customer order
    n_vehicles, n_customers = problem.cost.shape
    n_columns = len(customer)
    program = highspy.HighsLp()
    program.num_col_ = n_columns
    program.num_row_ = n_customers + n_vehicles
    program.col_cost_ = problem.cost[vehicle, customer]
    program.col_lower_ = np.zeros(n_columns)
    program.col_upper_ = np.full(n_columns, highspy.kHighsInf)
    program.row_lower_ = np.concatenate([np.ones(n_customers), np.full(n_vehicles, -highspy.kHighsInf)])
    program.row_upper_ = np.concatenate([np.ones(n_customers), problem.capacity.astype(np.float64)])
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = 2 * np.arange(n_columns + 1)
    program.a_matrix_.index_ = np.stack([customer, n_customers + vehicle], axis=1).ravel()
    program.a_matrix_.value_ = np.stack([np.ones(n_columns), problem.weight[customer]], axis=1).ravel()

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.passModel(program)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    prices = np.array(solver.getSolution().row_dual)
    return (
        float(solver.getInfo().objective_function_value),
        prices[:n_customers],
        np.maximum(-prices[n_customers:], 0.0),
    )
