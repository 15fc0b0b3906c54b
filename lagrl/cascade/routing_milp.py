"""Cascade routing as a mixed-integer programme for HiGHS, over the admissible pairs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import LagrlError
from lagrl.highs import new_solver, run_for
from lagrl.problems.cascade.admissible import admissible_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cascade.cascade import Cascade


def solve_milp(
    cascade: Cascade, seconds: float, gap: float = 0.0, pairs: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64] | None, float]:
    """Return the best answer [n] within the seconds, None if there is none, and a lower bound on the objective.

    Parameters
    ----------
    cascade
        The instance; every task must have an admissible model.
    seconds
        Wall-clock limit.
    gap
        Relative gap at which HiGHS may end.
    pairs
        [M, n] pairs that may be used; the admissible ones if None. Each task must have one.

    Raises
    ------
    LagrlError
        If HiGHS fails.
    """
    import highspy

    pairs = admissible_pairs(cascade) if pairs is None else pairs
    task, model = np.nonzero(pairs.T)  # task by task
    cost = (1.0 - cascade.quality if cascade.variant == "quality" else cascade.dollars)[model, task]
    rows = _limits(cascade)
    n, m, count = cascade.n_tasks, len(rows), len(task)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = count, n + m
    program.col_cost_, program.col_lower_, program.col_upper_ = cost, np.zeros(count), np.ones(count)
    program.row_lower_ = np.append(np.ones(n), np.full(m, -np.inf))
    program.row_upper_ = np.append(np.ones(n), [limit for _, limit in rows])
    entries = [(task, np.ones(count), np.arange(count))]
    for r, (weight, _) in enumerate(rows):
        value = weight[model, task]
        kept = np.flatnonzero(value)
        entries.append((np.full(len(kept), n + r), value[kept], kept))
    row, value, column = (np.concatenate(part) for part in zip(*entries, strict=True))
    order = np.argsort(column, kind="stable")
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = np.searchsorted(column[order], np.arange(count + 1))
    program.a_matrix_.index_, program.a_matrix_.value_ = row[order], value[order]
    program.integrality_ = [highspy.HighsVarType.kInteger] * count
    solver = new_solver()
    solver.setOptionValue("mip_rel_gap", gap)
    solver.passModel(program)
    run_for(solver, seconds)
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return None, np.inf
    if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kTimeLimit):
        raise LagrlError(f"HiGHS failed: {solver.modelStatusToString(status)}")
    bound = float(solver.getInfo().mip_dual_bound)
    chosen = np.array(solver.getSolution().col_value) if solver.getInfo().primal_solution_status == 2 else np.zeros(0)
    if not len(chosen):
        return None, bound
    answer = np.zeros(n, np.int64)
    picked = np.flatnonzero(chosen > 0.5)
    answer[task[picked]] = model[picked]
    return answer, bound


def _limits(cascade: Cascade) -> list[tuple[NDArray[np.float64], float]]:
    """Return the limited sums: weights [M, n] and the limit of each."""
    found: list[tuple[NDArray[np.float64], float]] = []
    if np.isfinite(cascade.budget_dollars):
        found.append((cascade.dollars, cascade.budget_dollars))
    if cascade.mean_quality_floor:
        found.append((1.0 - cascade.quality, cascade.n_tasks * (1.0 - cascade.mean_quality_floor)))
    if cascade.variant == "capacitated":
        for j in range(cascade.n_models):
            weight = np.zeros_like(cascade.dollars)
            weight[j] = cascade.tokens
            found.append((weight, float(cascade.capacity[j])))
    return found
