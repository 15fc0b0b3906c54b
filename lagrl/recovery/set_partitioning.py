"""The best combination of pooled routes: set partitioning (Balinski and Quandt 1964) with HiGHS."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import SolutionError
from lagrl.highs import new_solver, stop_after
from lagrl.recovery.partition_master import PartitionMaster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.recovery.partition_master import RouteMatrix
    from lagrl.recovery.pool import RoutePool


_COLUMNS_PER_EVALUATION, _FEWEST_COLUMNS = 10, 100


@dataclass(frozen=True)
class PartitionLimits:
    """Limits on the work of the integer programme.

    Attributes
    ----------
    nodes
        Branch-and-bound nodes; the same limit gives the same result on every run.
    rounds
        Times that HiGHS may look whether to stop, about one per round of cuts; as deterministic as nodes.
    columns
        Columns of the integer programme, those of least reduced cost first; with 0 it is not solved.
    seconds
        Wall-clock limit; infinite keeps the result deterministic.
    """

    nodes: int = 1
    rounds: int = 100
    columns: int = 1000
    seconds: float = np.inf

    @classmethod
    def without_clock(cls, evaluations: int) -> PartitionLimits:
        """Return deterministic limits that keep the work in proportion to that of some evaluations."""
        return cls(columns=int(np.clip(_COLUMNS_PER_EVALUATION * evaluations, _FEWEST_COLUMNS, cls.columns)))


@dataclass(frozen=True)
class Partition:
    """The result of set partitioning.

    Attributes
    ----------
    columns
        Pool columns that serve every customer once; the incumbent's if nothing better is found.
    cost
        Their total length, distance units.
    master_value
        Value of the linear relaxation, distance units, see `PartitionMaster.relax`; None if the seconds were too few.
    customer_price
        [n] dual prices of the customers in that relaxation, distance units, or None.
    is_proven
        Whether no combination of the pool's routes costs less.
    """

    columns: tuple[int, ...]
    cost: float
    master_value: float | None
    customer_price: NDArray[np.float64] | None = field(repr=False)
    is_proven: bool


def partition(
    pool: RoutePool,
    incumbent: Sequence[int],
    limits: PartitionLimits | None = None,
    master: PartitionMaster | None = None,
) -> Partition:
    """Choose routes of the pool that serve every customer once, at least cost, under the fleet rule.

    The linear relaxation comes first. A route whose reduced cost exceeds the gap between incumbent and relaxation
    cannot be part of a better solution and is excluded from the integer programme, which starts from the incumbent.

    `incumbent`: columns of a solution that meets the fleet rule. `limits`: limits on the work. `master`: the pool's
    relaxation, warm from earlier calls; created here if None.

    Raises SolutionError if the incumbent does not visit every customer once, or breaks the fleet rule.
    """
    limits = limits or PartitionLimits()
    deadline = time.perf_counter() + limits.seconds
    best, is_proven = tuple(incumbent), False
    if not _covers(pool, best):
        raise SolutionError(
            f"{len(best)} routes that do not solve the instance",
            source=pool.problem.name,
            field="incumbent",
            remedy="give columns that visit every customer once, within the fleet rule",
        )
    master = master or PartitionMaster(pool)
    relaxation = master.relax(best, limits.seconds)
    if relaxation is None:
        return Partition(best, pool.cost_of(best), None, None, False)
    reduced_cost = relaxation.reduced_cost
    for n_columns in _stages(limits.columns):
        upper = pool.cost_of(best)
        slack = 1e-6 * max(1.0, upper)
        # where arcs are whole numbers, better means better by one
        target = upper - 1.0 if pool.problem.rounding == "nint" else upper * (1 - 1e-9)
        kept = np.flatnonzero(reduced_cost <= target - relaxation.value + slack)
        is_complete = len(kept) <= n_columns
        if len(kept) > n_columns:
            kept = kept[np.argsort(reduced_cost[kept], kind="stable")[:n_columns]]
        left = deadline - time.perf_counter()
        if len(kept) == 0 or relaxation.value > target + slack:
            is_proven = True
        elif left > 0:
            best, is_optimal = _improve(pool, master.matrix, np.union1d(kept, best), best, limits, left)
            is_proven = is_complete and is_optimal
        if is_proven:
            break
    return Partition(best, pool.cost_of(best), relaxation.value, relaxation.customer_price, is_proven)


def _stages(columns: int) -> tuple[int, ...]:
    """Return the sizes of the programmes: a small one first, whose solution excludes columns from the large one."""
    if columns == 0:
        return ()
    return (columns // 3, columns) if columns >= 300 else (columns,)


def _improve(
    pool: RoutePool,
    matrix: RouteMatrix,
    columns: NDArray[np.int64],
    incumbent: tuple[int, ...],
    limits: PartitionLimits,
    seconds: float,
) -> tuple[tuple[int, ...], bool]:
    """Solve the integer master over some columns with the incumbent's; return the best columns, and whether proven."""
    import highspy

    program = matrix.program(columns)
    program.col_upper_ = np.ones(len(columns))
    program.integrality_ = [highspy.HighsVarType.kInteger] * len(columns)
    solver = new_solver()
    for option, setting in (("mip_rel_gap", 0.0), ("mip_max_nodes", limits.nodes), ("mip_allow_restart", False)):
        solver.setOptionValue(option, setting)
    if np.isfinite(seconds):
        solver.setOptionValue("time_limit", seconds)
    solver.passModel(program)
    _start_from(solver, np.isin(columns, incumbent))
    stop_after(solver, limits.rounds)
    solver.run()
    chosen = columns[np.array(solver.getSolution().col_value) > 0.5]
    is_better = _covers(pool, chosen) and pool.cost_of(chosen.tolist()) < pool.cost_of(incumbent)
    is_optimal = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return (tuple(chosen.tolist()) if is_better else incumbent), bool(is_optimal)


def _start_from(solver: Any, chosen: NDArray[np.bool_]) -> None:
    import highspy

    start = highspy.HighsSolution()
    start.col_value = chosen.astype(np.float64).tolist()
    solver.setSolution(start)


def _covers(pool: RoutePool, columns: Sequence[int] | NDArray[np.int64]) -> bool:
    """Return whether columns visit every customer once; a limit can stop HiGHS before it has a solution."""
    visits = np.zeros(pool.problem.n_customers + 1, np.int64)
    for column in columns:
        visits[pool.routes[column]] += 1
    return bool((visits[1:] == 1).all() and pool.problem.fleet.allows(len(columns)))
