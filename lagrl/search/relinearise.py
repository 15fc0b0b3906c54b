"""Linearisations around the routes of a neighbourhood, ready for an ascent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.recovery.reconstruction import ClusterTours, InsertionTours, Reconstruction
from lagrl.relaxation.relinearise import PartialRoutes, perturbed, regret_prices, relinearise
from lagrl.search.string_removal import adjacent_strings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem
    from lagrl.problems.cvrp import CVRP
    from lagrl.search.neighbourhood import Neighbourhood
    from lagrl.search.schedule import Decision


@dataclass(frozen=True)
class Relinearisation:
    """A linearisation around existing routes.

    Attributes
    ----------
    assignment
        Its assignment problem.
    customers
        [m] its customers, in the assignment problem's order.
    reconstruction
        Makes routes of an assignment; the columns outside the neighbourhood come first.
    """

    assignment: AssignmentProblem = field(repr=False)
    customers: NDArray[np.int64] = field(repr=False)
    reconstruction: Reconstruction

    def master_duals(self, customer_price: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """Return the master's prices [m] of these customers, 0 or more, from those [n] of all; None if None."""
        return None if customer_price is None else np.maximum(customer_price[self.customers - 1], 0.0)

    def first_prices(self, master_duals: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """Return the first multipliers [m], distance units: the master's, or the second cheapest costs if None."""
        return regret_prices(self.assignment) if master_duals is None else master_duals


def relinearise_neighbourhood(
    problem: CVRP,
    neighbourhood: Neighbourhood,
    decision: Decision,
    near: Sequence[Sequence[int]],
    rng: np.random.Generator,
) -> Relinearisation:
    """Linearise around the routes of a neighbourhood, as a decision for `incumbent` or `partial` says."""
    reconstruction: Reconstruction
    if decision.linearisation == "incumbent":
        customers = neighbourhood.customers
        assignment = relinearise(problem, neighbourhood.routes)
        reconstruction = ClusterTours(problem.fleet.fewest > 0, customers, neighbourhood.fixed_columns)
    else:
        n_routes = len(neighbourhood.fixed_columns) + len(neighbourhood.routes)
        closing = decision.closing and problem.fleet.rule != "exact" and n_routes > problem.minimum_vehicles
        freed, reached = adjacent_strings(
            neighbourhood.lists, neighbourhood.route_of, near, decision.freed, rng, closing=closing
        )
        customers = np.array(freed, np.int64)
        partial = PartialRoutes.of(problem, [neighbourhood.routes[k] for k in reached], customers)
        assignment = partial.assignment_problem
        touched = {*reached, neighbourhood.route_of[freed[0]]}  # the first one's route may be closed
        staying = set(range(len(neighbourhood.routes))).difference(touched)
        reconstruction = InsertionTours(
            partial, [*neighbourhood.fixed_columns, *(neighbourhood.columns[k] for k in sorted(staying))]
        )
    if decision.noise > 0:
        assignment = perturbed(assignment, decision.noise, rng)
    return Relinearisation(assignment, customers, reconstruction)
