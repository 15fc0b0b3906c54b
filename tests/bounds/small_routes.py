"""Small instances, and everything about their routes and solutions by enumeration."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from lagrl.bounds.route_graph import RouteGraph


T = TypeVar("T")


def drive(work: Generator[None, None, T]) -> T:
    """Do the work without a look at the clock."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            return stop.value


def small_problem(seed: int, n_customers: int, fleet: Fleet | None = None, longest: int = 14) -> CVRP:
    """Draw points (some coincide), demands (some are zero), a capacity and what distances are.

    They are rounded, exact, or (for seeds divisible by 3) anything at all.
    """
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 12, (n_customers + 1, 2)) * rng.choice([1.0, 7.3])
    demand = rng.integers(0, 7, n_customers)
    capacity = max(int(demand.max()), int(rng.integers(1, longest + 1)))
    if seed % 3 == 0:
        distance = np.triu(rng.integers(0, 50, (n_customers + 1, n_customers + 1)) * rng.choice([1.0, 0.37]), 1)
        return CVRP("small", demand, capacity, distance + distance.T, fleet=fleet or Fleet())
    rounding = "nint" if rng.random() < 0.5 else "none"
    return CVRP.from_coordinates("small", points, demand, capacity, rounding=rounding, fleet=fleet)


def ng_routes(graph: RouteGraph) -> Iterator[tuple[int, ...]]:
    """Yield every ng-route, customers 0 … n − 1, by the definition of its memory."""

    def extend(route: tuple[int, ...], memory: frozenset[int], load: int) -> Iterator[tuple[int, ...]]:
        if route:
            yield route
        for j in range(graph.n_customers):
            if j in memory or load + graph.load[j] > graph.room:
                continue
            near = set(graph.near[j].tolist())
            yield from extend((*route, j), frozenset((memory & near) | {j}), load + int(graph.load[j]))

    yield from extend((), frozenset(), 0)


def optimum(problem: CVRP) -> float:
    """Return the cost of an optimal solution by enumeration; infinite if there is none."""
    n = problem.n_customers
    route_cost: dict[int, float] = {}
    for subset in range(1, 1 << n):
        inside = [i for i in range(n) if subset >> i & 1]
        if problem.demand[inside].sum() <= problem.capacity:
            route_cost[subset] = min(_length(problem, order) for order in itertools.permutations(inside))
    everyone = (1 << n) - 1
    cheapest = {(0, 0): 0.0}
    for served in range(1 << n):
        for n_routes in range(n):
            so_far = cheapest.get((served, n_routes))
            if so_far is None or served == everyone:
                continue
            first = next(i for i in range(n) if not served >> i & 1)
            for subset, cost in route_cost.items():
                if subset & served or not subset >> first & 1:
                    continue
                key = (served | subset, n_routes + 1)
                cheapest[key] = min(cheapest.get(key, math.inf), so_far + cost)
    return min(
        (cheapest[everyone, m] for m in range(1, n + 1) if (everyone, m) in cheapest and problem.fleet.allows(m)),
        default=math.inf,
    )


def _length(problem: CVRP, order: tuple[int, ...]) -> float:
    nodes = [0, *(i + 1 for i in order), 0]
    return math.fsum(problem.distance[a, b] for a, b in itertools.pairwise(nodes))


def ng_programme(graph: RouteGraph) -> float:
    """Return the optimum of the linear programme over all ng-routes: visits ≥ 1, or = 1 if not covering."""
    import highspy

    n = graph.n_customers
    columns: dict[tuple[int, ...], float] = {}
    for route in ng_routes(graph):
        nodes = [n, *route, n]
        cost = sum(int(graph.cost[a, b]) for a, b in itertools.pairwise(nodes)) / (2 * graph.scale)
        key = tuple(route.count(i) for i in range(n))
        columns[key] = min(columns.get(key, math.inf), cost)
    matrix = np.array(list(columns))
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    fewest, most = graph.n_routes
    x = solver.addVariables(len(columns), lb=0.0, obj=list(columns.values()))
    for i in range(n):
        visits = sum(int(matrix[c, i]) * x[c] for c in np.flatnonzero(matrix[:, i]).tolist())
        solver.addConstr(visits >= 1 if graph.is_covering else visits == 1)
    routes = sum(x[c] for c in range(len(columns)))
    solver.addConstr(routes >= fewest)
    if graph.limits_routes:
        solver.addConstr(routes <= most)
    solver.run()
    return float(solver.getInfo().objective_function_value)


def solutions(problem: CVRP) -> Iterator[list[tuple[int, ...]]]:
    """Yield every solution with any number of routes: customers 0 … n − 1 of each route."""

    def serve(left: frozenset[int]) -> Iterator[list[tuple[int, ...]]]:
        if not left:
            yield []
            return
        first = min(left)
        for size in range(len(left)):
            for others in itertools.combinations(sorted(left - {first}), size):
                inside = (first, *others)
                if problem.demand[list(inside)].sum() > problem.capacity:
                    continue
                for rest in serve(left - set(inside)):
                    yield from ([order, *rest] for order in itertools.permutations(inside) if order <= order[::-1])

    yield from serve(frozenset(range(problem.n_customers)))
