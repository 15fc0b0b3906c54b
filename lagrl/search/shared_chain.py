"""One chain of moves that several processes carry out, each on a part of the routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.recovery.pool import is_shorter, within_capacity
from lagrl.search.chaining import Cooling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.recovery.incumbent import Incumbent


@dataclass(frozen=True)
class Part:
    """A worker's part of the chain's current routes.

    Attributes
    ----------
    own, others
        Routes that the worker changes, and those that it does not; it has none where there are more workers than
        routes. Their loads may exceed the capacity.
    n_parts
        Number of parts.
    cooling
        The temperature over the progress.
    """

    own: list[NDArray[np.int64]]
    others: list[NDArray[np.int64]]
    n_parts: int
    cooling: Cooling


class SharedChain:
    """Splits the current routes of a chain among workers, and joins what they return.

    Moves change neighbouring routes only. Processes that own different routes thus make moves of one chain at the same
    time, and each split is along another line. The temperature follows the moves of all.

    Parameters
    ----------
    incumbent
        The best routes of all workers.
    n_parts
        Number of workers.
    seed
        Seed of the splits.
    """

    def __init__(self, incumbent: Incumbent, n_parts: int, seed: Sequence[int]) -> None:
        self.incumbent = incumbent
        self.n_parts = n_parts
        self.cooling = Cooling(incumbent.pool.problem.n_customers, first_estimate=1)
        self._rng = np.random.default_rng(seed)
        self._parts: list[list[NDArray[np.int64]]] = []
        self._current: list[NDArray[np.int64]] = []
        self._known = np.inf  # cost of the best routes at the last split
        self._is_behind = False  # whether others have found better routes since

    def join(self, found: Sequence[tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]]) -> None:
        """Join each worker's current routes and its best ones, of its part or, before there are parts, of all.

        The workers' best routes of all customers must have been offered to the incumbent before. Loads of the current
        ones may exceed the capacity.
        """
        pool = self.incumbent.pool
        if not self._parts:
            self._current = next((current for current, _ in found if current), [])
            return
        current = [(part and own) or part for (own, _), part in zip(found, self._parts, strict=True)]
        best = [(part and own) or part for (_, own), part in zip(found, self._parts, strict=True)]
        self._current = [route for part in current for route in part]
        joined = [route for part in best for route in part]
        known = self._known
        if len(within_capacity(pool.problem, joined)) == len(joined):
            columns = pool.add_routes(joined)
            self.incumbent.offer(columns)
            known = min(known, pool.cost_of(columns))
        self._is_behind = is_shorter(self.incumbent.cost, known)

    def split(self, progress: float, moves: int) -> list[Part]:
        """Return the workers' parts for the time up to the next exchange; none before there are routes.

        `moves`: of all workers so far.
        """
        if not self.incumbent.columns:
            return []
        is_new_cycle = self.cooling.update(progress, moves)
        if not self._current or is_new_cycle or self._is_behind:
            self._current = [self.incumbent.pool.routes[column] for column in self.incumbent.columns]
        self._known = self.incumbent.cost
        self._parts = split_routes(self.incumbent.pool.problem, self._current, self.n_parts, self._rng)
        parts = []
        for w, own in enumerate(self._parts):
            others = [route for v, part in enumerate(self._parts) if v != w for route in part]
            parts.append(Part(own, others, self.n_parts, self.cooling))
        return parts


def split_routes(
    problem: CVRP, routes: Sequence[NDArray[np.int64]], n_parts: int, rng: np.random.Generator
) -> list[list[NDArray[np.int64]]]:
    """Split routes into parts of about equally many customers, along lines between two random customers.

    Routes are ordered by how much nearer their customers are to one than to the other.
    """
    a, b = rng.choice(problem.n_customers, 2, replace=problem.n_customers < 2) + 1
    nearer = problem.distance[a] / 2.0 - problem.distance[b] / 2.0  # halves: large distances do not overflow
    order = np.argsort([nearer[route].mean() for route in routes], kind="stable")
    size = np.array([len(routes[k]) for k in order])
    middle = np.cumsum(size) - size / 2.0
    part_of = np.minimum(middle * n_parts // size.sum(), n_parts - 1)
    return [[routes[k] for k, part in zip(order, part_of, strict=True) if part == w] for w in range(n_parts)]
