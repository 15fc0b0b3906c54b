"""The best routes of an instance found so far."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from lagrl.recovery.pool import is_shorter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.solution import Solution
    from lagrl.recovery.pool import RoutePool


class Incumbent:
    """The best routes of one instance so far, shared by all ascents on it.

    Attributes
    ----------
    pool
        Every route toured.
    columns
        The best solution's columns in the pool; empty before there is one.
    cost
        Its length, distance units; infinite before there is one.
    history
        (evaluations, seconds, cost) at each improvement.
    evaluations
        Evaluations spent on the instance.
    """

    def __init__(self, pool: RoutePool) -> None:
        self.pool = pool
        self.columns: tuple[int, ...] = ()
        self.cost = np.inf
        self.history: list[tuple[int, float, float]] = []
        self.evaluations = 0
        self._started = time.perf_counter()
        self._routes: tuple[NDArray[np.int64], ...] = ()
        self._routes_of: tuple[int, ...] = self.columns  # whose routes these are: made again only after an improvement

    @property
    def routes(self) -> tuple[NDArray[np.int64], ...]:
        """The best routes, customers 1 … n in visiting order; empty before there are any."""
        if self._routes_of is not self.columns:
            self._routes = tuple(self.pool.routes[column] for column in self.columns)
            self._routes_of = self.columns
        return self._routes

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the search for this instance started."""
        return time.perf_counter() - self._started

    def offer(self, columns: Sequence[int]) -> bool:
        """Keep columns that serve all customers, if they meet the fleet rule and cost less; return whether they did."""
        cost = self.pool.cost_of(columns)
        if not is_shorter(cost, self.cost) or not self.pool.problem.fleet.allows(len(columns)):
            return False
        chosen = tuple(columns)
        self.history.append((self.evaluations, self.seconds, cost))  # first: Ctrl-C leaves no routes without history
        self.columns, self.cost = chosen, cost
        return True

    def solution(self) -> Solution | None:
        """Return the best solution, or None before there is one."""
        return self.pool.solution(self.columns) if self.columns else None
