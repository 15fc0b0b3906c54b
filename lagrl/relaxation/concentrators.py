"""Seeds with a cheap linearisation: capacitated concentrator location."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.problems.assignment import AssignmentProblem
from lagrl.relaxation.knapsack import KnapsackBatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP

_STEPS = 100
_PATIENCE = 5  # steps without a higher value before they are halved, and between two sets of sites
_LEAST_SITES = 50
_SITES_PER_VEHICLE = 4


def locate_concentrators(problem: CVRP, n_vehicles: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose K customers as seeds by capacitated concentrator location (Bramel and Simchi-Levi 1995).

    Opening site j costs the tour 2·c(0, j); connecting customer i to it costs what i adds to that tour, c(0, i) + c(i,
    j) − c(0, j); a site serves no more than a vehicle carries. The assignment of customers is relaxed with multipliers:
    every site then solves its own knapsack, and the K sites of least value are open. At every fifth step along the
    supergradient, sites are opened one by one and all customers are connected; the cheapest such set is returned, [K]
    customers 0 … n − 1.

    `rng` draws the candidate sites, four per vehicle (at least 50, at most three quarters of the customers, unless K is
    more), and the first multipliers.
    """
    wanted = max(_LEAST_SITES, _SITES_PER_VEHICLE * n_vehicles)
    n_sites = max(n_vehicles, min(wanted, -(-3 * problem.n_customers // 4)))
    site = np.sort(rng.choice(problem.n_customers, n_sites, replace=False))
    away = problem.distance[0, 1:]
    connecting = away + problem.distance[site + 1, 1:] - away[site, None]
    sites = AssignmentProblem(
        np.maximum(connecting, 0.0), problem.demand, np.full(n_sites, problem.capacity), origin=problem
    )
    knapsacks = KnapsackBatch([sites])
    tour = 2.0 * away[site]
    multipliers = sites.cost.min(axis=0) * rng.uniform(1.0, 1.2, problem.n_customers)
    best, chosen, least = -np.inf, list(range(n_vehicles)), np.inf
    relaxation, stalled = 1.0, 0
    for step in range(_STEPS):
        selection, value = knapsacks.price([multipliers])[0]
        opening = value + tour
        opened = np.argsort(opening, kind="stable")[:n_vehicles]
        bound = float(multipliers.sum() + opening[opened].sum())
        stalled = 0 if bound > best else stalled + 1
        best = max(best, bound)
        if stalled == _PATIENCE:
            relaxation, stalled = 0.5 * relaxation, 0
        if step % _PATIENCE == 0:
            candidate = _open_one_by_one(knapsacks, multipliers, tour, n_vehicles)
            total = _total_cost(sites, tour, candidate)
            if total < least:
                chosen, least = candidate, total
        violation = 1.0 - selection[opened].sum(axis=0)
        if not violation.any():  # every customer is connected once: no other set costs less
            return site[opened]
        gap = max((least if np.isfinite(least) else 1.1 * abs(bound)) - bound, sites.cost_scale)
        multipliers = np.maximum(multipliers + relaxation * gap / float(violation @ violation) * violation, 0.0)
    return site[chosen]


def _open_one_by_one(
    knapsacks: KnapsackBatch, multipliers: NDArray[np.float64], tour: NDArray[np.float64], n_vehicles: int
) -> list[int]:
    """Open the site of least value, remove its customers, and repeat; otherwise the best sites would be neighbours."""
    opened: list[int] = []
    waiting = multipliers.copy()
    for _ in range(n_vehicles):
        selection, value = knapsacks.price([waiting])[0]
        opening = value + tour
        opening[opened] = np.inf
        opened.append(int(opening.argmin()))
        waiting[selection[opened[-1]] > 0] = 0.0  # costs are 0 or more: no site selects a customer that pays nothing
    return opened


def _total_cost(sites: AssignmentProblem, tour: NDArray[np.float64], opened: list[int]) -> float:
    """Return the cost of these sites with all customers connected by regret; infinite where one does not fit."""
    from lagrl.relaxation.pricing_kernels import assign_by_regret

    cost = np.ascontiguousarray(sites.cost[opened])
    group = np.full(sites.n_customers, -1)
    if assign_by_regret(cost, sites.weight, sites.capacity[opened], group):
        return np.inf
    return float(tour[opened].sum() + cost[group, np.arange(sites.n_customers)].sum())
