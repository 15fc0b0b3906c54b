"""HiGHS with the same options everywhere, and the linear programs passed to it."""

from __future__ import annotations

import contextlib
import os
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import LagrlError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIRST = threading.Lock()
_OF_THREAD = threading.local()


def new_solver() -> Any:
    """Return a silent, single-threaded, reproducible HiGHS (Huangfu and Hall 2018)."""
    import highspy  # slow to import, and not always needed

    with _FIRST:
        _discard_banner()
    solver = highspy.Highs()
    for option, setting in (("output_flag", False), ("threads", 1), ("random_seed", 0)):
        solver.setOptionValue(option, setting)
    return solver


def shared_solver() -> Any:
    """Return this thread's own solver of `new_solver`, for a programme that is solved before the next one is passed.

    `pass_program` replaces the last programme and its solution; making a solver takes as long as a small programme.
    """
    if not hasattr(_OF_THREAD, "solver"):
        _OF_THREAD.solver = new_solver()
    return _OF_THREAD.solver


@cache
def _discard_banner() -> None:
    """Make the first solver of this process with standard output closed to it.

    HiGHS prints a banner with the first one (seen with 1.16.0), in C, before any option can be set.
    """
    import highspy

    try:
        kept = os.dup(1)
    except OSError:  # there is no standard output
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            with contextlib.suppress(Exception):  # the next one, which is used, reports what is wrong
                highspy.Highs()
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def linear_program(
    cost: NDArray[np.float64],
    upper: float | NDArray[np.float64],
    row_bounds: tuple[NDArray[np.float64], NDArray[np.float64]],
    entries: tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]],
) -> Any:
    """Return the program min c·x, 0 ≤ x ≤ `upper`, `row_bounds[0]` ≤ A·x ≤ `row_bounds[1]`.

    `entries` are A's columns: where each starts and all end [columns + 1], and the entries' rows and values.
    """
    import highspy

    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(cost), len(row_bounds[0])
    program.col_cost_, program.col_lower_ = cost, np.zeros(len(cost))
    program.col_upper_ = np.full(len(cost), upper)
    program.row_lower_, program.row_upper_ = row_bounds
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_, program.a_matrix_.value_ = entries
    return program


def pass_program(
    solver: Any,
    cost: NDArray[np.float64],
    upper: float,
    row_bounds: tuple[NDArray[np.float64], NDArray[np.float64]],
    entries: tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]],
) -> None:
    """Pass the program of `linear_program` to a solver, some times faster than by its object."""
    import highspy

    start, row, value = entries
    n, form, sense = len(cost), highspy.MatrixFormat.kColwise, highspy.ObjSense.kMinimize
    size = n, len(row_bounds[0]), len(row), int(form), int(sense), 0.0
    indices = start[:-1].astype(np.int32), row.astype(np.int32)
    continuous = np.zeros(n, np.int32)
    solver.passModel(*size, cost, np.zeros(n), np.full(n, upper), *row_bounds, *indices, value, continuous)


def add_columns(
    solver: Any, cost: NDArray[np.float64], start: NDArray[Any], row: NDArray[Any], value: NDArray[np.float64]
) -> None:
    """Add columns x ≥ 0: their costs, where the entries of each start, and the entries' rows and values."""
    n = len(cost)
    entries = len(row), start.astype(np.int32), row.astype(np.int32), value
    solver.addCols(n, cost, np.zeros(n), np.full(n, np.inf), *entries)


def sparse(dense: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return where the nonzero entries of each line of a matrix start, their places in the line, and their values."""
    line, place = np.nonzero(dense)
    return np.searchsorted(line, np.arange(len(dense))), place, dense[line, place]


def solve_to_optimality(solver: Any, seconds: float = np.inf) -> tuple[Any, float]:
    """Solve a program that has an optimum, from the last basis; return its solution and value.

    Raises TimeoutError after `seconds`, and LagrlError if HiGHS fails.
    """
    import highspy

    if not run_for(solver, seconds):
        raise TimeoutError
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise LagrlError("HiGHS did not solve a linear program that has an optimum; please report the instance")
    return solver.getSolution(), float(solver.getInfo().objective_function_value)


def run_for(solver: Any, seconds: float) -> bool:
    """Run HiGHS for some seconds at most; return whether it ended before that."""
    import highspy

    if seconds <= 0:
        return False
    # HiGHS counts the time of all its runs
    limit = highspy.kHighsInf if np.isinf(seconds) else solver.getRunTime() + seconds
    solver.setOptionValue("time_limit", limit)
    solver.run()
    return bool(solver.getModelStatus() != highspy.HighsModelStatus.kTimeLimit)


def stop_after(solver: Any, rounds: int) -> None:
    """Let HiGHS end an integer programme when it looks for the last of some times whether to stop.

    It looks at the same places in every run, about once per round of cuts and per node: a limit without a clock.
    """
    looked = 0

    def on_look(event: Any) -> None:
        nonlocal looked
        looked += 1
        if looked >= rounds:
            event.interrupt()

    solver.cbMipInterrupt.subscribe(on_look)
