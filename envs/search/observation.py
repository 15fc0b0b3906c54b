"""Observations of the search: numbers without unit or size per customer, of the current routes and of earlier moves.

Lengths are in units of m, the mean arc of the start routes, or of ℓ, the customers' mean distance from the depot.
Values without an upper limit are compressed by f(x) = sign(x)·log(1 + |x|), as in `envs.observation_v2`; none reaches
±20 unless x is above 10⁸.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

from envs.observation import HORIZON, N_NEIGHBOURS, nearest_neighbours
from lagrl.relaxation.relinearise import relinearise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.search.search import Search

FEATURES: tuple[str, ...] = (
    "removal_gain",  # f(what removing the customer saves/m)
    "detour",  # the same as a share of its two arcs
    "relocation",  # f((cheapest insertion into another route − removal gain)/m); 0 with one route
    "regret",  # f((second − first of its cheapest insertions into all routes, its own included)/m); 0 with one route
    "room_elsewhere",  # (free capacity of that other route − d)/Q; 0 with one route
    "route_slack",  # free capacity of its route/Q
    "demand",  # d/Q
    "depot_distance",  # f(c(0, i)/ℓ)
    "nearest",  # f(distance to the nearest customer/m)
    "longest_arc",  # f(longer one of its two arcs/m)
    "route_length",  # f(length of its route/mean length)
    "route_customers",  # f(customers of its route/mean number)
    "neighbours_elsewhere",  # share of its nearest customers that are on other routes
    "neighbour_slack",  # mean free capacity of its nearest customers' routes/Q
    "since_change",  # log(1 + moves since its route changed) / log(1 + HORIZON)
    "freed_recently",  # sum over the moves that freed it of 0.9^(moves since)
    "tries",  # log(1 + moves that freed it since its route changed) / log(1 + HORIZON)
    "budget_left",  # log(1 + moves left) / log(1 + HORIZON)
    "stalled",  # log(1 + moves since the best routes changed) / log(1 + HORIZON)
    "above_best",  # f((cost of the current routes − best)/m)
    "tightness",  # Σd/(KQ) of the K current routes
    "customers_per_route",  # f(n/K)
    "scale_ratio",  # f(ℓ/m)
)
"""Names of the features, in the order of the columns."""

LIMIT = 20.0
"""No feature is outside ±LIMIT."""

_RECENT = 0.9
_FULL = math.log1p(HORIZON)


class SearchObserver:
    """Computes the observations of one search; call `observe` at the start and after every move.

    Parameters
    ----------
    problem
        The instance.
    budget
        Moves of the episode.
    mean_arc
        m, distance units.

    Attributes
    ----------
    neighbours
        [n, 5] int16, see `nearest_neighbours`.
    """

    def __init__(self, problem: CVRP, budget: int, mean_arc: float) -> None:
        self.problem = problem
        self.budget = budget
        self.neighbours = nearest_neighbours(problem)
        self._scale = mean_arc
        n = problem.n_customers
        from_depot = problem.distance[0, 1:]
        length = float(from_depot.mean()) or 1.0
        self._depot_distance = from_depot / length
        self._scale_ratio = length / mean_arc
        self._nearest = problem.distance[np.arange(1, n + 1), self.neighbours[:, 0] + 1] / mean_arc
        self._demand = problem.demand / problem.capacity
        self._column = np.full(n, -1)
        self._age, self._tries, self._recent = np.zeros(n), np.zeros(n), np.zeros(n)
        self._best_cost = np.inf
        self._stalled = -1
        self._moves = -1

    def observe(self, search: Search, freed: Sequence[int] = ()) -> NDArray[np.float32]:
        """Return the features [n, F] of the current routes, after a move that freed some customers 1 … n."""
        self._note(search, np.array(freed, np.int64) - 1)
        here = search.current.neighbourhood
        n, scale, capacity = self.problem.n_customers, self._scale, float(self.problem.capacity)
        route = np.empty(n, np.int64)
        before, behind = np.zeros(n, np.int64), np.zeros(n, np.int64)
        for k, nodes in enumerate(here.routes):
            route[nodes - 1] = k
            before[nodes[1:] - 1] = nodes[:-1]
            behind[nodes[:-1] - 1] = nodes[1:]
        distance, everybody = self.problem.distance, np.arange(1, n + 1)
        arcs = np.stack([distance[before, everybody], distance[everybody, behind]])
        both = arcs.sum(axis=0)
        insertion = relinearise(self.problem, here.routes).cost
        gain = insertion[route, np.arange(n)]
        slack = 1.0 - np.bincount(route, self._demand, len(here.routes)).astype(np.float64)
        count = np.bincount(route, minlength=len(here.routes))
        length = search.pool.cost[list(here.columns)]
        near = self.neighbours.astype(np.int64)
        relocation, regret, room = self._elsewhere(insertion, route, slack)
        rows = np.empty((len(FEATURES), n))
        rows[0] = gain / scale
        rows[1] = np.divide(gain, both, out=np.zeros(n), where=both > 0)
        rows[2], rows[3], rows[4] = relocation / scale, regret / scale, room
        rows[5], rows[6] = slack[route], self._demand
        rows[7], rows[8] = self._depot_distance, self._nearest
        rows[9] = arcs.max(axis=0) / scale
        rows[10] = (length / (length.mean() or 1.0))[route]
        rows[11] = (count / count.mean())[route]
        rows[12] = (route[near] != route[:, None]).mean(axis=1)
        rows[13] = slack[route][near].mean(axis=1)
        rows[14] = np.log1p(self._age) / _FULL
        rows[15] = self._recent
        rows[16] = np.log1p(self._tries) / _FULL
        rows[17] = math.log1p(max(0, self.budget - self._moves)) / _FULL
        rows[18] = math.log1p(self._stalled) / _FULL
        rows[19] = (search.current.cost - self._best_cost) / scale
        rows[20] = self.problem.demand.sum() / (len(here.routes) * capacity)
        rows[21] = n / len(here.routes)
        rows[22] = self._scale_ratio
        for open_ended in (0, 2, 3, 7, 8, 9, 10, 11, 19, 21, 22):
            rows[open_ended] = np.copysign(np.log1p(np.abs(rows[open_ended])), rows[open_ended])
        return np.clip(rows.T, -LIMIT, LIMIT).astype(np.float32)

    def _note(self, search: Search, freed: NDArray[np.int64]) -> None:
        """Update what depends on earlier moves."""
        here = search.current.neighbourhood
        column = np.empty(self.problem.n_customers, np.int64)
        for own, nodes in zip(here.columns, here.routes, strict=True):
            column[nodes - 1] = own
        self._age += 1.0
        self._recent *= _RECENT
        self._recent[freed] += 1.0
        self._tries[freed] += 1.0
        is_changed = column != self._column
        self._age[is_changed], self._tries[is_changed] = 0.0, 0.0
        self._column = column
        self._moves += 1
        self._stalled = 0 if search.incumbent.cost < self._best_cost else self._stalled + 1
        self._best_cost = search.incumbent.cost

    def _elsewhere(
        self, insertion: NDArray[np.float64], route: NDArray[np.int64], slack: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return relocation and regret, distance units, and room_elsewhere, [n] each."""
        n = len(route)
        if len(insertion) == 1:
            return np.zeros(n), np.zeros(n), np.zeros(n)
        ranked = np.partition(insertion, 1, axis=0)
        others = insertion.copy()
        own = others[route, np.arange(n)]
        others[route, np.arange(n)] = np.inf
        best = others.argmin(axis=0)
        return others[best, np.arange(n)] - own, ranked[1] - ranked[0], slack[best] - self._demand


def observation_space(n_max: int, n_choices: int | None) -> spaces.Dict:
    """Return the space of padded observations; with K sets to choose from (None: no choice) also `sets` [K, N] int8."""
    parts: dict[str, spaces.Space[Any]] = {
        "nodes": spaces.Box(-LIMIT, LIMIT, (n_max, len(FEATURES)), np.float32),
        "node_mask": spaces.MultiBinary(n_max),
        "neighbours": spaces.Box(0, n_max - 1, (n_max, N_NEIGHBOURS), np.int16),
    }
    if n_choices is not None:
        parts["sets"] = spaces.MultiBinary([n_choices, n_max])
    return spaces.Dict(parts)
