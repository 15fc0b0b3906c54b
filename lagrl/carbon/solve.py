"""The methods of carbon-aware placement by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.carbon.brute_force import solve_brute_force
from lagrl.carbon.controls import solve_cleanest, solve_hourly, solve_static
from lagrl.carbon.genetic import solve_genetic
from lagrl.carbon.lagrangian import solve_lagrangian
from lagrl.carbon.milp import solve_milp
from lagrl.carbon.min_cut import solve_min_cut
from lagrl.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lagrl.carbon.result import PlacementResult
    from lagrl.problems.carbon.placement_problem import PlacementProblem

METHODS = {
    "lagrangian": "message passing on the grid, limits priced by multipliers: proves a gap",
    "milp": "HiGHS on the mixed-integer programme: exact, for small instances",
    "min-cut": "two devices without limits: optimal by one minimum cut",
    "brute-force": "all placements of tiny instances",
    "hourly": "each hour optimal by itself, moves between hours ignored",
    "static": "the best placement that stays the same all day",
    "cleanest": "everything on the cleanest device of each hour",
    "genetic": "genetic algorithm (needs deap)",
}
"""One line on each method."""


def solve_placement(
    problem: PlacementProblem, method: str = "lagrangian", *, seconds: float = np.inf, seed: int = 0
) -> PlacementResult:
    """Solve a placement problem by a method of `METHODS`.

    Parameters
    ----------
    problem
        The placement problem.
    method
        Name of the method.
    seconds
        Wall-clock limit of `lagrangian`, `milp` and `genetic`.
    seed
        Random seed.

    Raises
    ------
    UnknownNameError
        If there is no such method.
    InstanceError
        If the method cannot solve the problem, or no placement meets the limits.
    MissingExtraError
        If a package is missing.
    """
    solvers: dict[str, Callable[[], PlacementResult]] = {
        "lagrangian": lambda: solve_lagrangian(problem, seconds=seconds, seed=seed),
        "milp": lambda: solve_milp(problem, seconds=seconds),
        "min-cut": lambda: solve_min_cut(problem),
        "brute-force": lambda: solve_brute_force(problem),
        "hourly": lambda: solve_hourly(problem),
        "static": lambda: solve_static(problem),
        "cleanest": lambda: solve_cleanest(problem),
        "genetic": lambda: solve_genetic(problem, seconds=seconds, seed=seed),
    }
    if method not in solvers:
        raise UnknownNameError.of("method", method, solvers)
    return solvers[method]()
