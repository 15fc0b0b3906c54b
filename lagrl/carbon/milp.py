"""The placement problem as a mixed-integer programme for HiGHS: the exact reference of small instances."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from lagrl.carbon.result import PlacementResult
from lagrl.errors import InstanceError, LagrlError
from lagrl.highs import new_solver, run_for

if TYPE_CHECKING:
    from lagrl.problems.carbon.placement_problem import PlacementProblem

LARGEST = 500_000
"""Variables x and z of a programme that still fits into memory."""


def solve_milp(problem: PlacementProblem, *, seconds: float = 60.0) -> PlacementResult:
    """Solve the programme with a binary x_tid for each hour, layer and device.

    A transfer costs z ≥ x_tid − x_t,i+1,d for each d, and so does a move between hours (z continuous): the formulation
    of Potts costs by Kleinberg and Tardos (2002).

    Parameters
    ----------
    problem
        The placement problem.
    seconds
        Wall-clock limit.

    Raises
    ------
    InstanceError
        If the problem is too large, or no placement meets the limits or was found in time.
    """
    import highspy

    started = time.perf_counter()
    hours, layers, devices = problem.running_g.shape
    n_x = int(hours * layers * devices)
    if 3 * n_x > LARGEST:
        raise InstanceError(
            f"{3 * n_x} variables", field="method milp", remedy=f"at most {LARGEST}; use method lagrangian"
        )
    x = np.arange(n_x).reshape(hours, layers, devices)
    pairs = [(x[:, :-1], x[:, 1:], problem.transfer_g), (x[:-1], x[1:], problem.switching_g)]
    solver, cost = new_solver(), problem.running_g.ravel()
    moves = sum(first.shape[0] * first.shape[1] for first, _, _ in pairs)
    upper = np.ones(n_x + moves)
    cost = np.concatenate([cost, *(cost_of.ravel() for _, _, cost_of in pairs)])
    solver.addVars(len(cost), np.zeros(len(cost)), upper)
    solver.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)
    integrality = np.full(n_x, highspy.HighsVarType.kInteger)
    solver.changeColsIntegrality(n_x, np.arange(n_x, dtype=np.int32), integrality)
    for place in x.reshape(-1, devices):
        solver.addRow(1.0, 1.0, devices, place, np.ones(devices))
    place_of_z = count(n_x)
    for first, second, _ in pairs:
        for a, b in zip(first.reshape(-1, devices), second.reshape(-1, devices), strict=True):
            move = next(place_of_z)
            for d in range(devices):
                solver.addRow(0.0, np.inf, 3, np.array([move, a[d], b[d]]), np.array([1.0, -1.0, 1.0]))
    for t in range(hours):
        for device in np.flatnonzero(problem.device_gb < problem.layer_gb.sum()):
            solver.addRow(-np.inf, problem.device_gb[device], layers, x[t, :, device], problem.layer_gb)
        if np.isfinite(problem.limit_ms):
            hops = n_x + t * (layers - 1) + np.arange(layers - 1)
            columns = np.concatenate([x[t].ravel(), hops])
            times = np.concatenate([problem.layer_ms.ravel(), np.full(layers - 1, problem.hop_ms)])
            solver.addRow(-np.inf, problem.limit_ms, len(columns), columns, times)
    solver.setOptionValue("mip_rel_gap", 0.0)
    run_for(solver, seconds)
    status, info = solver.getModelStatus(), solver.getInfo()
    if status == highspy.HighsModelStatus.kInfeasible:
        raise InstanceError("no placement meets the limits", field="device_gb, limit_ms", remedy="raise a limit")
    if info.primal_solution_status != 2:
        if status == highspy.HighsModelStatus.kTimeLimit:
            raise InstanceError(f"no placement found in {seconds:g} s", field="seconds", remedy="give more")
        raise LagrlError(f"HiGHS ended with {status}")
    values = np.array(solver.getSolution().col_value[:n_x]).reshape(x.shape)
    placement = values.argmax(axis=2).astype(np.int64)
    bound = min(float(info.mip_dual_bound), problem.emissions(placement))
    return PlacementResult(placement, problem.emissions(placement), bound, time.perf_counter() - started)
