"""Routes from an evaluation of a route dual: chosen routes are kept, and knapsacks assign the other customers to them.

The routes of an evaluation overlap and leave customers out. A greedy cover keeps up to K of them, without customers
that another one has; where it has fewer, routes of earlier evaluations follow. Other customers are assigned to these
vehicles: a_ki is the cheapest insertion of customer i into route k, as in the search
(`lagrl.relaxation.relinearise`), and the prices are the multipliers λ_i of the route dual. This is one evaluation of an
assignment dual, whose K knapsacks the route sampler solves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.dual_loop import AscentState, DualLoop
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool, first_fit
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.relinearise import PartialRoutes
from lagrl.relaxation.sampler import NO_COST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.dual import DualPoint
    from lagrl.relaxation.sampler import SamplingCost, SubproblemSampler

_LATEST = 10  # routes per customer that a cover may take from earlier evaluations


class RouteFeedback:
    """Makes routes of the evaluations of one episode.

    Parameters
    ----------
    problem
        The instance.
    n_vehicles
        Number of vehicles K.
    sampler
        Solves the knapsacks.
    shots
        Strings per vehicle from an approximate sampler.
    n_joint
        Joint draws of these strings that are decoded.
    keep_chosen
        Whether all routes that evaluations chose become columns of the pool, for set partitioning.
    rng
        Randomness of the sampler.

    Attributes
    ----------
    incumbent
        The best routes so far, and the pool of all.
    """

    def __init__(
        self,
        problem: CVRP,
        n_vehicles: int,
        sampler: SubproblemSampler,
        *,
        shots: int,
        n_joint: int,
        keep_chosen: bool,
        rng: np.random.Generator,
    ) -> None:
        self.problem = problem
        self.n_vehicles = n_vehicles
        self.sampler = sampler
        self.shots = shots
        self.n_joint = n_joint
        self.keep_chosen = keep_chosen
        self.incumbent = Incumbent(RoutePool(problem))
        self._rng = rng
        self._n_kept = 0

    def propose(self, point: DualPoint, chosen: Sequence[tuple[int, ...]] = ()) -> tuple[float, SamplingCost]:
        """Complete the routes of an evaluation and offer them to the incumbent.

        `chosen`: customers 0 … n − 1 of the routes of all evaluations so far, latest last, see `RouteDual.routes`.

        Returns the cost of the cheapest completed routes that meet the fleet rule, distance units, infinite if there
        are none, and the resources that the sampler used.
        """
        pool, incumbent = self.incumbent.pool, self.incumbent
        incumbent.evaluations += 1
        if self.keep_chosen:
            pool.add_clusters([np.flatnonzero(row) + 1 for row in self._that_fit(self._visits(chosen[self._n_kept :]))])
            self._n_kept = len(chosen)
        latest = self._visits(chosen[-_LATEST * self.problem.n_customers :])[::-1]
        sources = self._that_fit(point.selection > 0), self._that_fit(latest)
        kept = pool.add_clusters(greedy_cover(sources, self.problem.demand, self.n_vehicles))
        routes = [pool.routes[column] for column in kept]
        free = np.ones(self.problem.n_customers, dtype=bool)
        for route in routes:
            free[route - 1] = False
        freed = np.flatnonzero(free) + 1
        if not len(freed):
            incumbent.offer(kept)
            cost = pool.cost_of(kept)
            return (cost if self.problem.fleet.allows(len(kept)) else np.inf), NO_COST
        empty = [np.zeros(0, np.int64)] * (self.n_vehicles - len(routes))
        partial = PartialRoutes(self.problem, (*routes, *empty), freed)
        dual = AssignmentDual(
            partial.assignment_problem, self.sampler, shots=self.shots, rng=self._rng, run=f"{self.problem.name}/routes"
        )
        state = AscentState(dual, incumbent, self._rng, reconstruction=CompletedTours(partial))
        (step,) = DualLoop([state], n_joint=self.n_joint).step([point.multipliers[freed - 1]])
        assert step is not None
        return step.route_cost, step.sampling

    def _visits(self, routes: Sequence[tuple[int, ...]]) -> NDArray[np.bool_]:
        """Return whether each route visits each customer, [R, n]."""
        visits = np.zeros((len(routes), self.problem.n_customers), dtype=bool)
        for row, route in zip(visits, routes, strict=True):
            row[list(route)] = True
        return visits

    def _that_fit(self, visits: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the rows whose customers fit a vehicle: the loads of the graph may be rounded down."""
        return visits[visits @ self.problem.demand <= self.problem.capacity]


class CompletedTours:
    """Inserts customers into partial routes, and tours the completed clusters.

    `partial`: the routes, some of which may be empty, and the customers without one.
    """

    no_empty = False  # the kept customers hold their routes open

    def __init__(self, partial: PartialRoutes) -> None:
        self.partial = partial

    def columns(self, pool: RoutePool, assignment: NDArray[np.int64]) -> list[int]:
        """Return the columns of the completed routes; customers without a vehicle get additional ones, first fit."""
        extra = first_fit(pool.problem, self.partial.freed[assignment < 0])
        routes = [route for route in self.partial.routes(assignment) if len(route)]
        pool.add_clusters([np.sort(route) for route in routes])  # of both orders the shorter one is kept
        return pool.add_routes(routes) + pool.add_clusters(extra)

    def add_loads(self, pool: RoutePool, selection: NDArray[np.uint8]) -> None:
        """Complete each vehicle's route with the customers that it selected, even if others selected them too."""
        for k, row in enumerate(selection):
            if row.any():
                pool.add_routes([self.partial.routes(np.where(row > 0, k, -1))[k]])


def greedy_cover(sources: Sequence[NDArray[np.bool_]], demand: NDArray[np.int64], most: int) -> list[NDArray[np.int64]]:
    """Return up to `most` clusters of different customers 1 … n, ascending, none empty.

    The route whose customers without a cluster have the largest demand comes next, the first of several, and its
    cluster has these customers. Routes of the second source follow when the first has no more, and so on.

    Parameters
    ----------
    sources
        [R, n] arrays: whether a route visits a customer.
    demand
        [n] demand units.
    most
        Largest number of clusters.
    """
    is_free = np.ones(len(demand), dtype=bool)
    clusters: list[NDArray[np.int64]] = []
    for visits in sources:
        while len(visits) and len(clusters) < most:
            left = visits[int((visits @ (demand * is_free)).argmax())] & is_free
            if not left.any():
                break
            clusters.append(np.flatnonzero(left) + 1)
            is_free &= ~left
    return clusters
