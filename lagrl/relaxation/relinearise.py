"""Linearisation around existing routes: a customer costs its cheapest insertion.

Fisher and Jaikumar's (1981) seeds stand for routes that do not exist yet. Existing routes give the cost of a customer
on them directly, exact for one customer, and better for several the farther apart they are. Two ways: for all customers
(`relinearise`), or around routes from which some customers were removed (`PartialRoutes`), a small assignment problem.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from lagrl.problems.assignment import AssignmentProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP


def relinearise(problem: CVRP, routes: Sequence[NDArray[np.int64]]) -> AssignmentProblem:
    """Price every customer on every route: a_ki is the cheapest insertion of i into route k.

    On its own route, a customer costs what its removal saves. Capacities are the vehicles' own. The assignment problem
    has the K routes' m customers, in ascending order.
    """
    customers = np.sort(np.concatenate(routes))
    is_everybody = len(customers) == problem.n_customers
    return AssignmentProblem(
        cost=_insertion_costs(problem, routes, customers),
        weight=problem.demand[customers - 1],
        capacity=np.full(len(routes), problem.capacity),
        origin=problem if is_everybody else problem.restricted_to(customers),
    )


@dataclass(frozen=True, eq=False)
class PartialRoutes:
    """Some routes of a solution, without the customers that were removed from them.

    Attributes
    ----------
    problem
        The instance.
    kept
        K arrays: the remaining customers in visiting order; an array may be empty.
    freed
        [m] customers 1 … n without a route.
    """

    problem: CVRP
    kept: tuple[NDArray[np.int64], ...] = field(repr=False)
    freed: NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(cls, problem: CVRP, routes: Sequence[NDArray[np.int64]], freed: NDArray[np.int64]) -> PartialRoutes:
        """Remove the `freed` customers from routes, each customers 1 … n in visiting order."""
        is_free = np.zeros(problem.n_customers + 1, np.bool_)
        is_free[freed] = True
        return cls(problem, tuple(route[~is_free[route]] for route in routes), freed)

    @cached_property
    def assignment_problem(self) -> AssignmentProblem:
        """The assignment of the freed customers to the K vehicles, within the room that the kept customers leave.

        a_ki is the cheapest insertion of freed customer i into the rest of route k, distance units.
        """
        demand = self.problem.demand
        room = [self.problem.capacity - int(demand[route - 1].sum()) for route in self.kept]
        return AssignmentProblem(
            cost=_insertion_costs(self.problem, self.kept, self.freed),
            weight=demand[self.freed - 1],
            capacity=np.array(room, np.int64),
            origin=self.problem.restricted_to(self.freed),
        )

    def routes(self, assignment: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Insert the freed customers into the vehicles' routes, each in its cheapest place, the cheapest first.

        `assignment` [m] has the vehicle of each; a customer with a negative one is left out. Returns K arrays of
        customers in visiting order; one may be empty.
        """
        from lagrl.relaxation.insertion_kernels import insert_customers

        node, start = _flat(self.kept)
        on_own = self.assignment_problem.cost[assignment, np.arange(len(self.freed))]
        new_node, new_start = np.empty(len(node) + len(self.freed), np.int64), np.empty_like(start)
        order = np.argsort(on_own, kind="stable")
        insert_customers(self.problem.distance, node, start, self.freed, assignment, order, new_node, new_start)
        return [new_node[new_start[k] : new_start[k + 1]] for k in range(len(self.kept))]


def perturbed(problem: AssignmentProblem, noise: float, rng: np.random.Generator) -> AssignmentProblem:
    """Multiply every cost by 1 + `noise`·N(0, 1), at least 0: another linearisation of similar routes."""
    factor = np.maximum(1.0 + noise * rng.standard_normal(problem.cost.shape), 0.0)
    return AssignmentProblem(problem.cost * factor, problem.weight, problem.capacity, problem.origin)


def regret_prices(problem: AssignmentProblem) -> NDArray[np.float64]:
    """Return each customer's second cheapest cost [n], distance units: a start for the multipliers without a solver.

    At these prices only the cheapest vehicle selects a customer, so only the capacities are in conflict. With one
    vehicle, a little more than its cost.
    """
    if problem.n_vehicles == 1:
        alone: NDArray[np.float64] = problem.cost[0] + 0.01 * problem.cost_scale
        return alone
    second: NDArray[np.float64] = np.partition(problem.cost, 1, axis=0)[1]
    return second


def _flat(routes: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.concatenate(routes), np.array([0, *accumulate(map(len, routes))])


def _insertion_costs(
    problem: CVRP, routes: Sequence[NDArray[np.int64]], customers: NDArray[np.int64]
) -> NDArray[np.float64]:
    from lagrl.relaxation.insertion_kernels import insertion_costs

    cost = np.empty((len(routes), len(customers)))
    insertion_costs(problem.distance, *_flat(routes), customers, cost)
    return cost
