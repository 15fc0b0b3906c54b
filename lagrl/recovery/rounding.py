"""Routes from the linear relaxation of an assignment to seeds: an estimate that needs no evaluation of the dual."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.recovery.pool import first_fit
from lagrl.recovery.tours import tour_clusters
from lagrl.relaxation.linear_dual import LinearDual, linear_dual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem
    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.seeding import Seeds


@dataclass(frozen=True)
class RoundedRelaxation:
    """The linear relaxation of a linearisation, rounded to routes.

    Attributes
    ----------
    assignment
        The linearisation.
    dual
        Prices and value of its linear relaxation.
    vehicle
        [n] vehicle of each customer; −1 where none had room.
    cost
        Length of the routes, distance units; customers without a vehicle have additional routes, first fit.
    estimate
        Length of the tours to the seeds and the relaxation's value, distance units; see `Seeds.estimated_cost`.
    """

    assignment: AssignmentProblem = field(repr=False)
    dual: LinearDual = field(repr=False)
    vehicle: NDArray[np.int64] = field(repr=False)
    cost: float
    estimate: float


def round_relaxation(problem: CVRP, seeds: Seeds) -> RoundedRelaxation:
    """Solve the linear relaxation of seeds, and round it to routes.

    Customers join vehicles with room in order of their regret (Martello and Toth 1990, §7.4) at the costs
    a_ki + μ_k d_i, with μ the capacities' prices, and each vehicle's customers are toured.

    Raises InstanceError if the vehicles cannot carry the total demand.
    """
    from lagrl.relaxation.pricing_kernels import assign_by_regret

    assignment = seeds.assignment_problem(problem)
    dual = linear_dual(assignment)
    vehicle = np.full(problem.n_customers, -1)
    priced = np.ascontiguousarray(assignment.cost + dual.capacity_price[:, None] * problem.demand)
    assign_by_regret(priced, problem.demand, assignment.capacity.copy(), vehicle)
    clusters = [np.flatnonzero(vehicle == k) + 1 for k in range(seeds.n_vehicles)]
    clusters += first_fit(problem, np.flatnonzero(vehicle < 0) + 1)
    _, lengths = tour_clusters(problem, [cluster for cluster in clusters if len(cluster)])
    tours = 2.0 * float(seeds.distance[:, 0].sum())
    return RoundedRelaxation(assignment, dual, vehicle, float(lengths.sum()), tours + dual.value)


def rounded_cost(seeds: Seeds, problem: CVRP) -> float:
    """Return the length of the routes to which the linear relaxation of seeds is rounded, distance units.

    Raises InstanceError if the vehicles cannot carry the total demand.
    """
    return round_relaxation(problem, seeds).cost
