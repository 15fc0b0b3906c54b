"""Steps of the episodes with exact samplers: all of them in a few compiled calls, with the results of single ones.

`lagrl.dual_loop`, `envs.reward` and `envs.observation_v2` define what a step is. The kernels compute the same bits from
arrays over all episodes, which `tests/envs/test_compiled.py` checks. What an evaluation needs of Python, such as routes
from a quantum sampler, is computed between the kernels.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.batch import BatchStep
from envs.compiled_evaluations import Evaluations, Layout, TouredClusters
from envs.config import LONGEST
from envs.observation_v2 import Observer
from envs.observer import HORIZON
from lagrl.recovery.pool import is_shorter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from envs.config import EnvConfig
    from envs.episode import Episode
    from lagrl.dual_loop import DualLoop

_LOGARITHM = np.array([math.log1p(count) / math.log1p(HORIZON) for count in range(LONGEST + 2)])
_NAMES = (
    "phase",
    "n_customers",
    "n_vehicles",
    "evaluations",
    "last_sampled_value",
    "last_share_served",
    "best_share_served",
    "best_dual_value",
    "best_assignment_cost",
    "best_route_cost",
    "best_route_ratio",
    "best_gap",
    "circuits",
    "shots",
    "qpu_seconds",
    "is_optimal",
    "is_over",
)


def is_compiled(episode: Episode) -> bool:
    """Return whether an episode's steps are compiled: exact prices, observations of version 2, no set partitioning."""
    return episode.dual.is_exact and type(episode.observer) is Observer and episode.master is None


class CompiledSteps:
    """The compiled episodes of a batch.

    Parameters
    ----------
    config
        Configuration of the episodes.
    n_envs
        Number of environments B.
    """

    def __init__(self, config: EnvConfig, n_envs: int) -> None:
        from envs import step_kernels  # numba takes a second to import

        self.config = config
        self._table = np.zeros((n_envs, step_kernels.N_COLUMNS))
        self._customers = np.zeros((n_envs, step_kernels.N_ROWS, config.n_max))
        weights = config.rewards
        self._weights = np.array([weights.feasibility, weights.gap, weights.cost, weights.cost_gap])
        self._episodes: list[Episode | None] = [None] * n_envs
        self._toured = TouredClusters(config, n_envs)
        self._layout: Layout | None = None

    def load(self, index: int, episode: Episode) -> None:
        """Take over an episode after its first evaluation."""
        from envs import step_kernels as k

        row, customers = self._table[index], self._customers[index]
        step, best, dual, n = episode.step, episode.best, episode.dual, episode.n_customers
        assert step is not None
        self._episodes[index] = episode
        self._layout = None
        self._toured.clear(index, min(episode.n_vehicles, n))
        row[k.SCALE], row[k.SAVINGS] = dual.scale, best.savings_cost
        row[k.FLOOR], row[k.CEILING] = (bound[0] for bound in dual.bounds)
        row[k.BUDGET], row[k.EVALUATIONS] = episode.budget, len(episode.values)
        row[k.VALUE], row[k.STALLED] = best.dual_value, 0
        row[k.ASSIGNMENT], row[k.ROUTES] = best.assignment_cost, best.route_cost
        row[k.SHARE], row[k.OPTIMAL], row[k.OVER] = best.share_served, episode.is_optimal, episode.is_over
        shown = {1: k.TERM_SHARE, 2: k.TERM_GAP, 3: k.TERM_COST}
        phase = episode.phase
        row[k.TERMS] = sum(shown[one] for one in (self.config.phases if phase is None else (phase,)))
        if phase == 3:
            row[k.TERMS] += k.TERM_COST_GAP
        k.note_potential(row, self._weights)
        customers[:] = 0.0
        customers[[k.MULTIPLIER, k.BEST_MULTIPLIER], :n] = step.point.multipliers
        customers[[k.VIOLATION, k.AVERAGE_FAST, k.AVERAGE_SLOW], :n] = step.point.violation
        customers[k.CHEAPEST, :n] = dual.problem.cost.min(axis=0)

    def drop(self, index: int) -> None:
        """Release the episode of an environment."""
        self._episodes[index] = self._layout = None

    def holds(self, index: int) -> bool:
        """Return whether an environment's episode is compiled."""
        return self._episodes[index] is not None

    def all_run(self) -> bool:
        """Return whether all environments have compiled episodes, none of which is over."""
        from envs.step_kernels import OVER

        return None not in self._episodes and not self._table[:, OVER].any()

    def act(self, actions: NDArray[np.floating[Any]], loop: DualLoop, nodes: NDArray[np.float32]) -> BatchStep:
        """Move all episodes by actions [B, N] in [−1, 1]; the new features are written to `nodes` [B, N, F]."""
        from envs.step_kernels import move_batch

        action, layout = self.config.action, self._layout_of(range(len(self._episodes)))
        is_diagonal = action.mode == "diagonal"
        factor = np.clip(actions.astype(np.float64), -1.0, 1.0)
        if is_diagonal:
            factor *= action.decades
            np.power(10.0, factor, out=factor)
        moved, prices = np.empty(factor.shape), np.empty(len(layout.knapsacks.weight))
        unit = layout.scale * (action.base_step if is_diagonal else action.reach)
        knapsacks, slot = layout.knapsacks, layout.slot
        move_batch(knapsacks.first_item, slot, self._table, factor, unit, is_diagonal, self._customers, moved, prices)
        return self._step(layout, moved, prices, loop, nodes)

    def move(
        self,
        multipliers: Sequence[NDArray[np.float64] | None],
        loop: DualLoop,
        nodes: NDArray[np.float32],
    ) -> BatchStep:
        """Move episodes to multipliers [n] within their bounds, distance units; None: it rests, or is not compiled."""
        layout = self._layout_of([index for index, vector in enumerate(multipliers) if vector is not None])
        moved = np.zeros((len(layout.slot), self.config.n_max))
        vectors = [vector for vector in multipliers if vector is not None]
        for row, vector in zip(moved, vectors, strict=True):
            row[: len(vector)] = vector
        return self._step(layout, moved, np.concatenate(vectors), loop, nodes)

    def _layout_of(self, indices: Sequence[int]) -> Layout:
        if self._layout is None or self._layout.indices != list(indices):
            self._layout = Layout(list(indices), [self._held(index) for index in indices])
        return self._layout

    def _held(self, index: int) -> Episode:
        episode = self._episodes[index]
        assert episode is not None
        return episode

    def _step(
        self,
        layout: Layout,
        moved: NDArray[np.float64],
        prices: NDArray[np.float64],
        loop: DualLoop,
        nodes: NDArray[np.float32],
    ) -> BatchStep:
        from envs import step_kernels as k

        knapsacks, slot, count = layout.knapsacks, layout.slot, len(layout.slot)
        items, vehicles = knapsacks.first_item, knapsacks.first_vehicle
        moved.setflags(write=False)  # the episodes keep rows of it
        columns = [self._toured.columns[index] for index in layout.indices]
        found = Evaluations(layout, moved, *knapsacks.price_all(prices), columns)
        self._recover(found, loop)
        value, reward, share = np.empty(count), np.empty(count), np.empty(count)
        raw, size = np.empty(k.COMPRESSED * len(prices), np.float32), np.empty(k.COMPRESSED * len(prices), np.float32)
        scalar = np.empty((count, 4), np.float32)
        k.record_batch(
            items,
            vehicles,
            slot,
            moved,
            found.selection,
            found.vehicle_value,
            found.assignment_cost,
            found.route_cost,
            self._weights,
            _LOGARITHM,
            self._table,
            self._customers,
            value,
            reward,
            share,
            raw,
            size,
            scalar,
        )
        np.log(size, out=size)
        k.write_features(items, slot, raw, size, scalar, nodes)
        return self._noted(found, value, reward, share)

    def _recover(self, found: Evaluations, loop: DualLoop) -> None:
        """Decode, repair and tour the selections where it is due, and offer the routes to the incumbents."""
        from envs.batch_kernels import recover_batch
        from envs.step_kernels import EVALUATIONS

        layout, toured = found.layout, self._toured
        knapsacks, slot = layout.knapsacks, layout.slot
        iteration = self._table[slot, EVALUATIONS].astype(np.int64)
        decodes = iteration % loop.decode_every == 0
        tours = decodes & loop.tour_decoded
        proposes = np.zeros(len(slot), dtype=bool)
        if loop.route_every is not None:
            due = iteration % loop.route_every == 0
            proposes = due & layout.has_route_dual
            tours |= due & ~layout.has_route_dual
            decodes |= tours
        recover_batch(
            knapsacks.cost,
            knapsacks.weight,
            knapsacks.capacity,
            layout.distance,
            knapsacks.first_item,
            knapsacks.first_vehicle,
            slot,
            decodes.astype(np.int64),
            tours.astype(np.int64),
            found.selection,
            layout.fewest,
            layout.first_arc,
            toured.slots,
            toured.n_slots,
            toured.customers,
            toured.route,
            toured.start,
            toured.cost,
            toured.n_seen,
            found.cluster,
            found.left,
            found.assignment_cost,
            found.routes_cost,
            found.n_routes,
        )
        is_allowed = (found.n_routes >= layout.fewest) & (found.n_routes <= layout.most)
        found.route_cost = np.where(is_allowed, found.routes_cost, np.inf)
        n_toured, costs = toured.n_seen.tolist(), found.route_cost.tolist()
        for a, (index, episode) in enumerate(zip(layout.indices, layout.episodes, strict=True)):
            incumbent = episode.state.incumbent
            incumbent.evaluations += 1
            if n_toured[index] > len(toured.columns[index]):
                toured.add_to(incumbent.pool, index)
            if is_shorter(costs[a], incumbent.cost):
                incumbent.offer(found.columns_of(a))
        for a in np.flatnonzero(proposes | (tours & (found.left > 0))).tolist():
            found.recover(a, loop, is_incomplete=bool(tours[a] and found.left[a]), proposes=bool(proposes[a]))

    def _noted(
        self, found: Evaluations, value: NDArray[np.float64], reward: NDArray[np.float64], share: NDArray[np.float64]
    ) -> BatchStep:
        """Update the episodes and return the result for all environments."""
        from envs import step_kernels as k

        layout = found.layout
        rows = self._table[layout.slot]
        assignment, routes = rows[:, k.ASSIGNMENT], rows[:, k.ROUTES]
        has_routes = routes < np.inf
        rewards, terminated = np.zeros(len(self._episodes)), np.zeros(len(self._episodes), dtype=bool)
        rewards[layout.slot], terminated[layout.slot] = reward, rows[:, k.OVER] != 0
        infos: list[dict[str, Any]] = [{} for _ in self._episodes]
        columns = (
            value,
            share,
            rows[:, k.EVALUATIONS].astype(np.int64),
            rows[:, k.SHARE],
            rows[:, k.VALUE],
            assignment,
            routes,
            np.where(assignment < np.inf, assignment, np.nan),
            np.where(has_routes, routes, np.nan),
            np.where(has_routes, rows[:, k.RATIO], np.nan),
            rows[:, k.GAP],
            rows[:, k.OPTIMAL] != 0,
            terminated[layout.slot],
        )
        numbers = zip(*(column.tolist() for column in columns), strict=True)
        for a, (index, episode, row) in enumerate(zip(layout.indices, layout.episodes, numbers, strict=True)):
            last, served, evaluations, best_served, highest, cheapest, shortest, *shown, is_optimal, is_over = row
            best, state, sampling = episode.best, episode.state, episode.sampling
            best.share_served, best.assignment_cost, best.route_cost = best_served, cheapest, shortest
            best.sampled_value = best.dual_value = highest
            state.assignment_cost = cheapest
            state.iteration += 1
            step = partial(found.step, a, cheapest, state.incumbent.cost)
            episode.note_compiled(step, found.multipliers(a), last, served, is_optimal)
            infos[index] = dict(
                zip(
                    _NAMES,
                    (
                        *(*layout.constant[a], evaluations, last, served, best_served, highest, *shown),
                        *(sampling.circuits, sampling.shots, sampling.qpu_seconds, is_optimal, is_over),
                    ),
                    strict=True,
                )
            )
        return BatchStep(rewards, terminated, infos)
