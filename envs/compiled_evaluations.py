"""Arrays of compiled steps: the instances side by side, the clusters toured so far, and what an evaluation found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.base import Feedback
from lagrl.dual_loop import Recovered, Step
from lagrl.relaxation.dual import DualPoint
from lagrl.relaxation.knapsack import KnapsackBatch
from lagrl.relaxation.sampler import NO_COST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from envs.config import EnvConfig
    from envs.episode import Episode
    from lagrl.dual_loop import DualLoop
    from lagrl.recovery.pool import RoutePool
    from lagrl.relaxation.sampler import SamplingCost

_NO_LIMIT = np.iinfo(np.int64).max


class Layout:
    """The instances of the episodes that are moved together, one after the other.

    Attributes
    ----------
    indices, slot
        [A] environment of each episode.
    place
        Each environment's number a.
    sizes
        [A] number of customers of each episode.
    knapsacks
        Their knapsacks.
    distance, first_arc
        The distances [n + 1, n + 1] of all, distance units, and where those of each start.
    fewest, most
        [A] least and largest number of routes that the fleet rules allow.
    scale
        [A] s of each dual, distance units.
    has_route_dual
        [A] whether another sampler proposes routes.
    constant
        Phase (0: none), number of customers and of vehicles of each episode.
    """

    def __init__(self, indices: list[int], episodes: list[Episode]) -> None:
        self.indices = indices
        self.episodes = episodes
        self.place = {index: a for a, index in enumerate(indices)}
        self.slot = np.array(indices, np.int64)
        self.sizes = [episode.n_customers for episode in episodes]
        self.knapsacks = KnapsackBatch([episode.dual.problem for episode in episodes])
        problems = [episode.problem for episode in episodes]
        self.distance = np.concatenate([problem.distance.ravel() for problem in problems])
        self.first_arc = np.cumsum([0] + [problem.distance.size for problem in problems])
        fleets = [problem.fleet for problem in problems]
        self.fewest = np.array([fleet.fewest for fleet in fleets])
        self.most = np.array([_NO_LIMIT if fleet.most is None else fleet.most for fleet in fleets])
        self.scale = np.array([episode.dual.scale for episode in episodes])
        self.has_route_dual = np.array([episode.state.route_dual is not None for episode in episodes])
        self.constant = [(episode.phase or 0, episode.n_customers, episode.n_vehicles) for episode in episodes]


class TouredClusters:
    """The clusters that the kernels have toured, by environment.

    Memory is reserved for all clusters that an episode can have, and used for those it has.

    Attributes
    ----------
    slots, n_slots, customers, route, start, cost, n_seen
        Rows by environment; see `recover_batch`, where `customers`, `start` and `cost` have the prefix `seen`.
    columns
        Of each environment, the column of each cluster in the pool.
    """

    def __init__(self, config: EnvConfig, n_envs: int) -> None:
        self._steps = config.max_steps
        most = config.max_steps * config.n_max
        self.slots = np.empty((n_envs, 2 ** (2 * most).bit_length()), np.int64)
        self.n_slots = np.ones(n_envs, np.int64)
        self.customers, self.route = np.empty((n_envs, most), np.int64), np.empty((n_envs, most), np.int64)
        self.start, self.cost = np.empty((n_envs, most + 1), np.int64), np.empty((n_envs, most))
        self.n_seen = np.zeros(n_envs, np.int64)
        self.columns: list[list[int]] = [[] for _ in range(n_envs)]

    def clear(self, index: int, n_clusters: int) -> None:
        """Remove an environment's clusters, before an episode with at most `n_clusters` per evaluation."""
        size = self.n_slots[index] = 2 ** (2 * self._steps * n_clusters).bit_length()
        self.slots[index, :size] = -1
        self.start[index, 0] = self.n_seen[index] = 0
        self.columns[index] = []

    def add_to(self, pool: RoutePool, index: int) -> None:
        """Add an environment's new clusters to its pool."""
        columns, now = self.columns[index], int(self.n_seen[index])
        if now == len(columns):
            return
        start = self.start[index, len(columns) : now + 1]
        low, high = int(start[0]), int(start[-1])
        customers, routes = self.customers[index, low:high].copy(), self.route[index, low:high].copy()
        cost = self.cost[index, len(columns) : now].tolist()
        columns += pool.add_toured(customers, routes, (start - low).tolist(), cost)


class Evaluations:
    """One evaluation of each of A episodes; the `Step` of one is made when it is needed.

    Attributes
    ----------
    layout
        The episodes.
    moved
        [A, N] multipliers, distance units, 0 beyond an episode's customers.
    selection, vehicle_value
        Selections and values of all vehicles, see `KnapsackBatch.price_all`.
    columns
        Of each episode, the columns of the clusters toured so far.
    cluster, left, assignment_cost, routes_cost, n_routes
        Outputs of `recover_batch`.
    route_cost
        [A] `routes_cost` where the routes meet the fleet rule, else infinite.
    """

    def __init__(
        self,
        layout: Layout,
        moved: NDArray[np.float64],
        selection: NDArray[np.uint8],
        vehicle_value: NDArray[np.float64],
        columns: list[list[int]],
    ) -> None:
        count = len(layout.slot)
        self.layout = layout
        self.moved = moved
        self.selection = selection
        self.vehicle_value = vehicle_value
        self.columns = columns
        self.cluster = np.empty(len(vehicle_value), np.int64)
        self.left, self.n_routes = np.empty(count, np.int64), np.empty(count, np.int64)
        self.assignment_cost, self.routes_cost = np.empty(count), np.empty(count)
        self.route_cost = self.routes_cost
        self._in_python: dict[int, tuple[Recovered, SamplingCost]] = {}

    def multipliers(self, a: int) -> NDArray[np.float64]:
        """Return the multipliers [n] of an episode, distance units."""
        return self.moved[a, : self.layout.knapsacks.shapes[a][1]]

    def columns_of(self, a: int) -> tuple[int, ...]:
        """Return the pool columns of an episode's routes; none if it was not toured."""
        first = self.layout.knapsacks.first_vehicle
        known = self.columns[a]
        return tuple(known[one] for one in self.cluster[first[a] : first[a + 1]].tolist() if one >= 0)

    def recover(self, a: int, loop: DualLoop, *, is_incomplete: bool, proposes: bool) -> None:
        """Tour an assignment without a vehicle for some customers, and the routes that another sampler proposes."""
        episode, point = self.layout.episodes[a], self._point(a)
        found = Recovered(
            float(self.assignment_cost[a]), float(self.route_cost[a]), self.columns_of(a), float(self.routes_cost[a])
        )
        if is_incomplete:
            found.tour(episode.state, point.selection[None], loop.n_toured)
        sampling = loop.propose_routes(episode.state, point, found) if proposes else NO_COST
        episode.sampling = episode.sampling + sampling
        self.assignment_cost[a], self.route_cost[a] = found.assignment_cost, found.route_cost
        self._in_python[a] = found, sampling

    def step(self, a: int, upper_bound: float, incumbent_cost: float) -> Step:
        """Return the result for an episode, whose cheapest assignment and routes then had these costs."""
        feedback = Feedback(
            assignment_upper_bound=upper_bound if np.isfinite(upper_bound) else None,
            route_cost=incumbent_cost if np.isfinite(incumbent_cost) else None,
        )
        point = self._point(a)
        costs = float(self.assignment_cost[a]), float(self.route_cost[a])
        if a in self._in_python:
            found, sampling = self._in_python[a]
            columns, length = found.columns, found.columns_cost
        else:
            columns, length, sampling = self.columns_of(a), float(self.routes_cost[a]), NO_COST
        return Step(point, feedback, *costs, point.value, NO_COST, sampling, columns, length)

    def _point(self, a: int) -> DualPoint:
        knapsacks = self.layout.knapsacks
        cells, vehicles = knapsacks.first_cell, knapsacks.first_vehicle
        selection = self.selection[cells[a] : cells[a + 1]].reshape(knapsacks.shapes[a])
        multipliers, value = self.multipliers(a), self.vehicle_value[vehicles[a] : vehicles[a + 1]]
        total = float(multipliers.sum() + value.sum())
        return DualPoint(multipliers, total, total, selection, 1.0 - selection.sum(axis=0), value)
