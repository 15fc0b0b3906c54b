"""The search of one solve: it carries out a schedule's decisions, and keeps, improves and recombines routes."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.plugins import call_plugin
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.savings import clarke_wright
from lagrl.search.ascending import Ascending
from lagrl.search.bounding import Bounding
from lagrl.search.budget import Budget
from lagrl.search.chaining import Chaining
from lagrl.search.clock import SearchClock
from lagrl.search.moving import Moving
from lagrl.search.recombine import Recombination
from lagrl.search.schedule import Decision, History, Outcome, Schedule
from lagrl.search.search_report import SearchRecord, SearchReport, SolveProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from lagrl.controllers.base import Controller
    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.sampler import SubproblemSampler
    from lagrl.solve_config import SolveConfig

_LOCAL_SIZE = 80  # customers
_CHAINING = 1_000_002  # random stream of the chains
_IMPROVING = 1_000_000  # random stream of everything after the linearisations from seeds


def _never() -> bool:  # not a lambda: searches are pickled
    return False


class Search:
    """Carries out a schedule's decisions until the budget is spent.

    Parameters
    ----------
    problem
        The instance.
    config
        The configuration.
    make_controller
        Makes a controller for every ascent.
    sampler
        Solves the knapsacks.
    schedule
        Decides the next linearisation.
    on_evaluation
        Called with the progress after each step of the loop; a true answer stops the search.
    is_cancelled
        Called before each decision and after each step; True stops the search.
    started
        Start of the seconds, see `Budget`; now if None.
    local_size
        Customers of a neighbourhood, in which a large instance is improved.

    Attributes
    ----------
    incumbent
        The best routes, and the pool of all.
    history
        The history that the schedule sees.
    ascending, moving
        Ascents, and moves from the current routes.
    current
        The current routes.
    recombination, bounding, chaining
        Set partitioning over the pool, the lower bound, and the compiled chain of moves.
    clock
        Divides the seconds among the parts.
    is_interrupted
        Whether `on_evaluation` stopped the search; a caller that catches KeyboardInterrupt sets it too.
    """

    def __init__(
        self,
        problem: CVRP,
        config: SolveConfig,
        make_controller: Callable[[], Controller],
        sampler: SubproblemSampler,
        schedule: Schedule,
        on_evaluation: Callable[[SolveProgress], object] | None = None,
        is_cancelled: Callable[[], bool] = _never,
        started: float | None = None,
        local_size: int = _LOCAL_SIZE,
    ) -> None:
        self.problem = problem
        self.config = config
        self.sampler = sampler
        self.schedule = schedule
        self.on_evaluation = on_evaluation
        self.is_cancelled = is_cancelled
        self.budget = Budget(config.evaluation_limit, config.seconds, started)
        self.incumbent = Incumbent(RoutePool(problem))
        self.history = History(problem.n_customers, config.evaluation_limit)
        self.is_interrupted = False
        self.recombination = Recombination(self.incumbent, self.budget)
        self.bounding = Bounding(problem, self.budget)
        self.chaining = Chaining(self.incumbent, self.budget, [config.seed, _CHAINING])
        self.clock = SearchClock(problem, self.budget, self.chaining, self.recombination, self.bounding)
        limits = (self.incumbent, self.budget, self.clock)
        self.ascending = Ascending(problem, config, make_controller, sampler, *limits, self._after_step)
        rng = np.random.default_rng([config.seed, _IMPROVING])
        self.moving = Moving(self.ascending, self.recombination, self.history, self._is_stopped, local_size, rng)
        self.current = self.moving.current
        self._savings: Sequence[int] = ()  # columns that wait for their local search
        self._is_behind = False  # whether the chain has found better routes than all before the last decision

    @property
    def pool(self) -> RoutePool:
        """Pool of every route so far."""
        return self.incumbent.pool

    def run(self, progress: float = 1.0) -> None:
        """Search until this share of the budget is spent, or the schedule stops.

        At `progress` 1 the search ends; after less, a later call continues it.
        """
        if not self._has_begun and self.budget.seconds is not None and self.config.uses("relinearisation"):
            self._start_from_savings()
        decision: Decision | None = None
        while not (self._has_begun and (self.budget.progress >= progress or self._is_settled())):
            decision = decision or self._decided()
            if decision is None:
                break
            if self.config.has_chains and self.clock.chain_is_due(decision):
                self._is_behind |= self.chaining.advance()
                self._after_step()
            elif self._carry_out(decision):
                decision = None
            else:
                break
            if self.config.uses("bound") and self.bounding.is_due:
                self.pool.add_routes(self.bounding.advance(self.incumbent.cost))
            if self.config.uses("partition") and self.recombination.is_due and self.recombination.recombine():
                self.moving.continue_from_incumbent()
        is_over = progress >= 1.0 and not self._is_settled()
        if is_over and self.config.uses("partition") and self.recombination.finish():
            self.moving.continue_from_incumbent()

    @property
    def _has_begun(self) -> bool:
        return bool(self.ascending.ascents) or self.chaining.seconds > 0

    def _carry_out(self, decision: Decision) -> bool:
        """Ascend from seeds or around the current routes; return False if no seconds are left for seeds."""
        if self._is_behind:
            self.moving.continue_from_incumbent()
        self._is_behind = False
        if decision.linearisation != "seeds":
            self.improve(decision)
        elif not self.ascending.ascents or not self.incumbent.columns or self.clock.allows_seeds:
            self._ascend_from_seeds(decision)
        elif self.history.restarted:
            self.history.restarted = False
        else:
            return False
        return True

    def _is_settled(self) -> bool:
        return self.bounding.proves(self.incumbent.cost) or self._is_stopped()

    def _is_stopped(self) -> bool:
        return self.is_interrupted or self.is_cancelled()

    def report(self) -> SearchReport:
        """Return the result of the search so far."""
        return SearchReport(self.incumbent, self.budget.elapsed, self.record(), self.is_interrupted)

    def record(self) -> SearchRecord:
        """Return what the search has recorded so far besides its routes."""
        ascending, bounding = self.ascending, self.bounding
        seconds_of = self.clock.seconds_of | ascending.seconds_of
        return SearchRecord(ascending.ascents, ascending.sampling, seconds_of, bounding.value, bounding.is_infeasible)

    def take_over(self, routes: Sequence[NDArray[np.int64]]) -> None:
        """Continue from routes found elsewhere, if they are better than all before."""
        if self.incumbent.offer(self.pool.add_routes(routes)):
            self.moving.continue_from_incumbent()

    def start_from(self, routes: Sequence[NDArray[np.int64]]) -> bool:
        """Polish routes of all customers and continue from them; return whether they then meet the fleet rule."""
        self._savings = self.pool.add_routes(routes)
        self.incumbent.offer(self._savings)
        self._continue_from_best()
        return bool(self.incumbent.columns)

    def improve(self, decision: Decision, freed: Sequence[int] | None = None) -> Outcome:
        """Move from the current routes, see `Moving.improve`; raise InputError before there are routes."""
        if not self.incumbent.columns:
            raise InputError(
                f"{decision.linearisation} before there are routes that meet the fleet rule",
                source=f"schedule {type(self.schedule).__name__}",
                remedy="return seeds until history.has_routes",
            )
        return self.moving.improve(decision, freed)

    def _decided(self) -> Decision | None:
        """Return the schedule's next decision; raise InputError with the schedule's name if it fails."""
        name = f"schedule {type(self.schedule).__name__}"
        decision: object = call_plugin(name, partial(self.schedule.next, self._updated_history()))
        if decision is None or isinstance(decision, Decision):
            return decision
        raise InputError(
            f"returned {decision!r}", source=name, field="next", remedy="return a lagrl.search.Decision or None"
        )

    def _updated_history(self) -> History:
        self.history.progress = self.budget.progress
        self.history.evaluations = self.budget.spent
        self.history.has_routes = bool(self.incumbent.columns)
        self.history.has_prices = self.recombination.customer_price is not None
        return self.history

    def _ascend_from_seeds(self, decision: Decision) -> None:
        """Ascend from seeds; continue from the best routes of all the ascents."""
        ascents = self.ascending.ascents
        n_before = len(ascents)
        traces = self.ascending.from_seeds(decision, self.recombination.customer_price)
        self.history.seeds += [(ascent.seeding, min(ascent.trace.route_cost)) for ascent in ascents[n_before:]]
        self.history.restarted = False
        if self.config.uses("relinearisation") or self.config.uses("polish"):
            self._continue_from_best(columns for trace in traces for columns in trace.cheapest(1))

    def _continue_from_best(self, candidates: Iterable[tuple[int, ...]] = ()) -> None:
        """Continue from the best of some routes after local search, once also of those of the savings."""
        savings, self._savings = [self._savings] if self._savings else [], ()
        self.moving.continue_from_best(chain(savings, candidates))

    def _start_from_savings(self) -> None:
        """Offer Clarke and Wright's routes: many customers leave no time to improve those of an ascent."""
        self._savings = self.pool.add_routes([np.array(route) for route in clarke_wright(self.problem).routes])
        self.incumbent.offer(self._savings)

    def _after_step(self) -> bool:
        self.budget.spent = self.incumbent.evaluations
        if self.on_evaluation is not None:
            progress = SolveProgress.of(self.incumbent, self.budget, self.bounding.value, self.ascending)
            self.is_interrupted |= bool(self.on_evaluation(progress))
        return self.budget.seconds_left <= 0 or self._is_stopped()
