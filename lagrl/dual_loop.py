"""The dual loop: price, sample, decode, tour. Solver, environment and benchmark all use this one.

The loop is batched: one step evaluates several ascents (one linearisation of one instance each) and prices all their
knapsacks in one compiled call. A single instance is a batch of one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.controllers.base import Feedback
from lagrl.errors import InputError, require_type
from lagrl.recovery.decode import candidate_selections
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.reconstruction import ClusterTours, Reconstruction
from lagrl.recovery.repair import Repaired, repair
from lagrl.relaxation.dual import AssignmentDual, DualPoint, evaluate_duals
from lagrl.relaxation.knapsack import KnapsackBatch
from lagrl.relaxation.sampler import NO_COST, SamplingCost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem


@dataclass(eq=False)
class AscentState:
    """One entry of the batch: a dual function, and the pool that its routes go to.

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
        loop with `route_every` uses it.
    reconstruction
        Makes routes of assignments; clusters toured from scratch if None.
    master_duals
        [m] value of `Feedback.master_duals`; None before the master was solved.
    iteration
        Steps taken so far.
    last
        The last of them; None before the first.
    """

    dual: AssignmentDual
    incumbent: Incumbent
    rng: np.random.Generator
    assignment_cost: float = np.inf
    route_dual: AssignmentDual | None = None
    reconstruction: Reconstruction | None = None
    master_duals: NDArray[np.float64] | None = field(default=None, repr=False)
    iteration: int = 0
    last: Step | None = field(default=None, repr=False)

    @property
    def tours(self) -> Reconstruction:
        """The reconstruction that makes routes of this ascent's assignments."""
        if self.reconstruction is None:
            self.reconstruction = ClusterTours(no_empty=self.incumbent.pool.problem.fleet.fewest > 0)
        return self.reconstruction


@dataclass(frozen=True)
class Step:
    """The result of one evaluation of one ascent.

    Attributes
    ----------
    point
        The multipliers, priced.
    feedback
        What the controller may know of recovery.
    assignment_cost
        Cost of the cheapest feasible assignment decoded in this step, distance units; infinite if there is none.
    route_cost
        Cost of the cheapest routes of this step that meet the fleet rule, distance units; infinite if there are none.
    columns, columns_cost
        Pool columns of the step's cheapest routes, whether or not they meet the fleet rule, and their length, distance
        units; empty and infinite if none were toured.
    exact_value
        L(λ) for the record, distance units; None unless it is recorded or the sampler is exact.
    sampling, route_sampling
        Resources used by the dual's sampler, and by that of `AscentState.route_dual`.
    """

    point: DualPoint
    feedback: Feedback
    assignment_cost: float
    route_cost: float
    exact_value: float | None
    sampling: SamplingCost = NO_COST
    route_sampling: SamplingCost = NO_COST
    columns: tuple[int, ...] = ()
    columns_cost: float = np.inf

    @property
    def is_optimal(self) -> bool:
        """Whether the ascent is over: exact sampler, and every customer selected once."""
        return self.point.is_optimal


class DualLoop:
    """Evaluates a batch of ascents: each step prices the multipliers, decodes the selections and tours the routes.

    Parameters
    ----------
    states
        The batch; sizes may differ. An entry of the attribute `states` may be replaced between two steps.
    decode_every
        Number of evaluations between two decodings; the first evaluation is always decoded.
    n_joint
        Joint draws decoded and repaired per step under an approximate sampler.
    n_toured
        How many of those, of least repaired cost, are toured in addition to the selection of the best strings: the
        others rarely give useful routes and fill the pool (docs/decisions/013).
    keep_selections
        Whether each vehicle's selection is added to the pool too, before decoding removes customers from it: it is a
        load that fits, and the master can use overlapping ones. Only useful with set partitioning.
    record_exact
        Whether to compute the exact value too under an approximate sampler, for the record only: controllers never
        see it, and its seconds are counted separately.
    route_every
        If given, routes are also toured from the samples of `AscentState.route_dual`, at the first evaluation and then
        each time after this number. Without a `route_dual` those of `dual` serve, unless they are toured anyway.
    tour_decoded
        Whether decoded selections are toured; otherwise they are only repaired.

    Attributes
    ----------
    recording_seconds, decoding_seconds
        Wall-clock seconds of exact values for the record, and of decoding, repair and tours.

    Raises
    ------
    InputError
        If `decode_every` or `route_every` is below 1, or `n_joint` or `n_toured` below 0.

    Examples
    --------
    >>> import lagrl, numpy as np
    >>> loop = lagrl.DualLoop.of(lagrl.AssignmentDual(lagrl.linearise(lagrl.read("G-n16-k3"))))
    >>> (step,) = loop.step([np.zeros(15)])
    >>> step.exact_value, step.route_cost > 5098
    (0.0, True)
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
        tour_decoded: bool = True,
    ) -> None:
        limits = ("decode_every", decode_every, 1), ("n_joint", n_joint, 0), ("n_toured", n_toured, 0)
        for name, number, least in (*limits, ("route_every", 1 if route_every is None else route_every, 1)):
            if number < least:
                raise InputError(f"{number} given", field=name, remedy=f"give {least} or more")
        require_type(states, (list, tuple), "states", "make the loop with lagrl.DualLoop.of(dual)")
        self.states = list(states)
        self.decode_every = decode_every
        self.n_joint = n_joint
        self.n_toured = n_toured
        self.keep_selections = keep_selections
        self.record_exact = record_exact
        self.route_every = route_every
        self.tour_decoded = tour_decoded
        self.recording_seconds = 0.0
        self.decoding_seconds = 0.0
        self._layout: tuple[list[AssignmentProblem], KnapsackBatch] | None = None

    @classmethod
    def of(cls, dual: AssignmentDual, *, seed: int = 0, **options: Any) -> DualLoop:
        """Return the loop of one dual, whose routes are those of the instance that the dual linearises.

        Parameters
        ----------
        dual
            The dual function of a linearised instance.
        seed
            Randomness of joint decodes.
        options
            Keywords of `DualLoop`.

        Raises
        ------
        InputError
            If the dual's assignment problem has no `origin`, or an option is out of range.
        """
        require_type(dual, AssignmentDual, "dual", "give lagrl.AssignmentDual(lagrl.linearise(problem))")
        problem = dual.problem.origin
        if problem is None:
            raise InputError(
                "the assignment problem does not say which instance it linearises",
                field="dual",
                remedy="make it with lagrl.linearise(problem), or give AssignmentProblem an origin",
            )
        state = AscentState(dual, Incumbent(RoutePool(problem)), np.random.default_rng(seed))
        return cls([state], **options)

    @property
    def sampling_seconds(self) -> float:
        """Wall-clock seconds that all ascents spent in approximate samplers."""
        duals = [dual for state in self.states for dual in (state.dual, state.route_dual) if dual is not None]
        return sum(dual.sampling_seconds for dual in duals)

    def step(self, multipliers: Sequence[NDArray[np.float64] | None]) -> list[Step | None]:
        """Evaluate every ascent once, except those whose multipliers are None.

        `multipliers`: one [n] vector per ascent, distance units, clipped to the dual's bounds here.

        Raises InputError if there is not one entry per ascent, or a vector has the wrong length or a non-finite entry.
        """
        if len(multipliers) != len(self.states):
            raise InputError(
                f"{len(multipliers)} vectors for {len(self.states)} ascents",
                field="multipliers",
                remedy="give one per ascent",
            )
        active = [(b, vector) for b, vector in enumerate(multipliers) if vector is not None]
        duals = [self.states[b].dual for b, _ in active]
        clipped = [dual.clip(vector) for dual, (_, vector) in zip(duals, active, strict=True)]
        points = evaluate_duals(duals, clipped, self._batch(duals))
        steps: list[Step | None] = [None] * len(self.states)
        for (b, _), point in zip(active, points, strict=True):
            steps[b] = self.states[b].last = self._recover(self.states[b], point)
        return steps

    def _batch(self, duals: list[AssignmentDual]) -> KnapsackBatch | None:
        """Return the knapsacks of exact duals as one batch, built again only when the problems change."""
        if not duals or not all(dual.is_exact for dual in duals):
            return None
        problems = [dual.problem for dual in duals]
        if self._layout is None or self._layout[0] != problems:  # problems are equal only if identical
            self._layout = problems, KnapsackBatch(problems)
        return self._layout[1]

    def _recover(self, state: AscentState, point: DualPoint) -> Step:
        """Decode, repair and tour the selections of one ascent; keep the best."""
        state.incumbent.evaluations += 1
        found = Recovered()
        started = time.perf_counter()
        if state.iteration % self.decode_every == 0:
            if self.keep_selections:
                state.tours.add_loads(state.incumbent.pool, point.selection)
            if self.tour_decoded:
                found.tour(state, candidate_selections(point, self.n_joint, state.rng), self.n_toured)
            else:
                found.repair(state, candidate_selections(point, self.n_joint, state.rng))
        self.decoding_seconds += time.perf_counter() - started
        route_sampling = self.propose_routes(state, point, found) if self._proposes_routes(state) else NO_COST
        state.iteration += 1
        state.assignment_cost = min(state.assignment_cost, found.assignment_cost)
        feedback = Feedback(
            assignment_upper_bound=state.assignment_cost if np.isfinite(state.assignment_cost) else None,
            route_cost=state.incumbent.cost if np.isfinite(state.incumbent.cost) else None,
            master_duals=state.master_duals,
        )
        sampling = point.samples.cost if point.samples else NO_COST
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

    def propose_routes(self, state: AscentState, point: DualPoint, found: Recovered) -> SamplingCost:
        """Tour the selections of the sampler that proposes routes, and add them to what was found; return its cost."""
        source = point if state.route_dual is None else state.route_dual.evaluate(point.multipliers)
        started = time.perf_counter()
        found.tour(state, candidate_selections(source, self.n_joint, state.rng), self.n_toured)
        self.decoding_seconds += time.perf_counter() - started
        return NO_COST if state.route_dual is None or source.samples is None else source.samples.cost

    def _proposes_routes(self, state: AscentState) -> bool:
        if self.route_every is None or state.iteration % self.route_every:
            return False
        is_toured = self.tour_decoded and state.iteration % self.decode_every == 0
        return state.route_dual is not None or not is_toured

    def _exact_value(self, state: AscentState, point: DualPoint) -> float | None:
        if point.value is not None or not self.record_exact:
            return point.value
        started = time.perf_counter()
        value = state.dual.price(point.multipliers).value
        self.recording_seconds += time.perf_counter() - started
        return value


@dataclass
class Recovered:
    """The cheapest feasible assignment and the cheapest routes of one step; see `Step` for the attributes."""

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
        """Repair selections [M, K, n], tour the first and the best of the others, and offer them to the incumbent."""
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
