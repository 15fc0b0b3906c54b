"""Rounded capacity cuts: routes cross the border of a set of customers twice for every vehicle that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.capacity_cut_kernels import grow_sets, improve_set
from lagrl.problems.fleet import minimum_vehicles

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP

_LEAST_VIOLATION = 0.02
_MOST_CUTS = 30  # per round
_MOST_WORK = 3e7  # inner steps of one growth from all seeds
_STEPS = 50  # moves of an improvement
_VARIANTS = ((0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (0.0, 0.3), (0.5, 0.5))  # (pull, noise) of the growth


class CutSeparator:
    """Finds violated capacity cuts x(δ(S)) ≥ 2·r(S), where S needs at least r(S) vehicles.

    r is the bin-packing bound of `minimum_vehicles`, at least ⌈d(S)/Q⌉; the cuts hold under every fleet rule. Sets are
    grown greedily from customers and improved by moves and swaps (after Augerat et al. 1998).
    """

    def __init__(self, problem: CVRP) -> None:
        self.problem = problem
        self._known: set[bytes] = set()
        self._next_seed = 0

    def separate(self, edge: NDArray[np.float64]) -> Generator[None, None, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Return violated sets [c, n] (0 or 1), each only once, and their least crossings [c].

        `edge` [n + 1, n + 1] are symmetric edge weights, the depot last. Yields between pieces of work. On large
        instances each call grows from other customers.
        """
        demand, capacity = self.problem.demand, self.problem.capacity
        seeds = self._seeds()
        member = np.zeros((len(seeds), len(demand)), dtype=np.uint8)
        grown = np.zeros(len(seeds))
        found: dict[bytes, tuple[float, int]] = {}
        for pull, noise in _VARIANTS:
            grow_sets(edge, demand, capacity, seeds, pull, noise, member, grown)
            yield
            for candidate in np.unique(member[grown > -0.5], axis=0):
                violation = improve_set(edge, demand, capacity, _STEPS, candidate)
                self._note(candidate, violation, found)
                yield
        best = sorted(found.items(), key=lambda item: -item[1][0])[:_MOST_CUTS]
        self._known.update(key for key, _ in best)
        sets = np.frombuffer(b"".join(key for key, _ in best), dtype=np.uint8).reshape(-1, len(demand))
        return sets.astype(np.int64), np.array([crossings for _, (_, crossings) in best], dtype=np.int64)

    def _seeds(self) -> NDArray[np.int64]:
        n = self.problem.n_customers
        count = min(n, max(1, int(_MOST_WORK / n**2)))
        seeds = (self._next_seed + np.arange(count)) % n
        self._next_seed = (self._next_seed + count) % n
        return seeds

    def _note(self, candidate: NDArray[np.uint8], violation: float, found: dict[bytes, tuple[float, int]]) -> None:
        key = candidate.tobytes()
        if key in found or key in self._known:
            return
        demand = self.problem.demand[candidate.view(bool)]
        by_load = -(-int(demand.sum()) // self.problem.capacity)
        routes = minimum_vehicles(demand, self.problem.capacity)
        violation += 2.0 * (routes - by_load)
        if violation > _LEAST_VIOLATION:
            found[key] = violation, 2 * routes
