"""Linearisations around the routes of a neighbourhood, ready for an ascent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.recovery.reconstruction import ClusterTours, InsertionTours, Reconstruction
from lagrl.relaxation.relinearise import PartialRoutes, perturbed, regret_prices, relinearise
from lagrl.search.string_removal import adjacent_strings, routes_to_join

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
    freed: Sequence[int] | None = None,
) -> Relinearisation:
    """Linearise around the routes of a neighbourhood, as a decision for `incumbent` or `partial` says.

    `freed` are the customers to free by `partial`, drawn at random if None; for the errors see `require_freed`.
    """
    reconstruction: Reconstruction
    if decision.linearisation == "incumbent":
        customers = neighbourhood.customers
        assignment = relinearise(problem, neighbourhood.routes)
        reconstruction = ClusterTours(problem.fleet.fewest > 0, customers, neighbourhood.fixed_columns)
    else:
        n_routes = len(neighbourhood.fixed_columns) + len(neighbourhood.routes)
        closing = decision.closing and problem.fleet.rule != "exact" and n_routes > problem.minimum_vehicles
        if freed is None:
            freed, reached = adjacent_strings(
                neighbourhood.lists, neighbourhood.route_of, near, decision.freed, rng, closing=closing
            )
        else:
            require_freed(freed, neighbourhood)
            reached = routes_to_join(freed, neighbourhood.route_of, near)
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


def require_freed(freed: Sequence[int], neighbourhood: Neighbourhood) -> None:
    """Raise an error for a set of customers that cannot be freed.

    Raises
    ------
    InputError
        If it is empty or everybody, or a customer occurs twice or is not in the neighbourhood.
    """
    remedy = f"free 1 to {len(neighbourhood.customers) - 1} different customers of the current routes"
    if not len(freed) or len(freed) >= len(neighbourhood.customers):
        which = "everybody" if len(freed) else "nobody"
        raise InputError(f"{which} is freed", source=neighbourhood.problem.name, field="freed", remedy=remedy)
    for position, customer in enumerate(freed):
        if customer not in neighbourhood.route_of or customer in freed[:position]:
            why = "is not on the current routes" if customer not in neighbourhood.route_of else "occurs twice"
            raise InputError(
                f"customer {customer} {why}", source=neighbourhood.problem.name, field="freed", remedy=remedy
            )
