"""Rounded capacity cuts: routes enter or leave a set of customers twice for every vehicle that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.cut_kernels import grow_sets, improve_set
from lagrl.problems.fleet import minimum_vehicles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP

_LEAST_VIOLATION = 0.02
_MOST_CUTS = 30
_VARIANTS = ((0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (0.0, 0.3), (0.5, 0.5))  # of growing: pull, noise


class CutSeparator:
    """Finds violated capacity cuts x(δ(S)) ≥ 2·r(S), r(S) vehicles being the least that can carry S.

    r is the bin-packing bound of `minimum_vehicles`, at least ⌈d(S)/Q⌉; both hold under every fleet rule. Sets are
    grown greedily from every customer and improved by moves and swaps (as Augerat et al. 1998 do).

    Parameters
    ----------
    problem
        The instance.
    """

    def __init__(self, problem: CVRP) -> None:
        self.problem = problem
        self._known: set[bytes] = set()

    def __call__(self, edge: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return violated sets [c, n] (0 or 1), none of them a second time, and their least crossings [c].

        Parameters
        ----------
        edge
            [n + 1, n + 1] symmetric edge weights, the depot last.
        """
        demand, capacity = self.problem.demand, self.problem.capacity
        n = len(demand)
        member = np.zeros((n, n), dtype=np.uint8)
        grown = np.zeros(n)
        sets: dict[bytes, tuple[float, NDArray[np.int64], int]] = {}
        for pull, noise in _VARIANTS:
            grow_sets(edge, demand, capacity, np.full(n, pull), np.full(n, noise), member, grown)
            for row in np.unique(member[grown > -0.5], axis=0):
                chosen = row.copy()
                improve_set(edge, demand, capacity, 50, chosen)
                self._consider(chosen, edge, sets)
        return self._selected(sets)

    def _consider(self, chosen, edge, sets):
        key = chosen.tobytes()
        if key in sets or key in self._known:
            return
        inside = np.flatnonzero(chosen)
        outside = np.append(np.flatnonzero(chosen == 0), len(chosen))
        crossings = 2 * minimum_vehicles(self.problem.demand[inside], self.problem.capacity)
        violation = crossings - float(edge[np.ix_(inside, outside)].sum())
        if violation > _LEAST_VIOLATION:
            sets[key] = (violation, chosen.astype(np.int64), crossings)

    def _selected(self, sets):
        best = sorted(sets.items(), key=lambda item: -item[1][0])[:_MOST_CUTS]
        self._known.update(key for key, _ in best)
        n = self.problem.n_customers
        member = np.array([cut for _, (_, cut, _) in best], dtype=np.int64).reshape(-1, n)
        return member, np.array([crossings for _, (_, _, crossings) in best], dtype=np.int64)
