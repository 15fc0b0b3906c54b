"""What a better bound brings to routes: `solve` with and without it, and the integer programme over pools of routes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args
from unittest.mock import patch

import numpy as np

from lagrl.bounds import bound as bounds
from lagrl.controllers.registry import controller_factory
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.set_partitioning import PartitionLimits, partition
from lagrl.samplers.registry import make_sampler
from lagrl.search.schedule import schedule_of
from lagrl.search.search import Search
from lagrl.solve_config import SolveConfig
from lagrl.solver import solve

if TYPE_CHECKING:
    from lagrl.bounds.column_generation import Start
    from lagrl.problems.cvrp import CVRP

Bound = Literal["without", "classical", "learned"]
"""No bound, or one with this start."""

BOUNDS: tuple[Bound, ...] = get_args(Bound)

_SHARE = 0.08  # of the seconds, for the bound, as in `solve`
_PROGRAMME_SHARE = 0.1  # the same of the integer programme
_NODES, _ROUNDS = 100, 1_000_000


def solved(problem: CVRP, of_bound: Bound, seconds: float, seed: int) -> dict[str, Any]:
    """Solve an instance with one process; return the routes' cost as `value`, and what the bound did."""
    config = SolveConfig(seconds=seconds, seed=seed, workers=1, without=("bound",) if of_bound == "without" else ())
    with patch.object(bounds, "RouteBound", partial(bounds.RouteBound, start=_start(of_bound))):
        result = solve(problem, config)
    return {
        "value": result.cost,
        "seconds": result.elapsed,
        "lower_bound": result.lower_bound,
        "bound_seconds": result.bound_seconds,
        "partition_seconds": result.partition_seconds,
        "evaluations": result.evaluations,
    }


def pooled(problem: CVRP, seconds: float, seed: int) -> dict[Bound, dict[str, Any]]:
    """Choose the best routes of one search's pool, with and without the routes that a bound generated.

    The search uses neither bound nor integer programme; the bounds have the seconds that `solve` gives them.

    Returns
    -------
    By bound the routes' cost as `value`, the value of the pool's linear relaxation, and sizes.
    """
    config = SolveConfig(seconds=seconds, seed=seed, workers=1, without=("bound", "partition"))
    sampler = make_sampler(config.sampler)
    search = Search(problem, config, controller_factory(config.controller), sampler, schedule_of(config))
    search.run()
    best = [search.pool.routes[column] for column in search.incumbent.columns]
    rows: dict[Bound, dict[str, Any]] = {}
    for of_bound in BOUNDS:
        pool = RoutePool(problem)
        pool.add_routes(search.pool.routes)
        if of_bound != "without":
            bound = bounds.RouteBound(problem, start=_start(of_bound), upper=search.incumbent.cost)
            bound.improve(_SHARE * seconds)
            pool.add_routes([np.array(route, np.int64) for route in bound.routes()])
        limits = PartitionLimits(_NODES, _ROUNDS, seconds=_PROGRAMME_SHARE * seconds)
        found = partition(pool, pool.add_routes(best), limits)
        rows[of_bound] = {
            "value": found.cost,
            "seconds": seconds,
            "before": search.incumbent.cost,
            "relaxation": found.master_value,
            "n_routes": len(search.pool),
            "n_added": len(pool) - len(search.pool),
            "is_proven": found.is_proven,
        }
    return rows


def _start(of_bound: Bound) -> Start:
    return "classical" if of_bound == "classical" else "learned"
