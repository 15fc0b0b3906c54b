"""The best combination of pooled routes: set partitioning (Balinski and Quandt 1964) by HiGHS."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.recovery.pool import RoutePool


@dataclass(frozen=True)
class PartitionLimits:
    """How much work the integer programme may do.

    Attributes
    ----------
    nodes
        Branch-and-bound nodes; the same limit gives the same answer on every run.
    columns
        Columns that enter it, those of least reduced cost first.
    seconds
        Wall-clock limit; infinite keeps the answer deterministic.
    """

    nodes: int = 1
    columns: int = 1000
    seconds: float = np.inf


@dataclass(frozen=True)
class Partition:
    """What set partitioning found.

    Attributes
    ----------
    columns
        Pool columns that serve every customer once; the incumbent's if nothing better exists.
    cost
        Their total length, distance units.
    master_value
        Value of the linear relaxation over the whole pool, distance units.
    customer_price
        [n] dual prices of the customers in that relaxation, distance units.
    is_proven
        Whether no combination of the pool's routes is cheaper.
    """

    columns: tuple[int, ...]
    cost: float
    master_value: float
    customer_price: NDArray[np.float64] = field(repr=False)
    is_proven: bool


def partition(pool: RoutePool, incumbent: Sequence[int], limits: PartitionLimits | None = None) -> Partition:
    """Choose routes of the pool that serve every customer once, at least cost, under the fleet rule.

    The linear relaxation comes first. A route whose reduced cost exceeds the gap between the incumbent and the
    relaxation cannot be part of anything better and stays out of the integer programme, which starts from the
    incumbent.

    Parameters
    ----------
    pool
        The routes.
    incumbent
        Columns of a solution that meets the fleet rule.
    limits
        Bounds on the work.
    """
    limits = limits or PartitionLimits()
    deadline = time.perf_counter() + limits.seconds
    cost = pool.cost
    value, price, reduced_cost = _relax(pool, cost)
    best, is_proven = tuple(incumbent), False
    for n_columns in _stages(limits.columns):
        upper = pool.cost_of(best)
        # where arcs are whole numbers, better means better by one
        target = upper - 1.0 if pool.problem.rounding == "nint" else upper * (1 - 1e-9)
        kept = np.flatnonzero(reduced_cost <= target - value + 1e-6 * max(1.0, upper))
        is_complete = len(kept) <= n_columns
        if not is_complete:
            kept = kept[np.argsort(reduced_cost[kept], kind="stable")[:n_columns]]
        left = deadline - time.perf_counter()
        if len(kept) == 0 or value > target + 1e-6 * max(1.0, upper):
            is_proven = True
        elif left > 0:
            best, is_optimal = _improve(pool, np.union1d(kept, best), best, limits.nodes, left)
            is_proven = is_complete and is_optimal
        if is_proven:
            break
    return Partition(best, pool.cost_of(best), value, price, is_proven)


def _stages(columns: int) -> tuple[int, ...]:
    """A small programme first: its solution prices many columns out of the large one, and starts it."""
    return (columns // 3, columns) if columns >= 300 else (columns,)


def _improve(
    pool: RoutePool, columns: NDArray[np.int64], incumbent: tuple[int, ...], nodes: int, seconds: float
) -> tuple[tuple[int, ...], bool]:
    """Solve the integer master over some columns, the incumbent's among them: the best columns, and if proven so."""
    solver = _master(pool, columns, pool.cost[columns], integer=True)
    solver.setOptionValue("mip_max_nodes", nodes)
    solver.setOptionValue("mip_allow_restart", False)
    if np.isfinite(seconds):
        solver.setOptionValue("time_limit", seconds)
    _start_from(solver, np.isin(columns, incumbent))
    solver.run()
    chosen = columns[np.array(solver.getSolution().col_value) > 0.5]
    is_better = _covers(pool, chosen) and pool.cost_of(chosen.tolist()) < pool.cost_of(incumbent)
    return (tuple(chosen.tolist()) if is_better else incumbent), _is_optimal(solver)


def _relax(pool: RoutePool, cost: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Solve the linear master over all columns: value, customer prices [n], reduced costs [columns]."""
    solver = _master(pool, np.arange(len(pool)), cost, integer=False)
    solver.run()
    answer = solver.getSolution()
    price = np.array(answer.row_dual)[: pool.problem.n_customers]
    return float(solver.getInfo().objective_function_value), price, np.array(answer.col_dual)


def _master(pool: RoutePool, columns: NDArray[np.int64], cost: NDArray[np.float64], *, integer: bool) -> Any:
    """Build min c·x, every customer in one route, the number of routes within the fleet rule, 0 ≤ x ≤ 1."""
    import highspy

    n, fleet = pool.problem.n_customers, pool.problem.fleet
    routes = [pool.routes[column] for column in columns]
    program = highspy.HighsLp()
    program.num_col_ = len(columns)
    program.num_row_ = n + 1
    program.col_cost_ = cost
    program.col_lower_ = np.zeros(len(columns))
    program.col_upper_ = np.ones(len(columns))
    program.row_lower_ = np.append(np.ones(n), fleet.count)
    program.row_upper_ = np.append(np.ones(n), fleet.count if fleet.rule == "exact" else highspy.kHighsInf)
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lengths = [len(route) + 1 for route in routes]
    program.a_matrix_.start_ = np.cumsum([0, *lengths])
    program.a_matrix_.index_ = np.concatenate([np.append(route - 1, n) for route in routes])
    program.a_matrix_.value_ = np.ones(sum(lengths))
    if integer:
        program.integrality_ = [highspy.HighsVarType.kInteger] * len(columns)
    solver = highspy.Highs()
    for option, setting in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_rel_gap", 0.0)):
        solver.setOptionValue(option, setting)
    solver.passModel(program)
    return solver


def _start_from(solver: Any, chosen: NDArray[np.bool_]) -> None:
    import highspy

    start = highspy.HighsSolution()
    start.col_value = chosen.astype(np.float64).tolist()
    solver.setSolution(start)


def _is_optimal(solver: Any) -> bool:
    import highspy

    return bool(solver.getModelStatus() == highspy.HighsModelStatus.kOptimal)


def _covers(pool: RoutePool, columns: NDArray[np.int64]) -> bool:
    """Whether these columns visit every customer once: a limit can stop HiGHS before it has any solution."""
    visits = np.zeros(pool.problem.n_customers + 1, np.int64)
    for column in columns:
        visits[pool.routes[column]] += 1
    return bool((visits[1:] == 1).all() and pool.problem.fleet.allows(len(columns)))
