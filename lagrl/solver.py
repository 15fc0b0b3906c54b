"""Solving an instance: schedule, controllers, sampler and search joined into one function.

A solve starts with a few linearisations from seeds, because these limit quality more than the dual does, and continues
with linearisations around the best routes (`lagrl.search`). Each ascent has its own warm start and its own controller;
all routes meet in one pool. The method `reference` is simpler: linearisations from seeds, the best toured assignment.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl import __version__
from lagrl.controllers.registry import controller_factory
from lagrl.errors import InputError, SolutionError, refuse, require_type
from lagrl.problems.cvrp import require_cvrp
from lagrl.problems.plausibility import question_cost
from lagrl.relaxation.sampler import SamplingCost, SubproblemSampler, require_sampler
from lagrl.samplers.registry import open_sampler
from lagrl.search.blocks import BlockSearch, require_chains_alone
from lagrl.search.schedule import Schedule, schedule_of
from lagrl.search.search import Search
from lagrl.search.search_report import Ascent, SearchReport, SolveProgress
from lagrl.search.workers import search_in_processes
from lagrl.solve_config import SolveConfig, configured, default_linearisations

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from lagrl.controllers.base import Controller
    from lagrl.problems.cvrp import CVRP
    from lagrl.problems.solution import Solution

__all__ = ["Ascent", "SolveConfig", "SolveProgress", "SolveResult", "default_linearisations", "solve"]


@dataclass(frozen=True, repr=False)
class SolveResult:
    """The best routes found by a solve, with its bounds, costs and times.

    Attributes
    ----------
    solution
        The best routes found that meet the fleet rule.
    dual_value
        Highest exact L(λ) of the ascent whose routes were best, distance units. It bounds that linearisation's
        assignment surrogate, not the CVRP. None if it was never computed.
    lower_bound
        Proven bound on the cost of every solution under the fleet rule, distance units; None if none was computed.
    evaluations
        Priced multiplier vectors.
    sampling
        Resources that the sampler used: circuits, gates, shots, seconds of quantum computers and queues.
    elapsed
        Wall-clock seconds, compilation excluded; `seconds=` limits these, and `history` has them.
    seconds
        The part of them without sampling, queueing and recording.
    sampling_seconds, recording_seconds
        Seconds in approximate samplers (queueing excluded), and for exact values computed for the record only.
    polish_seconds, partition_seconds, bound_seconds, chain_seconds, decoding_seconds
        Seconds of local search, set partitioning, the lower bound, compiled chains, and decoding with repair and tours,
        summed over all processes.
    history
        (evaluations, seconds, cost) at each improvement; with several workers, at each exchange that brought one.
    ascents
        One per linearisation from seeds.
    is_interrupted
        Whether `on_evaluation` or Ctrl-C ended the solve before its budget.

    Examples
    --------
    >>> import lagrl
    >>> result = lagrl.solve(lagrl.read("G-n16-k3"), evaluations=50)
    >>> print(result)
    G-n16-k3: cost 5098 in 3 routes, gap to best known 0.00 %
    """

    problem: CVRP
    config: SolveConfig
    solution: Solution
    dual_value: float | None
    lower_bound: float | None
    evaluations: int
    sampling: SamplingCost
    elapsed: float
    seconds: float
    sampling_seconds: float
    recording_seconds: float
    polish_seconds: float
    partition_seconds: float
    bound_seconds: float
    chain_seconds: float
    decoding_seconds: float
    history: list[tuple[int, float, float]] = field(repr=False)
    ascents: list[Ascent] = field(repr=False)
    is_interrupted: bool = False

    @property
    def cost(self) -> float:
        """Cost of the routes, distance units."""
        return self.solution.cost

    @property
    def routes(self) -> tuple[tuple[int, ...], ...]:
        """The routes: customers 1 … n in visiting order, the depot left out."""
        return self.solution.routes

    @property
    def gap(self) -> float | None:
        """100·(cost − best known cost)/best known cost, %; None without a best known cost."""
        return self.problem.gap_percent(self.cost)

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of the search that ran, by their names in `SolveConfig.without`; routes by savings are not listed."""
        used = {
            "relinearisation": self.evaluations,
            "chains": self.chain_seconds,
            "polish": self.polish_seconds,
            "partition": self.partition_seconds,
            "bound": self.bound_seconds,
        }
        return tuple(name for name, amount in used.items() if amount > 0)

    @property
    def solver(self) -> str:
        """What found the routes, as `.sol` files state it."""
        return f"lagrl {__version__}"

    def __str__(self) -> str:
        parts = [f"cost {self.cost:.10g} in {self.solution.n_routes} routes"]
        if self.gap is not None:
            parts.append(f"gap to best known {self.gap:.2f} %")
        if self.lower_bound is not None:
            parts.append(f"lower bound {self.lower_bound:.10g}")
        return f"{self.problem.name}: {', '.join(parts)}"

    def __repr__(self) -> str:
        return f"<SolveResult {self}>"

    @property
    def gap_to_bound(self) -> float | None:
        """Gap 100·(cost − lower bound)/lower bound in percent; None without a bound above 0."""
        if not self.lower_bound:
            return None
        return 100.0 * (self.solution.cost - self.lower_bound) / self.lower_bound

    def record(self, price_per_second: float | None = None) -> dict[str, object]:
        """Return the result as plain JSON values; `routes` hold customers 1 … n as in CVRPLIB's `.sol` files.

        Parameters
        ----------
        price_per_second
            Price of a second on the quantum computer, for the estimated `price`; None leaves that null.

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
            "elapsed_seconds": round(self.elapsed, 6),
            "seconds": round(self.seconds, 6),
            "interrupted": self.is_interrupted,
            "controller": self.config.controller,
            "sampler": self.config.sampler,
            "fleet": str(self.problem.fleet),
            "method": self.config.method,
            "seed": self.config.seed,
            "feasible": self.solution.is_feasible(self.problem),
            "quantum_seconds": round(self.sampling_seconds, 6),
            **{name: value for name, value in self.sampling.record().items() if name not in ("circuits", "shots")},
            "price": estimated_price(self.sampling, price_per_second),
            "lower_bound": self.lower_bound,
            "gap_to_bound_pct": None if self.gap_to_bound is None else round(self.gap_to_bound, 6),
            "polish_seconds": round(self.polish_seconds, 6),
            "partition_seconds": round(self.partition_seconds, 6),
            "bound_seconds": round(self.bound_seconds, 6),
            "chain_seconds": round(self.chain_seconds, 6),
            "parts": list(self.parts),
            "history": [[evaluations, round(seconds, 6), cost] for evaluations, seconds, cost in self.history],
        }


def solve(
    problem: CVRP,
    config: SolveConfig | None = None,
    on_evaluation: Callable[[SolveProgress], object] | None = None,
    *,
    controller: Callable[[], Controller] | str | None = None,
    sampler: SubproblemSampler | str | None = None,
    schedule: Schedule | None = None,
    journal: str | os.PathLike[str] | None = None,
    catch_interrupt: bool = False,
    **fields: Any,
) -> SolveResult:
    """Find routes for an instance.

    Above 5000 customers routes are made by savings and improved by chains of moves alone: only a clock, the seed and
    `on_evaluation` apply, and anything else that is not the default is refused.

    Parameters
    ----------
    problem
        The instance; its fleet rule is kept.
    config
        What to do and for how long; the default configuration if None. Keywords replace its fields.
    on_evaluation
        Called with a `SolveProgress` after each step of the loop: evaluations, seconds, cost, gap and bound. If it
        returns a true value, the solve ends with the best routes so far.
    controller
        A name, a controller class, or a function that makes controllers: every ascent gets its own.
    sampler
        A name, or an object that solves the knapsacks; an object is left open.
    schedule
        Decides the next linearisation, instead of the schedule of `config`.
    fields
        Fields of `SolveConfig`, such as `seconds=5` or `workers=2`.
    journal
        File that keeps every answer of the sampler named in `config`, to go on from or to replay; None for none,
        except for a real quantum computer (see `lagrl.samplers.registry.make_sampler`).
    catch_interrupt
        Whether Ctrl-C ends the solve with the best routes so far. Otherwise, and before there are routes, it raises
        KeyboardInterrupt.

    Raises
    ------
    UnknownNameError
        If a keyword, controller or sampler is not known; the message names the nearest one.
    SolutionError
        If no routes that meet the fleet rule were found.
    InputError
        If a value is not allowed, the controller or sampler cannot be made, or the controller, sampler or schedule
        fails.
    InstanceError
        If a knapsack takes more memory than the exact search may use, see `KnapsackBatch.price`.

    Examples
    --------
    >>> import lagrl
    >>> result = lagrl.solve(lagrl.read("G-n16-k3"), evaluations=50, controller="volume")
    >>> result.cost, len(result.routes), round(result.gap, 2)
    (5098.0, 3, 0.0)
    """
    from lagrl.compilation import compile_kernels

    require_cvrp(problem)
    if schedule is not None:
        require_type(schedule, Schedule, "schedule", "give an object with next(history), see docs/plug-in.md")
    if on_evaluation is not None and not callable(on_evaluation):
        raise InputError(f"{on_evaluation!r:.80} given", field="on_evaluation", remedy="give a function")
    if isinstance(controller, str):
        fields["controller"], controller = controller, None
    if isinstance(sampler, str):
        fields["sampler"], sampler = sampler, None
    config = configured(config, fields, ("on_evaluation", "schedule", "journal", "catch_interrupt"))
    if controller is not None:
        _require_factory(controller)
        config = replace(config, controller=_name_of(controller))
    if sampler is not None:
        require_sampler(sampler)
        if journal is not None:
            refuse("journal", journal, "wrap your sampler: JournaledSampler(sampler, Journal(file), name)")
        config = replace(config, sampler=_name_of(type(sampler)))
    if problem.matrix is None:
        given = {"controller": controller, "sampler": sampler, "schedule": schedule, "journal": journal}
        require_chains_alone(problem, config, given)
    make_controller = controller or controller_factory(config.controller)
    compile_kernels(*config.kernel_rooms)
    if config.workers > 1:
        _require_names_only(controller=controller, sampler=sampler, schedule=schedule, journal=journal)
        report = search_in_processes(problem, config, on_evaluation, catch_interrupt=catch_interrupt)
        return _result(problem, config, report)
    with contextlib.ExitStack() as at_the_end:
        if sampler is None:
            sampler = at_the_end.enter_context(open_sampler(config.sampler, journal=journal))
        search: Search | BlockSearch
        if problem.matrix is None:
            search = BlockSearch(problem, config, on_evaluation)
        else:
            search = Search(problem, config, make_controller, sampler, schedule or schedule_of(config), on_evaluation)
        try:
            search.run()
        except KeyboardInterrupt:
            if not catch_interrupt or not search.incumbent.columns:
                raise
            search.is_interrupted = True
        return _result(problem, config, search.report())


def estimated_price(sampling: SamplingCost, price_per_second: float | None) -> float | None:
    """Return the price of a sampler's quantum-computer seconds at a rate per second; None without a rate."""
    return None if price_per_second is None else round(price_per_second * sampling.qpu_seconds, 6)


def require_price(price_per_second: float | None) -> None:
    """Raise InputError if a rate is negative or not finite."""
    if price_per_second is not None and not 0 <= price_per_second < np.inf:
        raise InputError(f"{price_per_second} given", field="price", remedy="give a finite number of 0 or more")


def _require_factory(controller: object) -> None:
    if not callable(controller):
        raise InputError(
            f"a {type(controller).__name__} given",
            field="controller",
            remedy="give its class, a function that makes one, or a name: every ascent gets its own controller",
        )


def _require_names_only(**given: object) -> None:
    for name, value in given.items():
        if value is not None:
            raise InputError(
                "does not reach other processes", field=name, remedy="name it in the configuration, or use workers=1"
            )


def _name_of(factory: object) -> str:
    """Return `module:name` of an object that replaces a name of the configuration, for the record."""
    return f"{getattr(factory, '__module__', '?')}:{getattr(factory, '__qualname__', type(factory).__qualname__)}"


def _result(problem: CVRP, config: SolveConfig, report: SearchReport) -> SolveResult:
    incumbent, record = report.incumbent, report.record
    sampling, seconds_of = record.sampling, record.seconds_of
    solution = incumbent.solution()
    if not incumbent.evaluations and not seconds_of["chains"] and problem.matrix is not None:
        raise SolutionError(
            "the schedule stopped before any evaluation",
            source=problem.name,
            remedy="let its first decision be for seeds",
        )
    if solution is None:
        found, way_out = "were found", "raise the budget, or use --fleet free"
        if record.is_infeasible:
            found, way_out = "exist: the lower bound proves it", "allow more vehicles, or use --fleet free"
        raise SolutionError(
            f"no routes that meet the fleet rule {problem.fleet} {found}", source=problem.name, remedy=way_out
        )
    question_cost(problem.name, solution.cost, problem.best_known, problem.best_known_by)
    best = min(record.ascents, key=lambda ascent: min(ascent.trace.route_cost), default=None)
    elsewhere = seconds_of["sampling"] + seconds_of["recording"] + sampling.queue_seconds
    return SolveResult(
        problem=problem,
        config=config,
        solution=solution,
        dual_value=None if best is None else best.trace.dual_value,  # Ctrl-C may end the first ascents
        lower_bound=record.lower_bound or None,
        evaluations=incumbent.evaluations,
        sampling=sampling,
        elapsed=report.elapsed,
        seconds=max(report.elapsed - elsewhere / config.workers, 0.0),
        sampling_seconds=seconds_of["sampling"],
        recording_seconds=seconds_of["recording"],
        polish_seconds=seconds_of["polish"],
        partition_seconds=seconds_of["partition"],
        bound_seconds=seconds_of["bound"],
        chain_seconds=seconds_of["chains"],
        decoding_seconds=seconds_of["decoding"],
        history=incumbent.history,
        ascents=record.ascents,
        is_interrupted=report.is_interrupted,
    )
