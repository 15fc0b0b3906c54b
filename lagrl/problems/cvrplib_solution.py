"""CVRPLIB `.sol` files: `Route #1: 3 1 2` for each route, then `Cost 784`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from lagrl.errors import SolutionError
from lagrl.io.atomic import write_text
from lagrl.problems.cvrplib_text import read_text, shown
from lagrl.problems.solution import Solution, faults

if TYPE_CHECKING:
    import os

    from lagrl.problems.cvrp import CVRP

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


def read_solution(path: str | os.PathLike[str], problem: CVRP) -> Solution:
    """Read a `.sol` file; the cost is computed from the routes, not taken from the file.

    Whether the routes solve the instance is for `check_solution` to say.

    Parameters
    ----------
    path
        The file.
    problem
        The instance it belongs to.

    Raises
    ------
    SolutionError
        If the file is missing, malformed or cut off, or visits a customer that does not exist.
    """
    stated = _parse(path)
    for customer in sorted({customer for route in stated.routes for customer in route}):
        if not 1 <= customer <= problem.n_customers:
            _fail(
                str(path), "Route", f"customer {customer} is not in 1 … {problem.n_customers} of {problem.name}",
                "give a solution of this instance",
            )  # fmt: skip
    return Solution.of(problem, stated.routes)


def check_solution(path: str | os.PathLike[str], problem: CVRP) -> list[str]:
    """List everything that keeps a `.sol` file from solving `problem` at the cost it states; empty if it does.

    Parameters
    ----------
    path
        The file.
    problem
        The instance, with the fleet rule to hold it against.

    Raises
    ------
    SolutionError
        If the file is missing, malformed or cut off.
    """
    stated = _parse(path)
    return faults(problem, stated.routes, stated.cost)


def stated_cost(path: str | os.PathLike[str]) -> float:
    """Return the cost that a `.sol` file states, distance units.

    Raises
    ------
    SolutionError
        If the file is missing, malformed or cut off.
    """
    return _parse(path).cost


def solver_of(path: str | os.PathLike[str]) -> str | None:
    """Return what a `.sol` file says it was found by; None for a published one, which does not say.

    Raises
    ------
    SolutionError
        If the file is missing, malformed or cut off.
    """
    return _parse(path).solver


def write_solution(path: str | os.PathLike[str], solution: Solution, *, solver: str | None = None) -> None:
    """Write a solution to a `.sol` file, atomically, its cost without loss.

    Parameters
    ----------
    path
        The file; its folder must exist.
    solution
        At least one route.
    solver
        What found it, if the file is not to count as a reference: its cost is then never read as best known.

    Raises
    ------
    SolutionError
        If there is no route, a route is empty or the cost is not a finite number of 0 or more.
    OutputError
        If the file cannot be written.
    """
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
    for line in (raw.strip() for raw in read_text(path, SolutionError).splitlines()):
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
