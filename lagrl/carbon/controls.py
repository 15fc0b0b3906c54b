"""Classical controls: the cleanest device of each hour, the best placement of the whole day, each hour by itself.

The first two are the controls of the literature on shifting computation between regions (Sukprasert et al. 2024).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.carbon.grid import Grid
from lagrl.carbon.lagrangian import solve_lagrangian
from lagrl.carbon.result import PlacementResult
from lagrl.errors import InstanceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.carbon.placement_problem import PlacementProblem


def solve_cleanest(problem: PlacementProblem) -> PlacementResult:
    """Run everything on the device that runs the whole model at least emissions in each hour.

    Where limits exclude that, layers are moved until they are met, each at least emissions per excess removed.

    Raises
    ------
    InstanceError
        If no placement meets the limits, or none was found.
    """
    from lagrl.carbon.grid_kernels import repair

    problem.require_feasible()
    started = time.perf_counter()
    best = problem.running_g.sum(axis=1).argmin(axis=1)
    placement = np.repeat(best[:, None], problem.n_layers, axis=1).astype(np.int64)
    if problem.is_limited:
        limited: Any = (*problem.costs, *problem.limits, placement)
        if not repair(*limited) or not problem.is_feasible(placement):
            raise InstanceError("no placement found", field="device_gb, limit_ms", remedy="use another method")
    return _result(problem, placement, started)


def solve_static(problem: PlacementProblem, *, evaluations: int = 100) -> PlacementResult:
    """Return the best placement that stays the same all day, by the Lagrangian method on the day's total.

    Raises
    ------
    InstanceError
        If no placement meets the limits, or none was found.
    """
    started = time.perf_counter()
    found = solve_lagrangian(problem.whole_day(), evaluations=evaluations)
    return _result(problem, np.repeat(found.placement, problem.n_hours, axis=0), started)


def solve_hourly(problem: PlacementProblem) -> PlacementResult:
    """Place every hour optimally by itself (Viterbi 1967), as if moving layers between hours were free.

    Where limits exclude that, it is repaired and improved.

    Raises
    ------
    InstanceError
        If no placement meets the limits, or none was found.
    """
    from lagrl.carbon import grid_kernels  # noqa: F401 - compiled before the clock starts

    problem.require_feasible()
    started = time.perf_counter()
    placement = np.zeros((problem.n_hours, problem.n_layers), np.int64)
    for t in range(problem.n_hours):
        hour = problem.hour(t)
        grid = Grid(hour)
        grid.bound(hour.running_g, hour.transfer_g, sweeps=2)
        found = grid.descend(grid.labels)
        if found is None:
            raise InstanceError("no placement found", field="device_gb, limit_ms", remedy="use another method")
        placement[t] = found[0]
    return _result(problem, placement, started)


def _result(problem: PlacementProblem, placement: NDArray[np.int64], started: float) -> PlacementResult:
    return PlacementResult(placement, problem.emissions(placement), None, time.perf_counter() - started)
