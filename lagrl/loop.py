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
from lagrl.recovery.repair import Repaired, repair
from lagrl.relaxation.dual import AssignmentDual, DualPoint, evaluate_duals
from lagrl.relaxation.knapsack import KnapsackBatch
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.recovery.incumbent import Incumbent


@dataclass(eq=False)
class Lane:
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
    """

    dual: AssignmentDual
    incumbent: Incumbent
    rng: np.random.Generator
    assignment_cost: float = np.inf


@dataclass(frozen=True)
class Turn:
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
    exact_value
        L(λ) for the record, distance units; None unless asked for or the sampler is exact.
    sampling
        What the sampler used up.
    """

    point: DualPoint
    feedback: Feedback
    assignment_cost: float
    route_cost: float
    exact_value: float | None
    sampling: SamplingCost = field(default_factory=SamplingCost)

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
        The batch; sizes may differ.
    decode_every
        Decode and tour at the first evaluation and every so many after it.
    n_joint
        Joint draws decoded per turn under an approximate sampler.
    keep_selections
        Whether the vehicles' own selections join the pool as well, before decoding takes customers from them: each
        is a load that fits, and the master can use what overlaps. Only set partitioning has a use for them.
    record_exact
        Whether to price the exact value as well under an approximate sampler. It is for the record: controllers
        never see it, and its seconds are booked apart.

    Attributes
    ----------
    recording_seconds
        Seconds spent on exact values for the record.

    Raises
    ------
    InputError
        If `decode_every` is below 1 or `n_joint` below 0.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        *,
        decode_every: int = 1,
        n_joint: int = 8,
        keep_selections: bool = False,
        record_exact: bool = False,
    ) -> None:
        if decode_every < 1:
            raise InputError(f"{decode_every} given", field="decode_every", remedy="give 1 or more")
        if n_joint < 0:
            raise InputError(f"{n_joint} given", field="n_joint", remedy="give 0 or more")
        self.lanes = list(lanes)
        self.decode_every = decode_every
        self.n_joint = n_joint
        self.keep_selections = keep_selections
        self.record_exact = record_exact
        self.recording_seconds = 0.0
        self._turns = [0] * len(self.lanes)
        self._layout: tuple[tuple[int, ...], KnapsackBatch] | None = None

    @property
    def sampling_seconds(self) -> float:
        """Wall-clock seconds the lanes spent in approximate samplers."""
        return sum(lane.dual.sampling_seconds for lane in self.lanes)

    def step(self, multipliers: Sequence[NDArray[np.float64] | None]) -> list[Turn | None]:
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
        if len(multipliers) != len(self.lanes):
            raise InputError(
                f"{len(multipliers)} vectors for {len(self.lanes)} lanes",
                field="multipliers",
                remedy="give one per lane, None for a lane that rests",
            )
        active = tuple(b for b, vector in enumerate(multipliers) if vector is not None)
        duals = [self.lanes[b].dual for b in active]
        clipped = [dual.clip(vector) for vector, dual in zip(_given(multipliers), duals, strict=True)]
        points = evaluate_duals(duals, clipped, self._batch(active))
        turns: list[Turn | None] = [None] * len(self.lanes)
        for b, point in zip(active, points, strict=True):
            turns[b] = self._recover(b, point)
        return turns

    def _batch(self, active: tuple[int, ...]) -> KnapsackBatch | None:
        if not active or not all(self.lanes[b].dual.is_exact for b in active):
            return None
        if self._layout is None or self._layout[0] != active:
            self._layout = active, KnapsackBatch([self.lanes[b].dual.problem for b in active])
        return self._layout[1]

    def _recover(self, b: int, point: DualPoint) -> Turn:
        """Decode, repair and tour one lane's selections; keep what is best."""
        lane = self.lanes[b]
        lane.incumbent.evaluations += 1
        assignment_cost = route_cost = np.inf
        if self._turns[b] % self.decode_every == 0:
            if self.keep_selections:
                lane.incumbent.pool.add_selection(point.selection)
            for selection in candidate_selections(point, self.n_joint, lane.rng):
                repaired, cost = _routes(lane, selection)
                route_cost = min(route_cost, cost)
                if repaired.is_feasible:
                    assignment_cost = min(assignment_cost, repaired.cost)
        self._turns[b] += 1
        lane.assignment_cost = min(lane.assignment_cost, assignment_cost)
        feedback = Feedback(
            incumbent_cost=lane.assignment_cost if np.isfinite(lane.assignment_cost) else None,
            route_cost=lane.incumbent.cost if np.isfinite(lane.incumbent.cost) else None,
        )
        sampling = point.samples.cost if point.samples else SamplingCost()
        return Turn(point, feedback, assignment_cost, route_cost, self._exact_value(lane, point), sampling)

    def _exact_value(self, lane: Lane, point: DualPoint) -> float | None:
        if point.value is not None or not self.record_exact:
            return point.value
        started = time.perf_counter()
        value = lane.dual.price(point.multipliers).value
        self.recording_seconds += time.perf_counter() - started
        return value


def _routes(lane: Lane, selection: NDArray[np.uint8]) -> tuple[Repaired, float]:
    """Repair and tour one selection; the cost is infinite where the routes break the fleet rule."""
    fleet = lane.incumbent.pool.problem.fleet
    repaired = repair(lane.dual.problem, selection, no_empty=fleet.rule != "free")
    columns = lane.incumbent.pool.add_assignment(repaired.assignment)
    lane.incumbent.offer(columns)
    return repaired, lane.incumbent.pool.cost_of(columns) if fleet.allows(len(columns)) else np.inf


def _given(multipliers: Sequence[NDArray[np.float64] | None]) -> list[NDArray[np.float64]]:
    return [vector for vector in multipliers if vector is not None]
