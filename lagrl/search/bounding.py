"""The lower bound of a search: the route bound, raised within a share of the clock."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from lagrl.compilation import BOUND_ROOMS, is_ready

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.bounds.bound import RouteBound
    from lagrl.problems.cvrp import CVRP
    from lagrl.search.budget import Budget

_SHARE = 0.08  # of the seconds
_SLICE = 0.02  # of the seconds: the longest slice
_FIRST = 0.1  # seconds of the first slice, if that is less; each later slice doubles the total
_MOST_CUSTOMERS = 2000  # largest instance of the route bound
_BUILD = 3e-7  # seconds per pair of customers, before the first slice
_LOAD = 0.5  # seconds to load its kernels, if a process in the background compiled them
_EQUAL = 1e-9  # relative difference of equal costs


class Bounding:
    """A lower bound on the instance that is raised in slices of the search's seconds, once its kernels are compiled.

    Attributes
    ----------
    seconds
        Wall-clock seconds so far.
    """

    def __init__(self, problem: CVRP, budget: Budget) -> None:
        self.problem = problem
        self.budget = budget
        self.seconds = 0.0
        self._bound: RouteBound | None = None
        self._taken = 0
        self._latest = _BUILD * problem.n_customers**2  # seconds of the last slice, which may exceed its limit
        if not all(map(is_ready, BOUND_ROOMS)):
            self._latest += _LOAD

    @property
    def value(self) -> float:
        """The bound, distance units, rounded up where all distances are whole; 0 before the first slice."""
        return 0.0 if self._bound is None else self._bound.rounded

    @property
    def is_due(self) -> bool:
        """Whether a share of the clock is free for it; never without a clock, which alone limits the work."""
        seconds = self.budget.seconds
        if seconds is None or self.budget.seconds_left <= 0 or self.problem.n_customers > _MOST_CUSTOMERS:
            return False
        if self._bound is not None and self._bound.is_finished:
            return False
        if self._bound is None and not all(map(is_ready, BOUND_ROOMS)):
            return False
        expected = max(self._slice(seconds), self._latest)
        return self.seconds + expected < _SHARE * self.budget.elapsed and self.budget.allows(expected)

    def proves(self, cost: float) -> bool:
        """Return whether no solution costs less than `cost` (by one where distances are whole), or none is feasible."""
        return self.is_infeasible or is_proven_best(cost, self.value)

    @property
    def is_infeasible(self) -> bool:
        """Whether no routes meet the fleet rule."""
        return self._bound is not None and self._bound.is_infeasible

    def advance(self, cost: float) -> list[NDArray[np.int64]]:
        """Raise the bound for a slice of time, at most to `cost`; return the new elementary routes."""
        from lagrl.bounds.bound import RouteBound

        assert self.budget.seconds is not None
        started = time.perf_counter()
        if self._bound is None:
            self._bound = RouteBound(self.problem)
        self._bound.upper = cost
        self._bound.improve(min(self._slice(self.budget.seconds), max(self.budget.seconds_left, 0.0)))
        routes = self._bound.routes()
        new = [np.array(route, np.int64) for route in routes[self._taken :]]
        self._taken = len(routes)
        self._latest = time.perf_counter() - started
        self.seconds += self._latest
        return new

    def _slice(self, seconds: float) -> float:
        """Return the seconds of the next slice; the first ones are short, as easy instances are solved early."""
        return min(max(_FIRST, self.seconds), _SLICE * seconds)


def is_proven_best(cost: float, lower_bound: float) -> bool:
    """Return whether a lower bound proves that no solution costs less; never for an infinite cost."""
    return math.isfinite(cost) and lower_bound >= cost * (1.0 - _EQUAL)
