"""Moves around the current routes of a search: linearise, ascend, polish, accept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.recovery.polish import split_to
from lagrl.recovery.pool import is_shorter
from lagrl.search.acceptance import Annealing
from lagrl.search.current_routes import CurrentRoutes
from lagrl.search.relinearise import relinearise_neighbourhood
from lagrl.search.schedule import Outcome
from lagrl.search.string_removal import adjacent_strings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np

    from lagrl.search.ascending import Ascending
    from lagrl.search.neighbourhood import Neighbourhood
    from lagrl.search.recombine import Recombination
    from lagrl.search.schedule import Decision, History

_POLISHED = 2  # candidates of an ascent


class Moving:
    """Improves the current routes by moves, each with one ascent, accepted by simulated annealing.

    Parameters
    ----------
    ascending
        Ascents, within the budget; the best routes and their pool are its incumbent.
    recombination
        Has the master's prices.
    history
        Keeps the outcomes of the moves.
    is_stopped
        Whether to leave out local search, as the search is over.
    local_size
        Customers of a neighbourhood, in which a large instance is improved.
    rng
        Randomness of moves, neighbourhoods and acceptance.

    Attributes
    ----------
    current
        The current routes.
    """

    def __init__(
        self,
        ascending: Ascending,
        recombination: Recombination,
        history: History,
        is_stopped: Callable[[], bool],
        local_size: int,
        rng: np.random.Generator,
    ) -> None:
        self.problem = ascending.problem
        self.ascending = ascending
        self.recombination = recombination
        self.history = history
        self.incumbent = ascending.incumbent
        self.pool = ascending.incumbent.pool
        self.budget = ascending.budget
        self.current = CurrentRoutes(self.incumbent, local_size, rng)
        self._is_stopped = is_stopped
        self._rng = rng
        self._annealing = Annealing(self.problem.n_customers, rng)

    def continue_from_incumbent(self) -> None:
        """Continue from the best routes; before there are current routes nothing has to change."""
        if self.current.columns:
            self.current.continue_from(self.incumbent.columns)

    def continue_from_best(self, candidates: Iterable[Sequence[int]]) -> None:
        """Polish several lists of columns and continue from the cheapest one that meets the fleet rule."""
        polished = [self._polished(self.current.part_of(each, range(len(each))), each) for each in candidates]
        if self.budget.seconds_left <= 0:
            return
        best = self._cheapest(polished) or self.incumbent.columns
        if best:
            self.current.continue_from(best)

    def draw_freed(self, decision: Decision, rng: np.random.Generator) -> list[int]:
        """Draw the customers that a `partial` decision frees, which closes no route."""
        here = self.current.neighbourhood
        return adjacent_strings(here.lists, here.route_of, self.current.nearest, decision.freed, rng)[0]

    def improve(self, decision: Decision, freed: Sequence[int] | None = None) -> Outcome:
        """Linearise around the current routes, ascend, polish, and decide whether to continue from the result.

        There must be routes that meet the fleet rule.

        Parameters
        ----------
        decision
            A decision for `incumbent` or `partial`.
        freed
            Customers that `partial` frees, see `draw_freed`; drawn at random if None.

        Raises
        ------
        InputError
            If the customers cannot be freed.
        """
        before, spent = self.incumbent.cost, self.budget.spent
        here, price = self.current.next_neighbourhood(), self.recombination.customer_price
        around = relinearise_neighbourhood(self.problem, here, decision, self.current.nearest, self._rng, freed)
        trace = self.ascending.around(around, decision, price, self._rng)
        columns = self._cheapest([self._polished(here, each) for each in trace.cheapest(_POLISHED)])
        progress, is_better, is_accepted = self.budget.progress, False, False
        if columns is not None:
            cost, cost_before = self.pool.cost_of(columns), self.current.cost
            mean_arc = self.incumbent.cost / (self.problem.n_customers + len(columns))
            is_better = is_shorter(cost, cost_before)
            is_accepted = self._annealing.accepts(cost - cost_before, mean_arc, progress)
        if is_accepted and columns is not None:
            self.current.set_part(here, columns)
        is_best = self.incumbent.cost < before
        outcome = Outcome(decision, self.budget.spent - spent, is_best, is_better, is_accepted)
        self.history.outcomes.append(outcome)
        if self._annealing.update(progress):
            self._begin_cycle()
        return outcome

    def _begin_cycle(self) -> None:
        """Continue from the best routes, or every other time from new seeds."""
        self.current.continue_from(self.incumbent.columns)
        self.history.restarted = self._annealing.cycle % 2 == 1

    def _cheapest(self, candidates: Sequence[Sequence[int]]) -> Sequence[int] | None:
        """Return the cheapest columns that meet the fleet rule, or None."""
        allowed = [columns for columns in candidates if self.problem.fleet.allows(len(columns))]
        return min(allowed, key=self.pool.cost_of, default=None)

    def _polished(self, part: Neighbourhood, columns: Sequence[int]) -> tuple[int, ...]:
        """Return the columns after polishing; unchanged if polishing is off, out of time, or ends overloaded."""
        n_customers, clock = len(part.customers), self.ascending.clock
        if not self.ascending.config.uses("polish") or self._is_stopped() or not clock.allows_polish(n_customers):
            return tuple(columns)
        inside = [self.pool.routes[column] for column in columns[len(part.fixed_columns) :]]
        with clock.polishing(n_customers):
            routes = part.polish(inside)
        if routes is None:
            return tuple(columns)
        routes = split_to(self.problem, routes, self.problem.fleet.fewest - len(part.fixed_columns))
        polished = (*part.fixed_columns, *self.pool.add_routes(routes))
        self.incumbent.offer(polished)
        return polished
