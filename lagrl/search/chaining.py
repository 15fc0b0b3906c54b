"""The compiled chain of moves in a search: its share of the clock, its temperatures, and its routes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lagrl.compilation import is_ready
from lagrl.recovery.pool import lengths, within_capacity

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from lagrl.recovery.incumbent import Incumbent
    from lagrl.search.budget import Budget
    from lagrl.search.move_chain import MoveChain
    from lagrl.search.shared_chain import Part

_SHARE = 0.8  # of the seconds that the bound and set partitioning leave
_SLICE = 0.01  # of the seconds: a call of the kernel
_SHORTEST, _LONGEST = 0.002, 0.05  # seconds of a call
_FEWEST, _MOST = 100, 20_000  # moves of a call
_HOTTEST, _COLDEST = 1.0, 0.01  # mean arcs: temperature at the start and at the end of a cycle
_MOVES_PER_CUSTOMER = 2000  # of a full cycle; a longer search has several
_FIRST_ESTIMATE = 20  # calls before the number of cycles is estimated
_WORTH = 1.01  # of the best cost: routes that cost less together join the pool
_IS_SOFT = True  # whether loads may exceed the capacity on the way, in every other cycle
_LOAD = 0.5  # seconds to load the kernels, if a process in the background compiled them


class Cooling:
    """The temperature of a chain over the progress of a search, in mean arcs: it falls geometrically, in cycles.

    Parameters
    ----------
    n_customers
        Customers of the instance; a cycle has a number of moves for each.
    first_estimate
        Updates before the number of cycles is estimated.

    Attributes
    ----------
    cycle
        Number of cycles before the current one.
    """

    def __init__(self, n_customers: int, first_estimate: int = _FIRST_ESTIMATE) -> None:
        self.n_customers = n_customers
        self.first_estimate = first_estimate
        self.cycle = 0
        self._first = self._begin = 0.0  # progress at the start of the first and of the current cycle
        self._end = 1.0
        self._n_updates = 0

    def start(self, progress: float) -> None:
        """Start the first cycle."""
        self._first = self._begin = progress

    def update(self, progress: float, moves: int) -> bool:
        """Plan the cycles once their number can be estimated; return whether a new one starts.

        `moves`: so far. Call it before moves are made.
        """
        self._n_updates += 1
        is_new_cycle = self._end <= progress < 1.0
        if is_new_cycle:
            self.cycle += 1
            self._plan(progress, progress, moves)
        elif self._n_updates == self.first_estimate + 1:
            self._plan(self._first, progress, moves)
        return is_new_cycle

    def temperature(self, progress: float) -> float:
        """Return the temperature, mean arcs."""
        passed = min((progress - self._begin) / max(self._end - self._begin, 1e-9), 1.0)
        return _HOTTEST * math.pow(_COLDEST / _HOTTEST, passed)

    def _plan(self, begin: float, progress: float, moves: int) -> None:
        """Set the end of the cycle that began at this share of the budget, by the moves that the rest of it allows."""
        left = moves * (1.0 - begin) / max(progress - self._first, 1e-9)
        n_cycles = max(1, round(left / (_MOVES_PER_CUSTOMER * self.n_customers)))
        self._begin, self._end = begin, begin + (1.0 - begin) / n_cycles
        if n_cycles == 1:
            self._end = 1.0


class Chaining:
    """A chain of moves that anneals over the seconds of a search, once its kernels are compiled.

    It starts from the best routes, and again with each cycle of the temperature and each time that others have found
    better ones. The temperature falls geometrically with the clock, and a long clock has several cycles. Routes join
    the pool, for set partitioning, while they are nearly as good as the best. A worker's chain changes its part of the
    routes only, see `share`.

    Attributes
    ----------
    seconds
        Wall-clock seconds so far.
    moves
        Moves so far.
    """

    def __init__(self, incumbent: Incumbent, budget: Budget, seed: Sequence[int]) -> None:
        self.incumbent = incumbent
        self.budget = budget
        self.seconds = 0.0
        self.moves = 0
        self._seed = seed
        self._loading = 0.0 if is_ready("search") else _LOAD
        self._chain: MoveChain | None = None
        self._known = math.inf  # cost of the best routes after the last call
        self._cooling = Cooling(incumbent.pool.problem.n_customers)
        self._part: Part | None = None
        self._fixed: Sequence[int] = ()  # columns of the routes that others change
        self._is_whole = True  # whether those are all of them: routes that exceed the capacity have no column
        self._cost_elsewhere = 0.0  # of the routes that others change
        self._n_moves = _FEWEST  # of the next call

    def is_due(self, expected: float = 0.0, elsewhere: float = 0.0) -> bool:
        """Return whether it comes before other work of about `expected` seconds, which has the rest of the clock.

        Never without a clock, and before there are routes. `elsewhere`: seconds so far that neither of them has had.
        """
        if self.budget.seconds is None or not self.incumbent.columns or not is_ready("search"):
            return False
        if not self.budget.allows(0.0 if self._chain else self._loading):
            return False
        shared = self.budget.elapsed - elsewhere
        return shared - self.seconds + expected > (1.0 - _SHARE) * shared

    def advance(self) -> bool:
        """Make moves for a slice of time; return whether they improved the best routes of all."""
        assert self.budget.seconds is not None
        started, pool = self.budget.elapsed, self.incumbent.pool
        chain = self._continued()
        chain.run(self.temperature, self._n_moves)
        self.moves += self._n_moves
        current, best = chain.cost[:2] + self._cost_elsewhere
        is_better = self._is_whole and best < self.incumbent.cost
        is_better = is_better and self.incumbent.offer((*self._fixed, *pool.add_routes(chain.best_routes())))
        if current < _WORTH * self.incumbent.cost:
            pool.add_routes(within_capacity(pool.problem, chain.routes()))
        self._known = self.incumbent.cost
        seconds = self.budget.elapsed - started
        self.seconds += seconds
        wanted = min(max(_SLICE * self.budget.seconds, _SHORTEST), _LONGEST)
        factor = min(max(wanted / max(seconds, 1e-9), 0.5), 2.0)
        self._n_moves = int(min(max(factor * self._n_moves, _FEWEST), _MOST))
        return is_better

    def share(self, part: Part) -> None:
        """Continue with a part of the routes of a chain that several workers share; with all if that has none."""
        self._cooling = part.cooling
        self._part = part if part.own else None
        pool, others = self.incumbent.pool, part.others if part.own else []
        fixed = within_capacity(pool.problem, others)
        self._fixed, self._is_whole = pool.add_routes(fixed), len(fixed) == len(others)
        self._cost_elsewhere = float(lengths(pool.problem, others).sum()) if others else 0.0
        self._known = math.inf
        if self._chain is not None and part.own:
            self._chain.is_soft = self._is_soft
            self._chain.continue_from(part.own, len(part.others), part.n_parts)

    def shared(self) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
        """Return the current and the best routes, of its part if it has one; none before its first move.

        Loads of the current ones may exceed the capacity; there are no best ones if those of the part always did.
        """
        if self._chain is None:
            return [], []
        return self._chain.routes(), self._chain.best_routes()

    @property
    def temperature(self) -> float:
        """Temperature now, distance units."""
        mean_arc = self.incumbent.cost / (self.incumbent.pool.problem.n_customers + len(self.incumbent.columns))
        return mean_arc * self._cooling.temperature(self.budget.progress)

    @property
    def _is_soft(self) -> bool:
        return _IS_SOFT and self._cooling.cycle % 2 == 0

    def _continued(self) -> MoveChain:
        """Return the chain, from the best routes where others have improved them or a cycle starts."""
        if self._part is not None:
            if self._chain is None:
                self._chain = self._made(self._part.own)
                self._chain.continue_from(self._part.own, len(self._part.others), self._part.n_parts)
            return self._chain
        is_new_cycle = self._cooling.update(self.budget.progress, self.moves)
        if self._chain is not None and self.incumbent.cost >= self._known and not is_new_cycle:
            return self._chain
        routes = [self.incumbent.pool.routes[column] for column in self.incumbent.columns]
        if self._chain is None:
            self._cooling.start(self.budget.progress)
            self._chain = self._made(routes)
        else:
            self._chain.is_soft = self._is_soft
            self._chain.continue_from(routes)
        return self._chain

    def _made(self, routes: Sequence[NDArray[np.int64]]) -> MoveChain:
        from lagrl.search.move_chain import MoveChain

        return MoveChain(self.incumbent.pool.problem, routes, self._seed, is_soft=self._is_soft)
