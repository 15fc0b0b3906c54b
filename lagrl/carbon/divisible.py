"""Prices of memory and time from a linear programme in which the model can be divided at will."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.highs import new_solver, run_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.carbon.placement_problem import PlacementProblem


def divisible_prices(problem: PlacementProblem, *, transfers: int) -> NDArray[np.float64]:
    """Return the dual prices of the limits where a share f_td of the whole model runs on device d in hour t.

    min Σ R_td·f_td + Σ S_t·z_td with Σ_d f_td = 1, z_td ≥ f_t+1,d − f_td ≥ 0, and the limits for the shares; R and S
    are sums over the layers. Where all costs are proportional to the layers' sizes, these prices are optimal for the
    dual with the layers' chains alone.

    Parameters
    ----------
    problem
        The placement problem.
    transfers
        Transfers whose time counts in every hour.

    Returns
    -------
    NDArray[np.float64]
        [T·H + T], in gCO2e per GB by hour and device, then in gCO2e per ms; zeros if the programme has no solution.
    """
    import highspy

    hours, _, devices = problem.running_g.shape
    total_gb = float(problem.layer_gb.sum())
    share = np.arange(hours * devices).reshape(hours, devices)
    move = hours * devices + np.arange((hours - 1) * devices).reshape(hours - 1, devices)
    switching = np.repeat(problem.switching_g.sum(axis=1), devices)
    cost = np.concatenate([problem.running_g.sum(axis=1).ravel(), switching])
    solver = new_solver()
    solver.addVars(len(cost), np.zeros(len(cost)), np.full(len(cost), np.inf))
    solver.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)
    for t in range(hours):
        solver.addRow(1.0, 1.0, devices, share[t], np.ones(devices))
    for t in range(hours - 1):
        for d in range(devices):
            entries = np.array([move[t, d], share[t + 1, d], share[t, d]])
            solver.addRow(0.0, np.inf, 3, entries, np.array([1.0, -1.0, 1.0]))
    prices = np.zeros(hours * devices + hours)
    row = solver.getNumRow()
    rows: dict[int, int] = {}  # of the limits, and the places of their prices
    slowest = problem.layer_ms.sum(axis=0)
    for t in range(hours):
        for d in np.flatnonzero(problem.device_gb < total_gb).tolist():
            rows[row + len(rows)] = t * devices + d
            solver.addRow(-np.inf, problem.device_gb[d], 1, share[t, d : d + 1], np.array([total_gb]))
        if np.isfinite(problem.limit_ms):
            rows[row + len(rows)] = hours * devices + t
            solver.addRow(-np.inf, problem.limit_ms - transfers * problem.hop_ms, devices, share[t], slowest)
    run_for(solver, np.inf)
    if solver.getModelStatus() == highspy.HighsModelStatus.kOptimal:
        dual = np.array(solver.getSolution().row_dual)
        prices[list(rows.values())] = -dual[list(rows)]
    return np.maximum(prices, 0.0)
