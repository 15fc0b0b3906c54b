"""The row of one solve: its result, cost and settings."""

from __future__ import annotations

import json
import time
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING

from lagrl.bench.evaluation import EvaluationTask, hash_of, read_problem, settings_of
from lagrl.bench.provenance import git_revision, versions
from lagrl.bench.schema import SCHEMA, Row
from lagrl.bench.suites import family
from lagrl.compilation import compile_kernels
from lagrl.controllers.registry import controller_factory
from lagrl.errors import InputError, LagrlError, SolutionError
from lagrl.relaxation.sampler import SamplingCost
from lagrl.samplers.registry import sampler_packages
from lagrl.solver import estimated_price, solve

if TYPE_CHECKING:
    from lagrl.bench.cpu_meter import CpuMeter
    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.sampler import SubproblemSampler
    from lagrl.solver import SolveResult


def make_row(task: EvaluationTask, sampler: SubproblemSampler | None = None, meter: CpuMeter | None = None) -> Row:
    """Solve one task and describe it as a row.

    Parameters
    ----------
    task
        What to solve.
    sampler
        Replaces the sampler that the task names, such as the same one with a measurement added; the row keeps the
        name. It is not closed.
    meter
        Measures the energy of the solve for the row, if given.
    """
    problem = read_problem(task.instance, task.fleet, task.rounding)
    compile_kernels(*task.config.kernel_rooms)
    measuring: AbstractContextManager[dict[str, float]] = nullcontext({}) if meter is None else meter.measuring()
    with measuring as energy:
        started = time.perf_counter()
        result = None
        try:
            journal = task.journal if sampler is None else None
            result = solve(problem, task.config, sampler=sampler, journal=journal)
        except SolutionError:  # no routes within the fleet rule: a result as well
            pass
        except LagrlError as error:
            config = task.config
            row = f"{problem.name}, {config.controller}, {config.evaluation_limit} evaluations, seed {config.seed}"
            raise InputError(str(error), source=row) from error
        seconds = time.perf_counter() - started if result is None else result.seconds
    return _describe(problem, task, result, seconds) | energy


_revision = cache(git_revision)  # once a run: what is loaded does not change with the files


def _describe(problem: CVRP, task: EvaluationTask, result: SolveResult | None, seconds: float) -> Row:
    config = task.config
    settings = settings_of(config)
    packages = (*getattr(controller_factory(config.controller), "packages", ()), *sampler_packages(config.sampler))
    cost = result.solution.cost if result else None
    return {
        "schema": SCHEMA,
        "key": task.key,
        "instance": problem.name,
        "family": family(problem.name),
        "n_customers": problem.n_customers,
        "n_vehicles": problem.minimum_vehicles,
        "controller": config.controller,
        "sampler": config.sampler,
        "fleet": str(problem.fleet),
        "method": config.method,
        "budget": config.evaluation_limit,
        "seed": config.seed,
        "evaluations": result.evaluations if result else config.evaluation_limit,
        **(result.sampling if result else SamplingCost()).record(),
        "price": estimated_price(result.sampling if result else SamplingCost(), task.price_per_second),
        "seconds": round(seconds, 6),
        "quantum_seconds": round(result.sampling_seconds, 6) if result else 0.0,
        "recording_seconds": round(result.recording_seconds, 6) if result else 0.0,
        **({"decoding_seconds": round(result.decoding_seconds / config.workers, 6)} if result else {}),
        "dual_value": result.dual_value if result else None,
        "cost": cost,
        "best_known": problem.best_known,
        "gap_pct": None if cost is None else problem.gap_percent(cost),
        "n_routes": result.solution.n_routes if result else None,
        "feasible": bool(result and result.solution.is_feasible(problem)),
        "config": json.loads(json.dumps(settings)),
        "config_hash": hash_of(settings),
        "versions": versions(*packages),
        "git_revision": _revision(),
        "history": [[e, round(s, 6), c] for e, s, c in result.history] if result else [],
    }
