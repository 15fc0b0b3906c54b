"""Routes for the page's maps, from solution files; rows hold costs only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError, LagrlError, UnknownNameError
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.cvrplib_solution import read_solution
from lagrl.problems.locate import resolve_instance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lagrl.problems.cvrp import CVRP

    RouteMap = dict[str, Any]

_MOST_CUSTOMERS = 20_000


def route_maps(
    instances: Iterable[str], solutions: Path | None = None, data: Path | None = None
) -> tuple[list[RouteMap], list[str]]:
    """Return the maps of some instances, and a line for each that has none.

    Parameters
    ----------
    instances
        Names of instances.
    solutions
        Folder of solution files `NAME.sol`; None draws the reference solution beside the instance's file.
    data
        Folder of CVRPLIB files; the environment variable LAGRL_DATA if None. Bundled instances need none.

    Raises
    ------
    InputError
        If `solutions` is not a folder, or has no solution of any of the instances.
    LagrlError
        If a solution file is malformed or not of its instance.
    """
    if solutions is not None and not solutions.is_dir():
        raise InputError(f"{str(solutions)!r} is no folder", field="--solutions", remedy="give one with .sol files")
    names = sorted(set(instances))
    if solutions is not None and not any((solutions / f"{name}.sol").is_file() for name in names if _is_plain(name)):
        raise InputError(
            f"no NAME.sol of the {len(names)} instances in {str(solutions)!r}",
            field="--solutions",
            remedy="write solutions there with lagrl solve NAME --out",
        )
    found: list[RouteMap] = []
    missing = []
    drawn = 0
    for name in names:
        problem, path, reason = _files(name, solutions, data)
        if problem is None or path is None:
            missing.append(f"{name}: {reason}")
        elif problem.coordinates is None:
            missing.append(f"{name}: only distances are known, there are no coordinates")
        elif drawn + problem.n_customers > _MOST_CUSTOMERS:
            missing.append(f"{name}: left out, the maps have at most {_MOST_CUSTOMERS} customers together")
        else:
            drawn += problem.n_customers
            found.append(_map(problem, name, path, is_reference=solutions is None))
    return found, missing


def _files(name: str, solutions: Path | None, data: Path | None) -> tuple[CVRP | None, Path | None, str]:
    """Return instance and solution file, or why one of them is missing."""
    if not _is_plain(name):
        return None, None, "no name of a file"
    try:
        instance = resolve_instance(name, data)
        problem = read_instance(instance)
    except UnknownNameError:
        return None, None, "neither a bundled instance nor in a folder of CVRPLIB files (--data)"
    except LagrlError as error:
        return None, None, str(error)
    path = instance.with_suffix(".sol") if solutions is None else solutions / f"{name}.sol"
    return (problem, path, "") if path.is_file() else (problem, None, f"no {path.name} with routes")


def _is_plain(name: str) -> bool:
    return Path(name).name == name and not Path(name).suffix


def _map(problem: CVRP, name: str, path: Path, *, is_reference: bool) -> RouteMap:
    solution = read_solution(path, problem)
    coordinates = np.empty((0, 2)) if problem.coordinates is None else problem.coordinates
    points = [[round(float(x), 3), round(float(y), 3)] for x, y in coordinates]
    source = "reference solution beside the instance, not of these rows" if is_reference else path.name
    return {
        "name": name,
        "source": source,
        "cost": round(solution.cost, 3),
        "best_known": problem.best_known,
        "capacity": int(problem.capacity),
        "points": points,
        "demand": [int(d) for d in problem.demand],
        "routes": [list(route) for route in solution.routes],
    }
