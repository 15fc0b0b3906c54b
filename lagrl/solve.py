"""From an instance to routes: the composer of linearisations, controllers, loop and pool.

A solve spends its evaluations over several linearisations of the instance, because their seeds limit quality more
than the dual does. Each gets its own seeds, its own warm start (the linear relaxation's prices) and its own
controller; all toured clusters meet in one pool.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.ascent import DualTrace, ascend
from lagrl.controllers.registry import controller_factory
from lagrl.errors import InputError, SolutionError
from lagrl.loop import DualLoop, Lane
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.set_partitioning import PartitionLimits, partition
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import LinearDual, linear_dual, multiplier_ceiling
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.sampler import SamplingCost, SubproblemSampler
from lagrl.relaxation.seeding import SEEDINGS
from lagrl.samplers import close_sampler, make_sampler
from lagrl.solve_config import DEFAULT_EVALUATIONS, SolveConfig, default_linearisations

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from lagrl.controllers.base import Controller
    from lagrl.problems.cvrp import CVRP
    from lagrl.problems.solution import Solution

__all__ = ["Ascent", "SolveConfig", "SolveResult", "default_linearisations", "solve"]

_LANES_PER_ROUND = 4  # few enough that a round's warm starts do not eat the time, nor its costs the memory
_PARTITION_SHARE = 0.25  # of the seconds, kept for set partitioning


@dataclass(frozen=True)
class Ascent:
    """The record of one linearisation's ascent.

    Attributes
    ----------
    seeding, n_vehicles
        How it was linearised.
    linear_value
        Value of the linear relaxation, distance units: L where the controller starts is at least this.
    trace
        One entry per evaluation.
    """

    seeding: str
    n_vehicles: int
    linear_value: float
    trace: DualTrace


@dataclass(frozen=True)
class SolveResult:
    """Routes and how they came about.

    Attributes
    ----------
    solution
        The best routes found that meet the fleet rule.
    dual_value
        Highest exact L(λ) of the ascent whose routes were best, distance units. It bounds that linearisation's
        assignment surrogate, not the CVRP. None if never computed.
    evaluations
        Priced multiplier vectors.
    sampling
        What the sampler used up: circuits, gates, shots, seconds of quantum computers and queues.
    seconds
        Classical wall-clock seconds; compilation, sampling, queueing and recording excluded.
    sampling_seconds, recording_seconds
        Seconds in approximate samplers (queueing excluded), and on exact values for the record.
    history
        (evaluations, seconds, cost) at each improvement.
    ascents
        One per linearisation.
    """

    problem: CVRP
    config: SolveConfig
    solution: Solution
    dual_value: float | None
    evaluations: int
    sampling: SamplingCost
    seconds: float
    sampling_seconds: float
    recording_seconds: float
    history: list[tuple[int, float, float]] = field(repr=False)
    ascents: list[Ascent] = field(repr=False)

    def record(self, price_per_second: float | None = None) -> dict[str, object]:
        """Return the result as plain JSON values; `routes` hold customers 1 … n as in CVRPLIB's `.sol` files.

        Parameters
        ----------
        price_per_second
            What a second of the quantum computer costs, for the estimated `price`; None leaves that null.

        Raises
        ------
        InputError
            If that is negative or not finite.
        """
        require_price(price_per_second)
        cost, gap = self.solution.cost, self.problem.gap_percent(self.solution.cost)
        return {
            "instance": self.problem.name,
            "cost": cost,
            "bks": self.problem.best_known,
            "gap_pct": None if gap is None else round(gap, 6),
            "n_routes": self.solution.n_routes,
            "routes": [list(route) for route in self.solution.routes],
            "dual_value": self.dual_value,
            "evaluations": self.evaluations,
            "circuits": self.sampling.circuits,
            "shots": self.sampling.shots,
            "seconds": round(self.seconds, 6),
            "controller": self.config.controller,
            "sampler": self.config.sampler,
            "fleet": str(self.problem.fleet),
            "reconstruct": self.config.reconstruct,
            "seed": self.config.seed,
            "feasible": self.solution.is_feasible(self.problem),
            "quantum_seconds": round(self.sampling_seconds, 6),
            **{name: value for name, value in self.sampling.record().items() if name not in ("circuits", "shots")},
            "price": estimated_price(self.sampling, price_per_second),
        }


def solve(
    problem: CVRP,
    config: SolveConfig | None = None,
    on_evaluation: Callable[[int], None] | None = None,
    *,
    controller: Callable[[], Controller] | None = None,
    sampler: SubproblemSampler | None = None,
    journal: str | os.PathLike[str] | None = None,
) -> SolveResult:
    """Find routes for an instance.

    Parameters
    ----------
    problem
        The instance; its fleet rule is kept.
    config
        What to do and for how long.
    on_evaluation
        Called with the evaluations spent so far, after each turn of the loop.
    controller
        Makes the controllers (a class will do), instead of the one named in `config`.
    sampler
        Answers the knapsacks, instead of the one named in `config`; it is left open.
    journal
        File that keeps every answer of the sampler named in `config`, to go on from or to replay; None for none,
        but for a real quantum computer (see `lagrl.samplers.make_sampler`).

    Raises
    ------
    SolutionError
        If no routes that meet the fleet rule were found.
    UnknownNameError, InputError
        If the controller or sampler cannot be made, or fails.
    InstanceError
        If a knapsack takes more memory than the exact search may use, see `KnapsackBatch.price`.
    """
    from lagrl.kernels import compile_kernels

    config = config or SolveConfig()
    if controller is not None:
        config = replace(config, controller=_name_of(controller))
    if sampler is not None:
        _require_sampler(sampler, journal)
        config = replace(config, sampler=_name_of(type(sampler)))
    make_controller = controller or controller_factory(config.controller)
    with contextlib.ExitStack() as at_the_end:
        if sampler is None:
            sampler = make_sampler(config.sampler, journal=journal)
            at_the_end.callback(close_sampler, sampler)
        search = _Search(problem, config, make_controller, sampler, on_evaluation)
        compile_kernels()
        return search.run()


def estimated_price(sampling: SamplingCost, price_per_second: float | None) -> float | None:
    """Return what the seconds of a quantum computer cost at a rate; None without a rate."""
    return None if price_per_second is None else round(price_per_second * sampling.qpu_seconds, 6)


def require_price(price_per_second: float | None) -> None:
    """Refuse a rate that is no price.

    Raises
    ------
    InputError
        If it is negative or not finite.
    """
    if price_per_second is not None and not 0 <= price_per_second < np.inf:
        raise InputError(f"{price_per_second} given", field="price", remedy="give a finite number of 0 or more")


def _require_sampler(sampler: object, journal: object) -> None:
    if isinstance(sampler, str):
        raise InputError(f"{sampler!r} given", field="sampler", remedy=f"write SolveConfig(sampler={sampler!r})")
    if isinstance(sampler, type) or not isinstance(sampler, SubproblemSampler):
        given = sampler.__name__ if isinstance(sampler, type) else type(sampler).__name__
        kind = "the class" if isinstance(sampler, type) else "a"
        raise InputError(f"{kind} {given} given", field="sampler", remedy="give an object with sample(...)")
    if journal is not None:
        raise InputError(
            f"{journal} given",
            field="journal",
            remedy="wrap your sampler: JournaledSampler(sampler, Journal(file), name)",
        )


def _name_of(factory: object) -> str:
    """Name an object given in place of a name, for the record."""
    return f"{getattr(factory, '__module__', '?')}:{getattr(factory, '__qualname__', type(factory).__qualname__)}"


class _Search:
    """One solve under way."""

    def __init__(
        self,
        problem: CVRP,
        config: SolveConfig,
        make_controller: Callable[[], Controller],
        sampler: SubproblemSampler,
        on_evaluation: Callable[[int], None] | None,
    ) -> None:
        self.problem = problem
        self.config = config
        self.make_controller = make_controller
        self.sampler = sampler
        self.on_evaluation = on_evaluation
        self.ascents: list[Ascent] = []
        self.sampling_seconds = self.recording_seconds = 0.0

    def run(self) -> SolveResult:
        self.started = time.perf_counter()
        self.incumbent = Incumbent(RoutePool(self.problem))
        while not self.ascents or (self.remaining != 0 and not self.is_late()):
            self.ascend_round()
        if self.config.reconstruct == "pool" and self.incumbent.columns:
            self.recombine()
        return self.result()

    @property
    def remaining(self) -> int | None:
        limit = self.config.evaluation_limit
        return None if limit is None else limit - self.incumbent.evaluations

    def is_late(self) -> bool:
        if self.config.seconds is None:
            return False
        share = 1.0 - _PARTITION_SHARE if self.config.reconstruct == "pool" else 1.0
        return time.perf_counter() - self.started >= share * self.config.seconds

    def ascend_round(self) -> None:
        """Linearise a few times and ascend all of them together."""
        budgets = self.round_budgets()
        lanes: list[Lane] = []
        starts: list[LinearDual] = []
        labels: list[tuple[str, int]] = []
        for _ in budgets:
            if lanes and self.is_late():
                break
            index = len(self.ascents) + len(lanes)
            rule, n_vehicles = self.linearisation(index)
            seeds = SEEDINGS[rule](self.problem, n_vehicles, self.rng(index, 0))
            assignment = linearise(self.problem, seeds)
            warm = linear_dual(assignment)
            run = f"{self.problem.name}/{self.config.seed}/{index}"
            dual = AssignmentDual(
                assignment,
                self.sampler,
                shots=self.config.shots,
                rng=self.rng(index, 1),
                run=run,
                ceiling=multiplier_ceiling(assignment, warm),
            )
            lanes.append(Lane(dual, self.incumbent, self.rng(index, 2)))
            starts.append(warm)
            labels.append((rule, n_vehicles))
        loop = DualLoop(lanes, keep_selections=self.config.reconstruct == "pool", record_exact=self.config.record_exact)
        traces = ascend(
            loop,
            [self.make_controller() for _ in lanes],
            budgets[: len(lanes)],
            [self.rng(len(self.ascents) + b, 3) for b in range(len(lanes))],
            [warm.multipliers for warm in starts],
            self.after_step,
        )
        self.sampling_seconds += loop.sampling_seconds
        self.recording_seconds += loop.recording_seconds
        for (rule, n_vehicles), warm, trace in zip(labels, starts, traces, strict=True):
            self.ascents.append(Ascent(rule, n_vehicles, warm.value, trace))

    def round_budgets(self) -> list[int]:
        """Give the lanes of the next round their shares of what is left.

        Shares differ by one at most, so that as many linearisations are tried as were asked for; what solved duals
        leave goes to further ones.
        """
        remaining, limit = self.remaining, self.config.evaluation_limit or DEFAULT_EVALUATIONS
        planned = min(self.config.linearisations or default_linearisations(limit), limit)
        each = -(-limit // planned)
        if remaining is None:
            return [each] * min(planned, _LANES_PER_ROUND)
        still_planned, by_size = planned - len(self.ascents), -(-remaining // each)
        n_lanes = min(max(still_planned, by_size), _LANES_PER_ROUND)
        total = min(remaining, each * n_lanes)
        if still_planned > by_size:
            total = -(-remaining * n_lanes // still_planned)
        base, extra = divmod(total, n_lanes)
        return [base + (b < extra) for b in range(n_lanes)]

    def linearisation(self, index: int) -> tuple[str, int]:
        """Choose the seeding rule and the number of vehicles of linearisation `index`."""
        rules = self.config.seedings
        return rules[index % len(rules)], vehicles_to_try(self.problem, index // len(rules))

    def rng(self, index: int, stream: int) -> np.random.Generator:
        """Give linearisation `index` randomness of its own, whatever came before."""
        return np.random.default_rng([self.config.seed, index, stream])

    def after_step(self) -> bool:
        if self.on_evaluation is not None:
            self.on_evaluation(self.incumbent.evaluations)
        return self.is_late()

    def recombine(self) -> None:
        limits = PartitionLimits()
        if self.config.seconds is not None:
            left = self.config.seconds - (time.perf_counter() - self.started)
            limits = PartitionLimits(seconds=left)
        found = partition(self.incumbent.pool, self.incumbent.columns, limits)
        self.incumbent.offer(found.columns)

    def result(self) -> SolveResult:
        solution = self.incumbent.solution()
        elapsed = time.perf_counter() - self.started
        if solution is None:
            raise SolutionError(
                f"no routes that meet the fleet rule {self.problem.fleet} were found",
                source=self.problem.name,
                remedy="raise the budget, or use --fleet free",
            )
        best = min(self.ascents, key=lambda ascent: min(ascent.trace.route_cost))
        sampling = sum((ascent.trace.sampling for ascent in self.ascents), SamplingCost())
        return SolveResult(
            problem=self.problem,
            config=self.config,
            solution=solution,
            dual_value=best.trace.dual_value,
            evaluations=self.incumbent.evaluations,
            sampling=sampling,
            seconds=elapsed - self.sampling_seconds - sampling.queue_seconds - self.recording_seconds,
            sampling_seconds=self.sampling_seconds,
            recording_seconds=self.recording_seconds,
            history=self.incumbent.history,
            ascents=self.ascents,
        )
