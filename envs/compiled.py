"""Steps of the episodes with exact samplers: all of them in a few compiled calls, with the results of single ones.

`lagrl.dual_loop`, `envs.reward` and `envs.observation_v2` define what a step is. The kernels compute the same bits from
arrays over all episodes, which `tests/envs/test_compiled.py` checks. What an evaluation needs of Python, such as routes
from a quantum sampler, is computed between the kernels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    from lagrl.recovery.incumbent import Incumbent

_LOGARITHM = np.array([math.log1p(count) / math.log1p(HORIZON) for count in range(LONGEST + 2)])


def is_compiled(episode: Episode) -> bool:
    """Return whether an episode's steps are compiled: exact prices, observations of version 2, no set partitioning."""
    return episode.dual.is_exact and type(episode.observer) is Observer and episode.master is None


@dataclass(frozen=True)
class _Evaluated:
    """What the episodes keep of one evaluation of A of them.

    Attributes
    ----------
    place
        Each environment's number a.
    moved
        [A, N] multipliers, distance units.
    numbers
        Of each: L, the share of customers with g = 0, and then the best results; see `CompiledSteps.update`.
    """

    place: dict[int, int]
    moved: NDArray[np.float64]
    numbers: list[tuple[Any, ...]]


class CompiledSteps:
    """The compiled episodes of a batch.

    An episode's own records (multipliers, values, pool of routes) are written when somebody reads it: in training
    nobody does. They are written at every step for an episode that a caller holds, see `watch`.

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
        self._is_watched = [False] * n_envs
        self._evaluated: list[_Evaluated] = []
        self._n_forgotten = 0  # evaluations before the first of these
        self._n_read = [0] * n_envs  # evaluations that each episode has recorded
        self._last: list[tuple[Evaluations, int] | None] = [None] * n_envs
        self._shortest = np.full(n_envs, np.inf)  # the incumbents' costs
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
        self._is_watched[index], self._last[index] = False, None
        self._n_read[index] = self._n_forgotten + len(self._evaluated)
        self._forget()
        self._shortest[index] = episode.incumbent.cost
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
        self._episodes[index] = self._layout = self._last[index] = None

    @property
    def sizes(self) -> list[int]:
        """Number of customers of each environment, all of which have compiled episodes."""
        return self._layout_of(range(len(self._episodes))).sizes

    def watch(self, index: int) -> None:
        """Write the records of an environment's episode now and at each of its later steps."""
        self.update(index)
        self._is_watched[index] = True

    def update_all(self) -> None:
        """Write the records of all compiled episodes."""
        for index in range(len(self._episodes)):
            self.update(index)

    def update(self, index: int) -> None:
        """Write what the steps since the last update found into an environment's episode, if it is compiled."""
        episode, last = self._episodes[index], self._last[index]
        if episode is None:
            return
        n, numbers = episode.n_customers, None
        for evaluated in self._evaluated[self._n_read[index] - self._n_forgotten :]:
            a = evaluated.place.get(index)
            if a is not None:
                numbers = evaluated.numbers[a]
                episode.note_compiled(evaluated.moved[a, :n], value=numbers[0], assignment_cost=numbers[5])
        self._n_read[index] = self._n_forgotten + len(self._evaluated)
        if numbers is None or last is None:
            return
        self._last[index] = None
        found, a = last
        _, served, n_done, best_served, highest, cheapest, shortest, *_, is_optimal, _ = numbers
        best, state, incumbent = episode.best, episode.state, episode.incumbent
        self._toured.add_to(incumbent.pool, index)
        best.share_served, best.assignment_cost, best.route_cost = best_served, cheapest, shortest
        best.sampled_value = best.dual_value = highest
        state.assignment_cost = cheapest
        state.iteration = incumbent.evaluations = n_done
        episode.share_served, episode.is_optimal = served, is_optimal
        episode.last = partial(found.step, a, cheapest, incumbent.cost)

    def _forget(self) -> None:
        """Remove the evaluations that all current episodes have recorded; those of two episodes are the most kept."""
        if len(self._evaluated) > 2 * self.config.max_steps:
            self.update_all()
        least = min(read for read, episode in zip(self._n_read, self._episodes, strict=True) if episode is not None)
        del self._evaluated[: least - self._n_forgotten]
        self._n_forgotten = least

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
        for a in np.flatnonzero(found.route_cost < self._shortest[slot]).tolist():
            incumbent = self._incumbent(layout, a, int(iteration[a]) + 1)
            if is_shorter(float(found.route_cost[a]), incumbent.cost):
                incumbent.offer(found.columns_of(a))
            self._shortest[slot[a]] = incumbent.cost
        for a in np.flatnonzero(proposes | (tours & (found.left > 0))).tolist():
            incumbent = self._incumbent(layout, a, int(iteration[a]) + 1)
            found.recover(a, loop, is_incomplete=bool(tours[a] and found.left[a]), proposes=bool(proposes[a]))
            self._shortest[slot[a]] = incumbent.cost

    def _incumbent(self, layout: Layout, a: int, n_done: int) -> Incumbent:
        """Return the incumbent of an episode, with all routes so far, at an evaluation."""
        incumbent = layout.episodes[a].incumbent
        self._toured.add_to(incumbent.pool, layout.indices[a])
        incumbent.evaluations = n_done
        return incumbent

    def _noted(
        self, found: Evaluations, value: NDArray[np.float64], reward: NDArray[np.float64], share: NDArray[np.float64]
    ) -> BatchStep:
        """Keep what the episodes record, and return the result for all environments."""
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
        numbers = list(zip(*(column.tolist() for column in columns), strict=True))
        self._evaluated.append(_Evaluated(layout.place, found.moved, numbers))
        if len(self._evaluated) > 2 * self.config.max_steps:
            self._forget()
        for a, (index, row) in enumerate(zip(layout.indices, numbers, strict=True)):
            self._last[index] = found, a
            phase, n_customers, n_vehicles = layout.constant[a]
            (
                last,
                served,
                evaluations,
                best_served,
                highest,
                _,
                _,
                cheapest,
                shortest,
                ratio,
                gap,
                is_optimal,
                is_over,
            ) = row
            sampling = layout.episodes[a].sampling
            infos[index] = {
                "phase": phase,
                "n_customers": n_customers,
                "n_vehicles": n_vehicles,
                "evaluations": evaluations,
                "last_sampled_value": last,
                "last_share_served": served,
                "best_share_served": best_served,
                "best_dual_value": highest,
                "best_assignment_cost": cheapest,
                "best_route_cost": shortest,
                "best_route_ratio": ratio,
                "best_gap": gap,
                "circuits": sampling.circuits,
                "shots": sampling.shots,
                "qpu_seconds": sampling.qpu_seconds,
                "is_optimal": is_optimal,
                "is_over": is_over,
            }
            if self._is_watched[index]:
                self.update(index)
        return BatchStep(rewards, terminated, infos)
