"""Fisher and Jaikumar's (1981) linearisation: a route through a seed is priced by cheapest insertion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InstanceError, require_type
from lagrl.problems.cvrp import require_cvrp
from lagrl.relaxation.seeding import Seeds, seeding_rule

if TYPE_CHECKING:
    from lagrl.problems.assignment import AssignmentProblem
    from lagrl.problems.cvrp import CVRP

FULL = 0.98  # share of the needed vehicles' capacity above which decoding seldom fits everyone


def vehicles_to_try(problem: CVRP, repetition: int = 0) -> int:
    """Return the number of vehicles K of a linearisation.

    If the fleet rule allows it, one vehicle more than needed is tried in every second round: the bound on their number
    is often not attained, and more routes can be shorter. If the needed vehicles would be nearly full, it is tried
    first. `repetition` counts how often all seedings were used before.
    """
    spare = (repetition + (problem.tightness > FULL)) % 2
    return min(problem.minimum_vehicles + spare, problem.maximum_vehicles)


def linearise(problem: CVRP, seeds: Seeds | str = "kmeans") -> AssignmentProblem:
    """Return the assignment problem a_ki = c(0, i) + c(i, s_k) − c(0, s_k) of the vehicles' seeds s_k.

    Costs are clipped at 0: rounded distances can break the triangle inequality by one.

    Parameters
    ----------
    problem
        The instance.
    seeds
        One seed per vehicle, see `seeding`. A rule's name (kmeans, sweep, farthest, concentrators, cheapest) places
        seeds for `vehicles_to_try` vehicles, always at the same points.

    Raises
    ------
    UnknownNameError
        If there is no such rule.
    InstanceError
        If the vehicles together cannot carry the total demand.

    Examples
    --------
    >>> import lagrl
    >>> assignment = lagrl.linearise(lagrl.read("G-n16-k3"))
    >>> assignment.cost.shape
    (3, 15)
    """
    require_cvrp(problem)
    if isinstance(seeds, str):
        seeds = seeding_rule(seeds)(problem, vehicles_to_try(problem), np.random.default_rng(0))
    require_type(seeds, Seeds, "seeds", "give a rule's name, such as 'kmeans', or what a seeding rule returns")
    total, available = int(problem.demand.sum()), seeds.n_vehicles * problem.capacity
    if total > available:
        raise InstanceError(
            f"{seeds.n_vehicles} vehicles carry {available}, the demand is {total}",
            source=problem.name,
            field="n_vehicles",
            remedy=f"use at least {problem.minimum_vehicles}",
        )
    return seeds.assignment_problem(problem)
