"""The dual loop: price, sample, decode, tour. Solver, environment and benchmark all turn this one.

The loop is batched: it turns several lanes (one linearisation of one instance each) at once and prices all their
knapsacks in one compiled call. A single instance is a batch of one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.base import Feedback
from lagrl.errors import InputError
from lagrl.recovery.decode import candidate_selections
from lagrl.recovery.reconstruction import ClusterTours, Reconstruction
from lagrl.recovery.repair import Repaired, repair
from lagrl.relaxation.dual import AssignmentDual, DualPoint, evaluate_duals
from lagrl.relaxation.knapsack import KnapsackBatch
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem
    from lagrl.recovery.incumbent import Incumbent


@dataclass(eq=False)
class AscentState:
    """One ascent's place in the batch: a dual function, and where its routes go.

    Attributes
    ----------
    dual
        The dual of one linearisation.
    incumbent
        The instance's best routes and pool.
    rng
        Randomness of joint decodes.
    assignment_cost
        Cost of the cheapest feasible assignment of this linearisation so far, distance units.
    route_dual
        The dual of the same problem under the sampler whose samples become routes, if that is another one. Only a
        loop with `route_every` asks it.
    reconstruction
        Makes routes of assignments; clusters toured from scratch if None.
    master_duals
        [m] what controllers are told in `Feedback.master_duals`; None before the master was solved.
    turns
        Turns taken so far.
    """

    dual: AssignmentDual
    incumbent: Incumbent
    rng: np.random.Generator
    assignment_cost: float = np.inf
    route_dual: AssignmentDual | None = None
    reconstruction: Reconstruction | None = None
    master_duals: NDArray[np.float64] | None = field(default=None, repr=False)
    turns: int = 0

    @property
    def tours(self) -> Reconstruction:
        """What makes routes of this lane's assignments."""
        if self.reconstruction is None:
            self.reconstruction = ClusterTours(no_empty=self.incumbent.pool.problem.fleet.rule != "free")
        return self.reconstruction


@dataclass(frozen=True)
class Step:
    """What one evaluation of one lane brought.

    Attributes
    ----------
    point
        The multipliers, priced.
    feedback
        What the controller may know of recovery.
    assignment_cost
        Cheapest feasible assignment decoded in this turn, distance units; infinite if none was, or none was decoded.
    route_cost
        Cheapest routes of this turn that meet the fleet rule, distance units; infinite likewise.
    columns, columns_cost
        Pool columns of the turn's cheapest routes, whether or not they meet it, and their length, distance units;
        empty and infinite if none were toured.
    exact_value
        L(λ) for the record, distance units; None unless asked for or the sampler is exact.
    sampling
        What the sampler used up.
    route_sampling
        What the sampler of `Lane.route_dual` used up.
    """

    point: DualPoint
    feedback: Feedback
    assignment_cost: float
    route_cost: float
    exact_value: float | None
    sampling: SamplingCost = field(default_factory=SamplingCost)
    route_sampling: SamplingCost = field(default_factory=SamplingCost)
    columns: tuple[int, ...] = ()
    columns_cost: float = np.inf

    @property
    def is_assignment_feasible(self) -> bool:
        """Whether an assignment within the capacities was decoded."""
        return bool(np.isfinite(self.assignment_cost))

    @property
    def is_route_feasible(self) -> bool:
        """Whether routes that meet the fleet rule were decoded."""
        return bool(np.isfinite(self.route_cost))

    @property
    def is_optimal(self) -> bool:
        """Whether the ascent is over: exact sampler, nobody left out or served twice."""
        return self.point.is_optimal


class DualLoop:
    """Turns lanes: multipliers in, priced, decoded and toured turns out.

    Parameters
    ----------
    lanes
        The batch; sizes may differ. An entry of the attribute `lanes` may be replaced between two steps.
    decode_every
        Decode and tour at the first evaluation and every so many after it.
    n_joint
        Joint draws decoded and repaired per turn under an approximate sampler.
    n_toured
        Of those, how many of least repaired cost are toured, besides the best strings together: the others rarely
        become routes worth having, and fill the pool (docs/decisions/013).
    keep_selections
        Whether the vehicles' own selections join the pool as well, before decoding takes customers from them: each
        is a load that fits, and the master can use what overlaps. Only set partitioning has a use for them.
    record_exact
        Whether to price the exact value as well under an approximate sampler. It is for the record: controllers
        never see it, and its seconds are booked apart.
    route_every
        If given, decoded selections are only repaired, and routes are toured at the first evaluation and every so
        many after it, from the samples of `Lane.route_dual` (of the lane's own dual where there is none).

    Attributes
    ----------
    recording_seconds
        Seconds spent on exact values for the record.

    Raises
    ------
    InputError
        If `decode_every` or `route_every` is below 1, or `n_joint` or `n_toured` below 0.
    """

    def __init__(
        self,
        states: Sequence[AscentState],
        *,
        decode_every: int = 1,
        n_joint: int = 8,
        n_toured: int = 2,
        keep_selections: bool = False,
        record_exact: bool = False,
        route_every: int | None = None,
    ) -> None:
        for name, turns in (("decode_every", decode_every), ("route_every", route_every)):
            if turns is not None and turns < 1:
                raise InputError(f"{turns} given", field=name, remedy="give 1 or more")
        for name, draws in (("n_joint", n_joint), ("n_toured", n_toured)):
            if draws < 0:
                raise InputError(f"{draws} given", field=name, remedy="give 0 or more")
        self.states = list(states)
        self.decode_every = decode_every
        self.n_joint = n_joint
        self.n_toured = n_toured
        self.keep_selections = keep_selections
        self.record_exact = record_exact
        self.route_every = route_every
        self.recording_seconds = 0.0
        self._layout: tuple[list[AssignmentProblem], KnapsackBatch] | None = None

    @property
    def sampling_seconds(self) -> float:
        """Wall-clock seconds the lanes spent in approximate samplers."""
        duals = [dual for state in self.states for dual in (state.dual, state.route_dual) if dual is not None]
        return sum(dual.sampling_seconds for dual in duals)

    def step(self, multipliers: Sequence[NDArray[np.float64] | None]) -> list[Step | None]:
        """Take one turn of every lane that has multipliers; None makes a lane rest.

        Parameters
        ----------
        multipliers
            One [n] vector per lane, distance units, clipped to the dual's bounds here.

        Raises
        ------
        InputError
            If there is not one entry per lane, or a vector has the wrong length or a non-finite entry.
        """
        if len(multipliers) != len(self.states):
            raise InputError(
                f"{len(multipliers)} vectors for {len(self.states)} ascents",
                field="multipliers",
                remedy="give one per lane, None for a lane that rests",
            )
        active = [b for b, vector in enumerate(multipliers) if vector is not None]
        duals = [self.states[b].dual for b in active]
        clipped = [dual.clip(vector) for vector, dual in zip(_given(multipliers), duals, strict=True)]
        points = evaluate_duals(duals, clipped, self._batch(duals))
        turns: list[Step | None] = [None] * len(self.states)
        for b, point in zip(active, points, strict=True):
            turns[b] = self._recover(self.states[b], point)
        return turns

    def _batch(self, duals: list[AssignmentDual]) -> KnapsackBatch | None:
        """Return the duals' knapsacks laid out together, once for as long as the same problems come."""
        if not duals or not all(dual.is_exact for dual in duals):
            return None
        problems = [dual.problem for dual in duals]
        if self._layout is None or self._layout[0] != problems:  # problems are equal only if identical
            self._layout = problems, KnapsackBatch(problems)
        return self._layout[1]

    def _recover(self, state: AscentState, point: DualPoint) -> Step:
        """Decode, repair and tour one lane's selections; keep what is best."""
        state.incumbent.evaluations += 1
        found = _Recovered()
        if state.turns % self.decode_every == 0:
            if self.keep_selections:
                state.tours.add_loads(state.incumbent.pool, point.selection)
            if self.route_every is None:
                found.tour(state, candidate_selections(point, self.n_joint, state.rng), self.n_toured)
            else:
                found.repair(state, candidate_selections(point, self.n_joint, state.rng))
        route_sampling = SamplingCost()
        if self.route_every is not None and state.turns % self.route_every == 0:
            source = point if state.route_dual is None else state.route_dual.evaluate(point.multipliers)
            found.tour(state, candidate_selections(source, self.n_joint, state.rng), self.n_toured)
            if state.route_dual is not None and source.samples is not None:
                route_sampling = source.samples.cost
        state.turns += 1
        state.assignment_cost = min(state.assignment_cost, found.assignment_cost)
        feedback = Feedback(
            assignment_upper_bound=state.assignment_cost if np.isfinite(state.assignment_cost) else None,
            route_cost=state.incumbent.cost if np.isfinite(state.incumbent.cost) else None,
            master_duals=state.master_duals,
        )
        sampling = point.samples.cost if point.samples else SamplingCost()
        return Step(
            point,
            feedback,
            found.assignment_cost,
            found.route_cost,
            self._exact_value(state, point),
            sampling,
            route_sampling,
            found.columns,
            found.columns_cost,
        )

    def _exact_value(self, state: AscentState, point: DualPoint) -> float | None:
        if point.value is not None or not self.record_exact:
            return point.value
        started = time.perf_counter()
        value = state.dual.price(point.multipliers).value
        self.recording_seconds += time.perf_counter() - started
        return value


@dataclass
class _Recovered:
    """The cheapest that one turn's selections gave: a feasible assignment, and routes that meet the fleet rule."""

    assignment_cost: float = np.inf
    route_cost: float = np.inf
    columns: tuple[int, ...] = ()
    columns_cost: float = np.inf

    def repair(self, state: AscentState, selections: NDArray[np.uint8]) -> list[Repaired]:
        """Repair selections [M, K, n] to assignments."""
        no_empty = state.tours.no_empty
        all_repaired = [repair(state.dual.problem, selection, no_empty=no_empty) for selection in selections]
        feasible = [repaired.cost for repaired in all_repaired if repaired.is_feasible]
        self.assignment_cost = min([self.assignment_cost, *feasible])
        return all_repaired

    def tour(self, state: AscentState, selections: NDArray[np.uint8], n_toured: int) -> None:
        """Repair selections [M, K, n] and tour the first and the best of the others; the incumbent is offered them."""
        pool, fleet = state.incumbent.pool, state.incumbent.pool.problem.fleet
        own, *drawn = self.repair(state, selections)
        drawn.sort(key=lambda repaired: (not repaired.is_feasible, repaired.cost))
        for repaired in (own, *drawn[:n_toured]):
            columns = state.tours.columns(pool, repaired.assignment)
            cost = pool.cost_of(columns)
            state.incumbent.offer(columns)
            if cost < self.columns_cost:
                self.columns, self.columns_cost = tuple(columns), cost
            if fleet.allows(len(columns)):
                self.route_cost = min(self.route_cost, cost)


def _given(multipliers: Sequence[NDArray[np.float64] | None]) -> list[NDArray[np.float64]]:
    return [vector for vector in multipliers if vector is not None]
