"""CVRPLIB `.sol` files: `Route #1: 3 1 2` for each route, then `Cost 784`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from lagrl.errors import InputError, SolutionError
from lagrl.io.atomic import write_text
from lagrl.printable import shown
from lagrl.problems.cvrplib_text import read_text
from lagrl.problems.solution import HasRoutes, Solution

if TYPE_CHECKING:
    import os

    from lagrl.problems.cvrp import CVRP

_MOST_BYTES = 2 * 2**20  # ten times the solution of the largest instance that is read
_ROUTE = re.compile(r"route\s*#?\s*([0-9]{1,9})\s*:(.*)", re.IGNORECASE)
_COST = re.compile(r"cost\b\s*:?\s*(.*)", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?")
_CUSTOMER = re.compile(r"[0-9]{1,9}")
_SOLVER = re.compile(r"solver\b\s*:?\s*(.*)", re.IGNORECASE)
_REMARK = re.compile(r"[A-Za-z]\w*\s*[:=\s]\s*\S.*")


@dataclass(frozen=True)
class SolutionText:
    """What a `.sol` file says, not yet held against an instance."""

    routes: tuple[tuple[int, ...], ...]
    cost: float
    solver: str | None = None


def read_solution(path: str | os.PathLike[str], problem: CVRP | None = None) -> Solution:
    """Read a CVRPLIB `.sol` file; whether it solves an instance is reported by `lagrl.check(problem, solution)`.

    Parameters
    ----------
    path
        The file.
    problem
        The instance it belongs to: the cost is then computed from the routes. Without one it is the cost that the file
        states.

    Raises
    ------
    SolutionError
        If the file is missing, malformed or cut off, or visits a customer that does not exist in `problem`.

    Examples
    --------
    >>> import lagrl
    >>> with open("two.sol", "w") as file:
    ...     _ = file.write("Route #1: 2 1\\nRoute #2: 3\\nCost 26\\n")
    >>> lagrl.read_solution("two.sol")
    Solution(routes=((2, 1), (3,)), cost=26.0)
    """
    stated = _parse(path)
    if problem is None:
        return Solution(stated.routes, stated.cost)
    for customer in sorted({customer for route in stated.routes for customer in route}):
        if not 1 <= customer <= problem.n_customers:
            _fail(
                str(path), "Route", f"customer {customer} is not in 1 … {problem.n_customers} of {problem.name}",
                "give a solution of this instance",
            )  # fmt: skip
    return Solution.of(problem, stated.routes)


def solver_of(path: str | os.PathLike[str]) -> str | None:
    """Return what a `.sol` file says it was found by; None for a published one, which does not say.

    Raises
    ------
    SolutionError
        If the file is missing, malformed or cut off.
    """
    return _parse(path).solver


def write_solution(solution: HasRoutes, path: str | os.PathLike[str], *, solver: str | None = None) -> None:
    """Write a solution to a CVRPLIB `.sol` file, atomically, its cost without loss.

    Parameters
    ----------
    solution
        A `Solution` or the result of a solve, of at least one route.
    path
        The file; its folder must exist. A file of that name is replaced.
    solver
        What found it, for information. Results of a solve state it themselves.

    Raises
    ------
    InputError
        If `solution` is something else.
    SolutionError
        If there is no route, a route is empty or the cost is not a finite number of 0 or more.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import lagrl
    >>> lagrl.write_solution(lagrl.Solution(((2, 1), (3,)), 26.0), "mine.sol")
    >>> print(open("mine.sol").read(), end="")
    Route #1: 2 1
    Route #2: 3
    Cost 26
    """
    if not isinstance(solution, HasRoutes):
        raise InputError(
            f"{solution!r:.80} given",
            field="solution",
            remedy="give a Solution or the result of lagrl.solve(...) first",
        )
    solver = getattr(solution, "solver", None) if solver is None else solver
    cost = float(solution.cost)
    if not solution.routes or not all(solution.routes):
        _fail(str(path), "Route", "a route is empty or there is none", "write non-empty routes only")
    if not (math.isfinite(cost) and cost >= 0):
        _fail(str(path), "Cost", f"{cost} is not a cost", "give a finite number of 0 or more")
    lines = [f"Route #{number}: {' '.join(map(str, route))}" for number, route in enumerate(solution.routes, 1)]
    lines.append(f"Cost {int(cost) if cost.is_integer() else cost!r}")
    if solver is not None:
        lines.append(f"Solver {solver}")
    write_text(path, "\n".join([*lines, ""]))


def _parse(path: str | os.PathLike[str]) -> SolutionText:
    source = str(path)
    routes: list[tuple[int, ...]] = []
    costs: list[float] = []
    solver = None
    for line in (raw.strip() for raw in read_text(path, SolutionError, _MOST_BYTES).splitlines()):
        if match := _ROUTE.fullmatch(line):
            if int(match[1]) != len(routes) + 1:
                _fail(source, "Route", f"route {match[1]} where {len(routes) + 1} is due", "number routes 1, 2, 3, …")
            routes.append(_customers(source, match))
        elif match := _COST.fullmatch(line):
            costs.append(_cost(source, match[1]))
        elif match := _SOLVER.fullmatch(line):
            solver = match[1]
        elif line and not line.startswith("#") and (line.lower().startswith("route") or not _REMARK.fullmatch(line)):
            _fail(
                source, "Route", f"{shown(line)} is neither a route nor a cost", "write 'Route #1: 3 1 2', 'Cost 784'"
            )
    if not routes:
        _fail(source, "Route", "there is no route", "give a CVRPLIB .sol file")
    if len(costs) != 1:
        _fail(source, "Cost", f"{len(costs)} lines with a cost instead of 1", "complete it (is it cut off?)")
    return SolutionText(tuple(routes), costs[0], solver)


def _customers(source: str, match: re.Match[str]) -> tuple[int, ...]:
    tokens = match[2].split()
    for token in tokens:
        if not _CUSTOMER.fullmatch(token):
            _fail(source, f"Route #{match[1]}", f"{shown(token)} is not a customer number", "write whole numbers")
    return tuple(int(token) for token in tokens)


def _cost(source: str, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        _fail(source, "Cost", f"{shown(text)} is not a number of 0 or more", "correct it")
    return float(text)


def _fail(source: str, field: str, problem: str, remedy: str) -> NoReturn:
    raise SolutionError(problem, source=source, field=field, remedy=remedy)
