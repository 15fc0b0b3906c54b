"""Checks of an installation, with a remedy for each problem.

Each check imports what it checks, so that a broken package is a finding and does not end the program.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lagrl.doctor.findings import Finding, render, to_json
from lagrl.doctor.installation import check_extras, check_packages, check_python
from lagrl.doctor.shadowing import check_shadowing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Finding", "diagnose", "render", "to_json"]

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_LITTLE_SPACE = 2**30  # bytes: an environment with all extras takes several times that


def diagnose(data: Path | None = None) -> list[Finding]:
    """Check Python, packages, kernels, solver, data and surroundings; never fails.

    Parameters
    ----------
    data
        Folder of CVRPLIB files; the environment variable LAGRL_DATA if None.
    """
    checks: list[tuple[str, Callable[[], list[Finding]]]] = [
        ("python", check_python),
        ("packages", check_packages),
        ("extras", check_extras),
        ("kernels", _check_kernels),
        ("HiGHS", _check_highs),
        ("solve", _check_solve),
        ("data", partial(_check_data, data)),
        ("shadowing", partial(check_shadowing, Path.cwd)),
        ("threads", _check_threads),
        ("processors", _check_processors),
        ("disk", _check_disk),
    ]
    return [finding for name, check in checks for finding in _guarded(name, check)]


def _guarded(name: str, check: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return check()
    except Exception as error:  # the other checks must still be made
        remedy = "reinstall lagrl in an empty environment; if that does not help, report this line"
        return [Finding(name, "problem", f"{type(error).__name__}: {' '.join(str(error).split())}", remedy)]


def _check_kernels() -> list[Finding]:
    import importlib

    from lagrl.compilation import compile_kernels, kernel_modules

    started = time.perf_counter()
    compile_kernels()
    took = f"ready in {time.perf_counter() - started:.1f} s"
    kernels = [
        member
        for module in kernel_modules()
        for member in vars(importlib.import_module(module)).values()
        if hasattr(member, "stats")
    ]
    caches = sorted({kernel.stats.cache_path for kernel in kernels})
    unwritable = [cache for cache in caches if not os.access(cache, os.W_OK)]
    if unwritable:
        remedy = "unless the cache is complete, each start compiles: set NUMBA_CACHE_DIR to a folder you can write to"
        return [Finding("kernels", "note", f"{took}; cache not writable: {', '.join(unwritable)}", remedy)]
    return [Finding("kernels", "ok", f"{len(kernels)} {took}; cache {', '.join(caches)}")]


def _check_highs() -> list[Finding]:
    import highspy

    from lagrl.highs import new_solver

    solver = new_solver()
    first, second = solver.addVariable(lb=0.0), solver.addVariable(lb=0.0)
    solver.addConstr(first + 2.0 * second >= 4.0)
    solver.minimize(first + 3.0 * second)
    value = solver.getInfo().objective_function_value
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal or abs(value - 4.0) > 1e-6:
        remedy = "pip install --force-reinstall highspy"
        return [Finding("HiGHS", "problem", f"a linear programme with optimum 4 came out as {value}", remedy)]
    return [Finding("HiGHS", "ok", "solves a linear programme")]


def _check_solve() -> list[Finding]:
    from lagrl.problems.bundled import bundled_names, read_bundled
    from lagrl.problems.solution import faults
    from lagrl.solver import SolveConfig, solve

    problem = read_bundled(bundled_names()[0])
    result = solve(problem, SolveConfig(evaluations=20))
    wrong = faults(problem, result.solution.routes, result.solution.cost)
    if wrong:
        return [Finding("solve", "problem", f"{problem.name}: {wrong[0]}", "report this line: lagrl is wrong here")]
    gap = problem.gap_percent(result.solution.cost)
    outcome = f"cost {result.solution.cost:.10g}" + ("" if gap is None else f", {gap:.2f} % above best known")
    return [Finding("solve", "ok", f"{problem.name}: {outcome}, {result.seconds:.2f} s; routes checked")]


def _check_data(data: Path | None) -> list[Finding]:
    from lagrl.errors import InputError
    from lagrl.problems.locate import DATA_VARIABLE, data_folder

    is_requested = data is not None or bool(os.environ.get(DATA_VARIABLE))
    try:
        folder = data_folder(data)
    except InputError as error:
        return [
            Finding("data", "problem" if is_requested else "note", f"{error.source}: {error.problem}", error.remedy)
        ]
    instances = {*folder.glob("*.vrp"), *folder.glob("*/*.vrp")}
    if not instances:
        remedy = f"lagrl fetch NAMES --to {folder}, or give the folder that holds the .vrp files"
        return [Finding("data", "problem", f"{folder}: no instances", remedy)]
    return [Finding("data", "ok", f"{folder}: {len(instances)} instances")]


def _check_threads() -> list[Finding]:
    given = [f"{name}={os.environ[name]}" for name in _THREAD_VARIABLES if name in os.environ]
    return [Finding("threads", "ok", ", ".join(given) or "no variable limits them; lagrl itself uses one")]


def _check_processors() -> list[Finding]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return [Finding("processors", "ok", f"{usable} usable of {os.cpu_count()}, {platform.machine()}")]


def _check_disk() -> list[Finding]:
    free = shutil.disk_usage(Path.cwd()).free
    message = f"{free / 2**30:.1f} GiB free here"
    if free < _LITTLE_SPACE:
        return [Finding("disk", "note", message, "make room before long runs: rows that cannot be written are lost")]
    return [Finding("disk", "ok", message)]
