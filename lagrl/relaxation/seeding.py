"""Seeds of the K vehicles: sweep, farthest, capacitated k-means, concentrators, and the cheapest of several seedings.

Every rule takes the problem, K and a Generator, whose draw is the only difference between two variants of a rule
(a rotation, a first seed, initial centres). The result is a `Seeds`, ready to be linearised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import FleetError, InputError, UnknownNameError
from lagrl.problems.assignment import AssignmentProblem
from lagrl.problems.cvrp import CVRP
from lagrl.problems.distances import euclidean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_KMEANS_ROUNDS = 20
_CANDIDATES = 4
_MIXTURE = ("concentrators", "kmeans", "sweep")  # of the cheapest seedings, in turn; both chosen in docs/decisions/026
_MOST_LANDMARKS = 250  # scaled in a hundredth of a second


@dataclass(frozen=True)
class Seeds:
    """One seed per vehicle.

    Attributes
    ----------
    distance
        [K, n + 1] from each seed to each node (depot first), distance units.
    rule
        Name of the rule that placed them.
    """

    distance: NDArray[np.float64] = field(repr=False)
    rule: str

    @property
    def n_vehicles(self) -> int:
        """Number of vehicles K."""
        return len(self.distance)

    def assignment_problem(self, problem: CVRP) -> AssignmentProblem:
        """Return the assignment of an instance's customers to tours through these seeds, see `linearise`."""
        detour = problem.distance[0, 1:] + self.distance[:, 1:] - self.distance[:, :1]
        capacity = np.full(self.n_vehicles, problem.capacity)
        return AssignmentProblem(np.maximum(detour, 0.0), problem.demand, capacity, origin=problem)

    def estimated_cost(self, problem: CVRP) -> float:
        """Return an estimate of an instance's route cost, distance units, that needs no evaluation.

        It is the length of the tours to the seeds, 2·Σ_k c(0, s_k), plus the linear relaxation of the customers'
        assignment to them. Both count: seeds far from the depot have short detours.

        Raises InstanceError if the vehicles cannot carry the total demand.
        """
        from lagrl.relaxation.linear_dual import linear_dual

        return 2.0 * float(self.distance[:, 0].sum()) + linear_dual(self.assignment_problem(problem)).value


CostOfSeeds = Callable[[Seeds, CVRP], float]
"""An estimate of an instance's route cost from seeds, distance units, without an evaluation."""


def sweep(problem: CVRP, n_vehicles: int, rng: np.random.Generator) -> Seeds:
    """Cut the customers, in polar order around the depot, into K sectors of equal demand (Gillett and Miller 1974).

    Each seed is its sector's demand-weighted centre. `rng` draws the direction of the first cut.

    Raises FleetError if there are more vehicles than customers.
    """
    _require_customers(problem, n_vehicles)
    points = _plane(problem)
    offset = points[1:] - points[0]
    angle = (np.arctan2(offset[:, 1], offset[:, 0]) - rng.uniform(0.0, 2 * np.pi)) % (2 * np.pi)
    order = np.lexsort((np.hypot(offset[:, 0], offset[:, 1]), angle))
    share = _mass(problem)[order]
    middle = np.cumsum(share) - 0.5 * share
    sector = np.empty(problem.n_customers, np.int64)
    sector[order] = np.minimum(middle * n_vehicles / share.sum(), n_vehicles - 1).astype(np.int64)
    return _seeds_of_groups(problem, points, sector, n_vehicles, "sweep")


def farthest(problem: CVRP, n_vehicles: int, rng: np.random.Generator) -> Seeds:
    """Choose customers one by one, each farthest from the depot and all seeds so far (Gonzalez 1985).

    `rng` draws the first seed among customers, in proportion to their distance from the depot.

    Raises FleetError if there are more vehicles than customers.
    """
    _require_customers(problem, n_vehicles)
    apart = problem.distance[0, 1:].copy()
    total = apart.sum()
    first = int(rng.choice(problem.n_customers, p=apart / total if total > 0 else None))
    chosen = [first]
    for _ in range(n_vehicles - 1):
        apart = np.minimum(apart, problem.distance[chosen[-1] + 1, 1:])
        apart[chosen] = -1.0
        chosen.append(int(apart.argmax()))
    return Seeds(problem.distance[np.array(chosen) + 1], "farthest")


def kmeans(problem: CVRP, n_vehicles: int, rng: np.random.Generator) -> Seeds:
    """Cluster the customers by demand-weighted k-means whose clusters respect the capacity.

    Lloyd's alternation (1982) with k-means++ centres drawn by `rng` (Arthur and Vassilvitskii 2007); customers join
    clusters by regret within the capacity, and centres move to the demand-weighted mean (Mulvey and Beck 1984). Where
    only distances are known, they move to the customer nearest to all others instead (k-medoids).

    Raises FleetError if there are more vehicles than customers.
    """
    _require_customers(problem, n_vehicles)
    start = _spread_out(problem, n_vehicles, rng)
    if problem.coordinates is None:
        return Seeds(problem.distance[_medoids(problem, start) + 1], "kmeans")
    from lagrl.relaxation.seeding_kernels import cluster_within_capacity

    customers = np.ascontiguousarray(problem.coordinates[1:], np.float64)
    centre, group = customers[start], np.empty(problem.n_customers, np.int64)
    demand, capacity = problem.demand, problem.capacity
    cluster_within_capacity(customers, _mass(problem), demand, capacity, _KMEANS_ROUNDS, centre, group)
    return _seeds_of_groups(problem, problem.coordinates, group, n_vehicles, "kmeans")


def concentrators(problem: CVRP, n_vehicles: int, rng: np.random.Generator) -> Seeds:
    """Choose the customers around which the linearisation is cheapest: see `locate_concentrators`.

    `rng` draws the candidates and the first multipliers.

    Raises FleetError if there are more vehicles than customers.
    """
    from lagrl.relaxation.concentrators import locate_concentrators

    _require_customers(problem, n_vehicles)
    return Seeds(problem.distance[locate_concentrators(problem, n_vehicles, rng) + 1], "concentrators")


def cheapest(
    problem: CVRP,
    n_vehicles: int,
    rng: np.random.Generator,
    n_candidates: int = _CANDIDATES,
    cost_of: CostOfSeeds = Seeds.estimated_cost,
) -> Seeds:
    """Take the seeds of lowest estimated route cost: of K seedings for `cheapest:K`, of 4 for `cheapest`.

    The seedings are by concentrators, k-means and sweep in turn, drawn by `rng`. `cost_of` estimates a seeding's route
    cost, distance units, without an evaluation: a solve rounds the relaxation to routes (`recovery.rounding`). Four
    take about 0.05 s at 100 customers and 4 s at 1000, nearly all for the concentrators.

    Raises
    ------
    InputError
        If K, here `n_candidates`, is below 1.
    FleetError
        If there are more vehicles than customers.
    InstanceError
        If the vehicles cannot carry the total demand.
    """
    candidates = candidate_seeds(problem, n_vehicles, rng, _MIXTURE, n_candidates)
    best = min(candidates, key=lambda seeds: cost_of(seeds, problem)) if n_candidates > 1 else candidates[0]
    return replace(best, rule="cheapest")


def candidate_seeds(
    problem: CVRP, n_vehicles: int, rng: np.random.Generator, rules: Sequence[str], n_candidates: int
) -> list[Seeds]:
    """Return K seedings by some rules in turn, each with its own draw.

    Raises
    ------
    InputError
        If K, here `n_candidates`, is below 1.
    UnknownNameError
        If there is no such rule.
    FleetError
        If there are more vehicles than customers.
    """
    if n_candidates < 1:
        raise InputError(f"{n_candidates} seedings to choose from", field="seeding", remedy="give 1 or more")
    makers = [seeding_rule(name) for name in rules]
    return [makers[index % len(makers)](problem, n_vehicles, rng) for index in range(n_candidates)]


SeedingRule = Callable[[CVRP, int, np.random.Generator], Seeds]

SEEDINGS: dict[str, SeedingRule] = {
    "sweep": sweep,
    "farthest": farthest,
    "kmeans": kmeans,
    "concentrators": concentrators,
    "cheapest": cheapest,
}
"""Rules by name; `cheapest:K` names the last with another number of seedings, see `seeding_rule`."""


def seeding_rule(name: str, cost_of: CostOfSeeds = Seeds.estimated_cost) -> SeedingRule:
    """Return the rule of a name; `cheapest:K` takes the cheapest of K seedings, by the estimate `cost_of`.

    Raises
    ------
    UnknownNameError
        If there is no such rule.
    InputError
        If K is not a whole number of 1 or more.
    """
    rule, colon, number = name.partition(":")
    if rule not in SEEDINGS or (colon and rule != "cheapest"):
        raise UnknownNameError.of("seeding", name, SEEDINGS)
    if rule != "cheapest":
        return SEEDINGS[rule]
    if not colon:
        return partial(cheapest, cost_of=cost_of)
    if not (number.isascii() and number.isdigit() and int(number) >= 1):
        raise InputError(
            f"{name!r} given", field="seeding", remedy="give the number of seedings, 1 or more, as in cheapest:8"
        )
    return partial(cheapest, n_candidates=int(number), cost_of=cost_of)


def _require_customers(problem: CVRP, n_vehicles: int) -> None:
    if not 1 <= n_vehicles <= problem.n_customers:
        raise FleetError(
            f"{n_vehicles} vehicles for {problem.n_customers} customers",
            source=problem.name,
            field="n_vehicles",
            remedy="use one vehicle per customer at most",
        )


def _mass(problem: CVRP) -> NDArray[np.float64]:
    """Return the demands as weights; equal weights where all demands are 0."""
    return problem.demand.astype(np.float64) if problem.demand.any() else np.ones(problem.n_customers)


def _plane(problem: CVRP) -> NDArray[np.float64]:
    """Return coordinates [n + 1, 2]; for a distance matrix, those of classical scaling (Torgerson 1952).

    Of many nodes some are scaled, and the others are placed by their distances to these (de Silva and Tenenbaum 2004):
    scaling all takes seconds at a thousand.
    """
    if problem.coordinates is not None:
        return problem.coordinates
    n_nodes = problem.n_customers + 1
    landmark = np.unique(np.linspace(0, n_nodes - 1, min(n_nodes, _MOST_LANDMARKS)).astype(np.int64))
    squared = problem.distance[np.ix_(landmark, landmark)] ** 2
    centred = -0.5 * (squared - squared.mean(0) - squared.mean(1)[:, None] + squared.mean())
    value, vector = np.linalg.eigh(centred)
    value, vector = np.maximum(value[-2:], 0.0), vector[:, -2:]
    flat = np.zeros((n_nodes, 2))
    if len(landmark) == n_nodes:
        flat[:, : len(value)] = vector * np.sqrt(value)
    else:
        axes = vector / np.sqrt(np.maximum(value, np.finfo(float).tiny)) * (value > 0.0)
        flat[:] = -0.5 * (problem.distance[:, landmark] ** 2 - squared.mean(0)) @ axes
    return flat


def _spread_out(problem: CVRP, n_vehicles: int, rng: np.random.Generator) -> NDArray[np.int64]:
    mass = _mass(problem)
    chosen = [_drawn(mass, rng)]
    nearest = np.full(problem.n_customers, np.inf)
    for _ in range(n_vehicles - 1):
        nearest = np.minimum(nearest, problem.distance[chosen[-1] + 1, 1:] ** 2)
        weight = mass * nearest
        weight[chosen] = 0.0
        if not weight.any():  # every other customer sits on a chosen one or demands nothing
            weight = np.ones(problem.n_customers)
            weight[chosen] = 0.0
        chosen.append(_drawn(weight, rng))
    return np.array(chosen)


def _drawn(weight: NDArray[np.float64], rng: np.random.Generator) -> int:
    """Draw an index in proportion to weights: the draw of `rng.choice(n, p=weight / Σ)`, without its checks of p."""
    share = (weight / weight.sum()).cumsum()
    share /= share[-1]
    return int(share.searchsorted(rng.random(), side="right"))


def _groups(problem: CVRP, separation: NDArray[np.float64]) -> NDArray[np.int64]:
    """Assign customers [n] to the K centres they are [K, n] away from, by regret within the capacity."""
    from lagrl.relaxation.pricing_kernels import assign_by_regret

    group = np.full(problem.n_customers, -1)
    if assign_by_regret(separation, problem.demand, np.full(len(separation), problem.capacity), group):
        left = group < 0  # a cluster need not be a load that fits
        group[left] = separation[:, left].argmin(axis=0)
    return group


def _medoids(problem: CVRP, medoid: NDArray[np.int64]) -> NDArray[np.int64]:
    between = problem.distance[1:, 1:]
    for _ in range(_KMEANS_ROUNDS):
        previous, group = medoid, _groups(problem, between[medoid])
        medoid = previous.copy()
        for k in np.unique(group):
            members = np.flatnonzero(group == k)
            away = between[np.ix_(members, members)] @ _mass(problem)[members]
            medoid[k] = members[away.argmin()]
        if (medoid == previous).all():
            break
    return medoid


def _centres(
    customers: NDArray[np.float64], mass: NDArray[np.float64], group: NDArray[np.int64], old: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Demand-weighted means [K, 2]; a group without demand keeps its old centre."""
    load = np.bincount(group, weights=mass, minlength=len(old))
    total = np.stack([np.bincount(group, weights=mass * customers[:, axis], minlength=len(old)) for axis in (0, 1)], 1)
    return np.where(load[:, None] > 0, total / np.maximum(load, 1e-300)[:, None], old)


def _seeds_of_groups(
    problem: CVRP, points: NDArray[np.float64], group: NDArray[np.int64], n_vehicles: int, rule: str
) -> Seeds:
    """Place seeds at the groups' centres, or at the customers nearest to them where only distances are known."""
    empty = np.flatnonzero(np.bincount(group, minlength=n_vehicles) == 0)
    if len(empty):  # a heavy customer can span a whole sector: empty groups take the farthest customers
        group = group.copy()
        size = np.bincount(group, minlength=n_vehicles)
        for customer in np.argsort(-problem.distance[0, 1:], kind="stable"):
            if len(empty) and size[group[customer]] > 1:  # never a group's last customer
                size[group[customer]] -= 1
                group[customer], empty = empty[0], empty[1:]
    fallback = np.repeat(points[:1], n_vehicles, axis=0)
    centre = _centres(points[1:], _mass(problem), group, fallback)
    if problem.coordinates is None:
        nearest = euclidean(centre, points[1:], "none").argmin(axis=1)
        return Seeds(problem.distance[nearest + 1], rule)
    return Seeds(euclidean(centre, points, "none"), rule)
