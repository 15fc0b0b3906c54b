"""Routes, their cost, and whether they solve the instance."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from lagrl.errors import InputError
from lagrl.problems.cvrp import require_cvrp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lagrl.problems.cvrp import CVRP


@runtime_checkable
class HasRoutes(Protocol):
    """Anything with routes and their cost: a `Solution`, or the result of a solve."""

    @property
    def routes(self) -> tuple[tuple[int, ...], ...]:
        """Customers 1 … n in visiting order, the depot left out."""
        ...

    @property
    def cost(self) -> float:
        """Cost of the routes, distance units."""
        ...


@dataclass(frozen=True)
class Solution:
    """A set of routes.

    Attributes
    ----------
    routes
        Each a sequence of customers 1 … n (CVRPLIB's `.sol` numbering), the depot at both ends implied.
    cost
        Sum of the arcs driven, distance units.

    Examples
    --------
    >>> import lagrl
    >>> problem = lagrl.CVRP.from_coordinates("line", [(0, 0), (1, 0), (2, 0)], demand=[1, 1], capacity=2)
    >>> lagrl.Solution.of(problem, [[1, 2]])
    Solution(routes=((1, 2),), cost=4.0)
    """

    routes: tuple[tuple[int, ...], ...]
    cost: float

    @classmethod
    def of(cls, problem: CVRP, routes: Iterable[Sequence[int]]) -> Solution:
        """Build a solution from routes, dropping empty ones and computing the cost.

        `routes`: customers 1 … n in visiting order.

        Raises IndexError if a customer does not exist in `problem`.
        """
        require_cvrp(problem)
        kept = tuple(tuple(int(customer) for customer in route) for route in routes if len(route))
        for customer in itertools.chain.from_iterable(kept):
            if not 1 <= customer <= problem.n_customers:  # -1 and 0 would index without complaint
                raise IndexError(f"customer {customer} is not in 1 … {problem.n_customers}")
        return cls(kept, sum(route_cost(problem, route) for route in kept))

    @property
    def n_routes(self) -> int:
        """Number of non-empty routes."""
        return len(self.routes)

    def is_feasible(self, problem: CVRP) -> bool:
        """Return whether the routes have no fault (see `faults`)."""
        return not faults(problem, self.routes)


def route_cost(problem: CVRP, route: Sequence[int]) -> float:
    """Return the length of depot → route → depot, distance units."""
    path = np.array([0, *route, 0])
    return float(sum(problem.between(path[:-1], path[1:])))


def check(problem: CVRP, solution: HasRoutes | Iterable[Sequence[int]]) -> list[str]:
    """List everything that keeps a solution from solving an instance, one sentence each; empty if it does.

    Parameters
    ----------
    problem
        The instance, with its fleet rule.
    solution
        A `Solution`, the result of a solve, or bare routes of customers 1 … n. A cost that is given is checked too.

    Raises
    ------
    InputError
        If one of the two is something else.

    Examples
    --------
    >>> import lagrl
    >>> problem = lagrl.CVRP.from_coordinates("line", [(0, 0), (1, 0), (2, 0)], demand=[1, 1], capacity=2)
    >>> lagrl.check(problem, [[1, 2]])
    []
    >>> lagrl.check(problem, [[1]])
    ['customer 2 is not visited']
    """
    require_cvrp(problem)
    if isinstance(solution, HasRoutes):
        return faults(problem, solution.routes, solution.cost)
    return faults(problem, _bare_routes(solution))


def solution_of(problem: CVRP, solution: HasRoutes | Iterable[Sequence[int]]) -> Solution:
    """Return a solution, a result or bare routes as a `Solution` whose cost is computed from the routes.

    Raises
    ------
    InputError
        If it is something else, or a customer does not exist in `problem`.
    """
    routes = solution.routes if isinstance(solution, HasRoutes) else _bare_routes(solution)
    try:
        return Solution.of(problem, routes)
    except IndexError as error:
        remedy = "give a solution of this instance"
        raise InputError(str(error), source=problem.name, field="solution", remedy=remedy) from error


def _bare_routes(solution: Iterable[Sequence[int]]) -> list[list[int]]:
    try:
        return [[int(customer) for customer in route] for route in solution]
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{solution!r:.80} given",
            field="solution",
            remedy="give a Solution, as from lagrl.read_solution(path), a SolveResult, or routes such as [[1, 2], [3]]",
        ) from error


def faults(problem: CVRP, routes: Sequence[Sequence[int]], stated_cost: float | None = None) -> list[str]:
    """List all faults of `routes` as a solution of `problem`, one sentence each; empty if they solve it.

    Parameters
    ----------
    problem
        The instance.
    routes
        Customers 1 … n in visiting order; empty routes count as faults.
    stated_cost
        If given, must equal the routes' cost to 0.01, or to 1e-6 of it if that is more.
    """
    found: list[str] = []
    visits = Counter(customer for route in routes for customer in route)
    unknown = sorted(customer for customer in visits if not 1 <= customer <= problem.n_customers)
    found += [f"customer {customer} does not exist (1 … {problem.n_customers})" for customer in unknown]
    found += [f"customer {c} is visited {k} times" for c, k in sorted(visits.items()) if k > 1 and c not in unknown]
    found += [f"customer {c} is not visited" for c in range(1, problem.n_customers + 1) if c not in visits]
    for number, route in enumerate(routes, 1):
        load = sum(int(problem.demand[c - 1]) for c in route if c not in unknown)
        if load > problem.capacity:
            found.append(f"route {number} carries {load}, above CAPACITY {problem.capacity}")
        if not route:
            found.append(f"route {number} is empty")
    if not problem.fleet.allows(len(routes)):
        found.append(f"{len(routes)} routes, but the fleet rule is {problem.fleet}")
    if stated_cost is not None and not unknown:
        cost = sum(route_cost(problem, route) for route in routes)
        if abs(cost - stated_cost) > max(0.01, 1e-6 * abs(cost)):
            found.append(f"stated cost is {stated_cost:g}, the routes cost {cost:g}")
    return found
