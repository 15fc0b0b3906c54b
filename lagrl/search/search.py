"""The search of one solve: it carries out a schedule's decisions, and keeps, improves and recombines routes."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from lagrl.ascent import DualTrace, ascend_all
from lagrl.dual_loop import AscentState, DualLoop
from lagrl.errors import InputError
from lagrl.plugins import call_plugin
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.polish import split_to
from lagrl.recovery.pool import RoutePool, is_shorter
from lagrl.recovery.savings import clarke_wright
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import LinearDual, linear_dual, multiplier_ceiling
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.sampler import SamplingCost, SubproblemSampler
from lagrl.relaxation.seeding import seeding_rule
from lagrl.search.acceptance import Annealing
from lagrl.search.bounding import Bounding
from lagrl.search.budget import Budget
from lagrl.search.chaining import Chaining
from lagrl.search.clock import SearchClock
from lagrl.search.neighbourhood import Neighbourhood, neighbouring_routes
from lagrl.search.recombine import Recombination
from lagrl.search.relinearise import relinearise_neighbourhood
from lagrl.search.schedule import Decision, History, Outcome, Schedule
from lagrl.search.search_report import Ascent, SearchRecord, SearchReport, SolveProgress
from lagrl.search.string_removal import adjacent_strings, nearest_customers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lagrl.controllers.base import Controller
    from lagrl.problems.assignment import AssignmentProblem
    from lagrl.problems.cvrp import CVRP
    from lagrl.solve_config import SolveConfig

_LOCAL_SIZE = 80  # customers
_STEPS_PER_NEIGHBOURHOOD = 30
_POLISHED = 2  # candidates of an ascent
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
    ascents
        Ascents from seeds.
    history
        The history that the schedule sees.
    seconds_of
        Wall-clock seconds of `sampling` (by approximate samplers) and `recording`.
    sampling
        Resources that the sampler used.
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
        self.make_controller = make_controller
        self.sampler = sampler
        self.schedule = schedule
        self.on_evaluation = on_evaluation
        self.is_cancelled = is_cancelled
        self.local_size = local_size
        self.budget = Budget(config.evaluation_limit, config.seconds, started)
        self.incumbent = Incumbent(RoutePool(problem))
        self.ascents: list[Ascent] = []
        self.history = History(problem.n_customers, config.evaluation_limit)
        self.seconds_of = dict.fromkeys(("sampling", "recording"), 0.0)
        self.sampling = SamplingCost()
        self.is_interrupted = False
        self.recombination = Recombination(self.incumbent, self.budget)
        self.bounding = Bounding(problem, self.budget)
        self.chaining = Chaining(self.incumbent, self.budget, [config.seed, _CHAINING])
        self.clock = SearchClock(problem, self.budget, self.chaining, self.recombination, self.bounding)
        self._rng = np.random.default_rng([config.seed, _IMPROVING])
        self._annealing = Annealing(problem.n_customers, self._rng)
        self._n_ascents = 0
        self._near: list[list[int]] | None = None
        self._current: Neighbourhood | None = None
        self._steps_here = 0
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
                self._continue_from_incumbent()
        is_over = progress >= 1.0 and not self._is_settled()
        if is_over and self.config.uses("partition") and self.recombination.finish():
            self._continue_from_incumbent()

    @property
    def _has_begun(self) -> bool:
        return bool(self.ascents) or self.chaining.seconds > 0

    def _carry_out(self, decision: Decision) -> bool:
        """Ascend from seeds or around the current routes; return False if no seconds are left for seeds."""
        if self._is_behind:
            self._continue_from_incumbent()
        self._is_behind = False
        if decision.linearisation != "seeds":
            self.improve(decision)
        elif not self.ascents or not self.incumbent.columns or self.clock.allows_seeds:
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
        seconds_of = self.clock.seconds_of | self.seconds_of
        return SearchRecord(self.ascents, self.sampling, seconds_of, self.bounding.value, self.bounding.is_infeasible)

    def take_over(self, routes: Sequence[NDArray[np.int64]]) -> None:
        """Continue from routes found elsewhere, if they are better than all before."""
        if self.incumbent.offer(self.pool.add_routes(routes)):
            self._continue_from_incumbent()

    def start_from(self, routes: Sequence[NDArray[np.int64]]) -> bool:
        """Polish routes of all customers and continue from them; return whether they then meet the fleet rule."""
        self._savings = self.pool.add_routes(routes)
        self.incumbent.offer(self._savings)
        self._continue_from_best([])
        return bool(self.incumbent.columns)

    def _continue_from_incumbent(self) -> None:
        if self._current is not None:  # else the search has no current routes yet
            self._continue_from(self.incumbent.columns)

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
        """Linearise from seeds and ascend all linearisations together; continue from their best routes."""
        states: list[AscentState] = []
        starts: list[LinearDual] = []
        labels: list[tuple[str, int]] = []
        budgets = self._affordable(decision.budgets)
        for _ in budgets:
            if states and not self.clock.allows_seeds:
                break
            index = len(self.ascents) + len(states)
            rules = self.config.seedings
            rule = decision.seeding or rules[index % len(rules)]
            n_vehicles = vehicles_to_try(self.problem, index // len(rules))
            with self.clock.preparing():
                seeds = seeding_rule(rule)(self.problem, n_vehicles, self._stream(index, 0))
                assignment = linearise(self.problem, seeds)
                warm = linear_dual(assignment, self.clock.relaxation_limit)
                dual = self._dual(assignment, index, self._stream(index, 1), multiplier_ceiling(assignment, warm))
                price = self.recombination.customer_price
                duals = None if price is None else np.maximum(price, 0.0)
                states.append(AscentState(dual, self.incumbent, self._stream(index, 2), master_duals=duals))
            starts.append(warm)
            labels.append((rule, n_vehicles))
        rngs = [self._stream(len(self.ascents) + b, 3) for b in range(len(states))]
        first_prices = [warm.multipliers for warm in starts]
        traces = self._ascend(states, budgets, rngs, first_prices, keep_selections=self.config.uses("partition"))
        for (rule, n_vehicles), warm, trace in zip(labels, starts, traces, strict=True):
            self.ascents.append(Ascent(rule, n_vehicles, warm.value, trace))
            self.history.seeds.append((rule, min(trace.route_cost)))
        self.history.restarted = False
        if self.config.uses("relinearisation") or self.config.uses("polish"):
            self._continue_from_best(traces)

    def _start_from_savings(self) -> None:
        """Offer Clarke and Wright's routes: many customers leave no time to improve those of an ascent."""
        self._savings = self.pool.add_routes([np.array(route) for route in clarke_wright(self.problem).routes])
        self.incumbent.offer(self._savings)

    def _affordable(self, budgets: Sequence[int]) -> list[int]:
        """Reduce budgets to the evaluations that are left, the last ones first."""
        if self.budget.left is None:
            return list(budgets)
        before = np.concatenate([[0], np.cumsum(budgets)])
        affordable: list[int] = np.diff(np.unique(np.minimum(before, self.budget.left))).tolist()
        return affordable

    def _stream(self, index: int, stream: int) -> np.random.Generator:
        """Return a random stream of linearisation `index`, independent of all earlier ones."""
        return np.random.default_rng([self.config.seed, index, stream])

    def _dual(
        self, assignment: AssignmentProblem, index: int, rng: np.random.Generator, ceiling: float | None = None
    ) -> AssignmentDual:
        run = f"{self.problem.name}/{self.config.seed}/{index}"
        return AssignmentDual(assignment, self.sampler, shots=self.config.shots, rng=rng, run=run, ceiling=ceiling)

    def _ascend(
        self,
        states: list[AscentState],
        budgets: Sequence[int],
        rngs: Sequence[np.random.Generator],
        first_prices: list[NDArray[np.float64]],
        *,
        keep_selections: bool,
    ) -> list[DualTrace]:
        loop = DualLoop(states, keep_selections=keep_selections, record_exact=self.config.record_exact)
        controllers = [self.make_controller() for _ in states]
        try:
            traces = ascend_all(loop, controllers, budgets[: len(states)], rngs, list(first_prices), self._after_step)
        finally:  # after Ctrl-C too
            self.budget.spent = self.incumbent.evaluations
            self.seconds_of["sampling"] += loop.sampling_seconds
            self.seconds_of["recording"] += loop.recording_seconds
            self.sampling = sum((state.dual.sampling for state in states), self.sampling)
        self._n_ascents += len(states)
        return traces

    def _after_step(self) -> bool:
        self.budget.spent = self.incumbent.evaluations
        if self.on_evaluation is not None:
            progress = SolveProgress.of(self.incumbent, self.budget, self.bounding.value)
            self.is_interrupted |= bool(self.on_evaluation(progress))
        return self.budget.seconds_left <= 0 or self._is_stopped()

    def _continue_from_best(self, traces: Sequence[DualTrace]) -> None:
        """Polish every ascent's best routes, and once those of the savings; continue from the best of all."""
        found = []
        savings, self._savings = [self._savings] if self._savings else [], ()
        for columns in chain(savings, (columns for trace in traces for columns in trace.cheapest(1))):
            neighbourhood = self._make_neighbourhood(columns, range(len(columns)))
            found.append(self._polished(neighbourhood, columns))
        allowed = [columns for columns in found if self.problem.fleet.allows(len(columns))]
        if self.budget.seconds_left <= 0:
            return
        if allowed:
            self._continue_from(min(allowed, key=self.pool.cost_of))
        elif self.incumbent.columns:
            self._continue_from(self.incumbent.columns)

    @property
    def neighbourhood(self) -> Neighbourhood:
        """The part of the current routes that the next move starts from; there must be routes."""
        if self._current is None:
            self._continue_from(self.incumbent.columns)
        assert self._current is not None
        return self._current

    @property
    def current_cost(self) -> float:
        """Length of the current routes, distance units; there must be routes."""
        return self.pool.cost_of((*self.neighbourhood.fixed_columns, *self.neighbourhood.columns))

    def draw_freed(self, decision: Decision, rng: np.random.Generator) -> list[int]:
        """Draw the customers that a `partial` decision frees, which closes no route."""
        here = self.neighbourhood
        return adjacent_strings(here.lists, here.route_of, self.nearest, decision.freed, rng)[0]

    def improve(self, decision: Decision, freed: Sequence[int] | None = None) -> Outcome:
        """Linearise around the current routes, ascend, polish, and decide whether to continue from the result.

        Parameters
        ----------
        decision
            A decision for `incumbent` or `partial`.
        freed
            Customers that `partial` frees, see `draw_freed`; drawn at random if None.

        Raises
        ------
        InputError
            If there are no routes yet that meet the fleet rule, or the customers cannot be freed.
        """
        if not self.incumbent.columns:
            raise InputError(
                f"{decision.linearisation} before there are routes that meet the fleet rule",
                source=f"schedule {type(self.schedule).__name__}",
                remedy="return seeds until history.has_routes",
            )
        before, spent = self.incumbent.cost, self.budget.spent
        neighbourhood = self._next_neighbourhood()
        around = relinearise_neighbourhood(self.problem, neighbourhood, decision, self.nearest, self._rng, freed)
        by_master = decision.prices == "master"
        dual = self._dual(around.assignment, self._n_ascents, self._rng)
        duals = around.master_duals(self.recombination.customer_price)
        state = AscentState(dual, self.incumbent, self._rng, reconstruction=around.reconstruction, master_duals=duals)
        first_prices = around.first_prices(duals if by_master else None)
        budgets = self._affordable(decision.budgets)
        [trace] = self._ascend([state], budgets, [self._rng], [first_prices], keep_selections=by_master)
        polished = [self._polished(neighbourhood, columns) for columns in trace.cheapest(_POLISHED)]
        allowed = [columns for columns in polished if self.problem.fleet.allows(len(columns))]
        progress, is_better, is_accepted = self.budget.progress, False, False
        if allowed:
            columns = min(allowed, key=self.pool.cost_of)
            cost = self.pool.cost_of(columns)
            cost_before = self.current_cost
            mean_arc = self.incumbent.cost / (self.problem.n_customers + len(columns))
            is_better = is_shorter(cost, cost_before)
            is_accepted = self._annealing.accepts(cost - cost_before, mean_arc, progress)
        if is_accepted:
            self._set_neighbourhood(neighbourhood, columns)
        is_best = self.incumbent.cost < before
        outcome = Outcome(decision, self.budget.spent - spent, is_best, is_better, is_accepted)
        self.history.outcomes.append(outcome)
        if self._annealing.update(progress):
            self._begin_cycle()
        return outcome

    def _begin_cycle(self) -> None:
        """Continue from the best routes, or every other time from new seeds."""
        self._continue_from(self.incumbent.columns)
        self.history.restarted = self._annealing.cycle % 2 == 1

    @property
    def nearest(self) -> list[list[int]]:
        """Each node's nearest customers, see `nearest_customers`."""
        if self._near is None:
            self._near = nearest_customers(self.problem.distance)
        return self._near

    def _next_neighbourhood(self) -> Neighbourhood:
        """Return the current neighbourhood, or a new one after enough steps in it."""
        here = self.neighbourhood
        self._steps_here += 1
        if not here.is_whole and self._steps_here > _STEPS_PER_NEIGHBOURHOOD:
            self._continue_from((*here.fixed_columns, *here.columns))
        return self.neighbourhood

    def _continue_from(self, columns: Sequence[int]) -> None:
        routes = [self.pool.routes[column] for column in columns]
        current, limit = self._current, 1.3 * self.local_size
        if current is not None and current.is_whole and len(current.customers) <= limit:
            current.set_routes(columns, routes)
            return
        chosen = neighbouring_routes([route.tolist() for route in routes], self.nearest, self.local_size, self._rng)
        self._current = self._make_neighbourhood(columns, chosen)
        self._steps_here = 0

    def _make_neighbourhood(self, columns: Sequence[int], chosen: Sequence[int]) -> Neighbourhood:
        others = [column for k, column in enumerate(columns) if k not in set(chosen)]
        inside = [columns[k] for k in chosen]
        return Neighbourhood(
            self.problem,
            inside,
            [self.pool.routes[column] for column in inside],
            others,
            seed=int(self._rng.integers(2**31)),
            weight=1.0 if self._current is None else self._current.weight,
        )

    def _set_neighbourhood(self, neighbourhood: Neighbourhood, columns: Sequence[int]) -> None:
        inside = columns[len(neighbourhood.fixed_columns) :]
        neighbourhood.set_routes(inside, [self.pool.routes[column] for column in inside])

    def _polished(self, neighbourhood: Neighbourhood, columns: Sequence[int]) -> tuple[int, ...]:
        """Return the columns after polishing; unchanged if polishing is off, out of time, or ends overloaded."""
        n_customers = len(neighbourhood.customers)
        if not self.config.uses("polish") or self._is_stopped() or not self.clock.allows_polish(n_customers):
            return tuple(columns)
        inside = [self.pool.routes[column] for column in columns[len(neighbourhood.fixed_columns) :]]
        with self.clock.polishing(n_customers):
            routes = neighbourhood.polish(inside)
        if routes is None:
            return tuple(columns)
        routes = split_to(self.problem, routes, self.problem.fleet.fewest - len(neighbourhood.fixed_columns))
        polished = (*neighbourhood.fixed_columns, *self.pool.add_routes(routes))
        self.incumbent.offer(polished)
        return polished
