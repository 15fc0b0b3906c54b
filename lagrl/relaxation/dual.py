"""The Lagrangian dual of an assignment problem: L(λ) = Σ_i λ_i + Σ_k min { (a_k − λ)·y : d·y ≤ Q_k, y binary }.

L bounds the assignment surrogate from below (Geoffrion 1974), never the CVRP: the linearised costs are not route
lengths.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lagrl.errors import InputError, require_type
from lagrl.plugins import call_plugin
from lagrl.problems.assignment import AssignmentProblem
from lagrl.relaxation.knapsack import KnapsackBatch
from lagrl.relaxation.sampler import (
    ExactSampler,
    SampleContext,
    SampleQuery,
    Samples,
    SamplingCost,
    SubproblemSampler,
    require_sampler,
    require_samples,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Parts:
    """The separate minima of a dual that is right_side·λ + Σ_k min(0, min_y (c_y − λ·y)), at one λ.

    Attributes
    ----------
    part
        [R] which minima are below 0, the first of them 0.
    choice
        [R, n] their minimisers y.
    value
        [R] their values c_y − λ·y < 0, distance units.
    right_side
        [n] slope of the rest.
    n_parts
        Number of minima.
    """

    part: NDArray[np.int64] = field(repr=False)
    choice: NDArray[np.int64] = field(repr=False)
    value: NDArray[np.float64] = field(repr=False)
    right_side: NDArray[np.float64] = field(repr=False)
    n_parts: int


@dataclass(frozen=True)
class DualPoint:
    """The result of evaluating a dual at a multiplier vector.

    Attributes
    ----------
    multipliers
        [n] λ, distance units.
    value
        L(λ), distance units, under the exact sampler; None when it was not computed.
    sampled_value
        Σλ + Σ_k (a_k − λ)·y_k of the selection. Equals `value` under the exact sampler; otherwise an upper bound on
        L(λ) and a valid cut, never a dual bound.
    selection
        [K, n] y in {0, 1}, uint8, each row within its vehicle's capacity; another dual may define its rows differently.
    violation
        [n] g_i = 1 − Σ_k y_ki, the supergradient of the cut at λ.
    vehicle_value
        [K] (a_k − λ)·y_k, distance units. The vehicle's own supergradient is −`selection[k]`.
    samples
        Every string drawn; None under the exact sampler, whose only string is the selection.
    parts
        Separate minima whose sum with the linear rest is L, or bounds it from below and has the same maximum; None: the
        rows of `selection` are the vehicles'.
    """

    multipliers: NDArray[np.float64] = field(repr=False)
    value: float | None
    sampled_value: float
    selection: NDArray[Any] = field(repr=False)
    violation: NDArray[np.float64] = field(repr=False)
    vehicle_value: NDArray[np.float64] = field(repr=False)
    samples: Samples | None = field(default=None, repr=False)
    parts: Parts | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for array in (self.multipliers, self.selection, self.violation, self.vehicle_value):
            array.setflags(write=False)  # controllers and traces share them

    @property
    def is_optimal(self) -> bool:
        """Whether λ maximises L and the selection solves the surrogate: exact, and every customer selected once."""
        return self.value is not None and not self.violation.any()


class DualFunction(Protocol):
    """A concave function to maximise by its supergradients; multipliers may price any kind of constraint.

    It may have a `spread` too, [n] relative sizes of the multipliers' moves, to which the bundle method's steps are
    then proportional.
    """

    @property
    def n_multipliers(self) -> int:
        """Number of entries of a multiplier vector."""
        ...

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """[n] lower and upper bounds of the multipliers, in their units; a maximiser should lie between them."""
        ...

    @property
    def scale(self) -> float:
        """Typical size of a multiplier, for step lengths, in the multipliers' units."""
        ...

    def evaluate(self, multipliers: NDArray[np.float64]) -> DualPoint:
        """Evaluate the function at one multiplier vector [n]."""
        ...


class AssignmentDual:
    """The dual function of one assignment problem under a sampler.

    Parameters
    ----------
    problem
        The assignment problem.
    sampler
        Solves the knapsacks; exact if None.
    shots
        Strings per vehicle requested from an approximate sampler.
    rng
        Randomness of an approximate sampler; required unless the sampler is exact.
    run
        Name of the run in the sampler's context.
    ceiling
        Upper bound of every multiplier, distance units; 2·max a if None.
    floor
        Lower bound of every multiplier, distance units.

    Attributes
    ----------
    sampling, sampling_seconds
        Resources that an approximate sampler used so far, and its wall-clock seconds without the time in a queue.

    Examples
    --------
    >>> import lagrl, numpy as np
    >>> dual = lagrl.AssignmentDual(lagrl.linearise(lagrl.read("G-n16-k3")))
    >>> point = dual.evaluate(np.full(dual.n_multipliers, 300.0))
    >>> point.selection.shape, point.value == point.sampled_value
    ((3, 15), True)
    """

    def __init__(
        self,
        problem: AssignmentProblem,
        sampler: SubproblemSampler | None = None,
        *,
        shots: int = 1,
        rng: np.random.Generator | None = None,
        run: str = "",
        ceiling: float | None = None,
        floor: float = 0.0,
    ) -> None:
        remedy = "give an assignment problem, from lagrl.linearise(problem)"
        require_type(problem, AssignmentProblem, "problem", remedy)
        self.problem = problem
        self.sampler = ExactSampler() if sampler is None else sampler
        self.is_exact = type(self.sampler) is ExactSampler  # a subclass may sample differently, and is called
        if not self.is_exact:
            require_sampler(self.sampler)
        if not self.is_exact and rng is None:
            raise InputError("an approximate sampler needs randomness", field="rng", remedy="pass a numpy Generator")
        self.shots = shots
        self.run = run
        self.step = 0
        self.sampling = SamplingCost()
        self.sampling_seconds = 0.0
        self._rng = rng
        highest = 2.0 * max(float(problem.cost.max()), 1.0) if ceiling is None else ceiling
        self._bounds = (np.full(problem.n_customers, floor), np.full(problem.n_customers, highest))

    @cached_property
    def _batch(self) -> KnapsackBatch:
        """The problem's knapsacks, built when first used: a loop prices all its ascents together instead."""
        return KnapsackBatch([self.problem])

    @property
    def n_multipliers(self) -> int:
        """Number of customers n."""
        return self.problem.n_customers

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """[n] bounds [floor, ceiling], distance units; the floor is 0 unless given.

        a ≥ 0 makes λ ≥ 0 lossless. The usual ceiling of 2·max a is a choice: it cost nothing on random problems whose
        vehicles had 2 % of room, but where every vehicle must be completely full, λ* can lie above it (or at infinity),
        and so can the linear relaxation's prices.
        """
        return self._bounds

    @property
    def scale(self) -> float:
        """Median over customers of the cheapest vehicle's cost, at least 1, distance units."""
        return self.problem.cost_scale

    def evaluate(self, multipliers: NDArray[np.float64]) -> DualPoint:
        """Evaluate the dual at one multiplier vector [n], distance units, inside or outside the bounds."""
        return evaluate_duals([self], [multipliers], self._batch if self.is_exact else None)[0]

    def clip(self, multipliers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the nearest multipliers [n] within the bounds; InputError for wrong shapes and non-finite entries."""
        return np.clip(_checked(self, multipliers), *self._bounds)

    def price(self, multipliers: NDArray[np.float64]) -> DualPoint:
        """Evaluate the dual exactly at [n] multipliers, whatever the sampler, for the record."""
        vector = _checked(self, multipliers)
        selection, value = self._batch.price([vector])[0]
        return _exact_point(vector, selection, value)

    def sample(self, multipliers: NDArray[np.float64]) -> DualPoint:
        """Evaluate the dual by one call of the sampler at [n] multipliers; the sampled value replaces L(λ)."""
        assert self._rng is not None
        problem = self.problem
        context = SampleContext(self.run, self.step)
        self.step += 1
        started = time.perf_counter()
        reduced_cost = problem.cost - multipliers
        query = SampleQuery(reduced_cost, problem.weight, problem.capacity, self.shots, self._rng, context)
        samples = call_plugin(f"sampler {type(self.sampler).__name__}", partial(self.sampler.sample, query))
        elapsed = time.perf_counter() - started
        require_samples(samples, problem.cost.shape, type(self.sampler).__name__)
        self.sampling += samples.cost
        self.sampling_seconds += max(0.0, elapsed - samples.cost.queue_seconds)
        selection, value = samples.best(*query.knapsacks)
        sampled_value = float(multipliers.sum() + value.sum())
        return DualPoint(multipliers, None, sampled_value, selection, 1.0 - selection.sum(axis=0), value, samples)


def evaluate_duals(
    duals: Sequence[AssignmentDual], multipliers: Sequence[NDArray[np.float64]], batch: KnapsackBatch | None = None
) -> list[DualPoint]:
    """Evaluate several duals of any sizes, each at its multiplier vector [n]; all exact ones in a single compiled call.

    `batch`: the duals' knapsacks as one batch (all exact); made here if None.

    Raises InputError if a vector has the wrong length or a non-finite entry.
    """
    vectors = [_checked(dual, vector) for dual, vector in zip(duals, multipliers, strict=True)]
    exact = [b for b, dual in enumerate(duals) if dual.is_exact]
    points: dict[int, DualPoint] = {}
    if exact:
        layout = batch or KnapsackBatch([duals[b].problem for b in exact])
        for b, (selection, value) in zip(exact, layout.price([vectors[b] for b in exact]), strict=True):
            points[b] = _exact_point(vectors[b], selection, value)
    return [points[b] if b in points else dual.sample(vectors[b]) for b, dual in enumerate(duals)]


def _exact_point(
    multipliers: NDArray[np.float64], selection: NDArray[np.uint8], value: NDArray[np.float64]
) -> DualPoint:
    dual_value = float(multipliers.sum() + value.sum())
    return DualPoint(multipliers, dual_value, dual_value, selection, 1.0 - selection.sum(axis=0), value)


def _checked(dual: AssignmentDual, multipliers: NDArray[np.float64]) -> NDArray[np.float64]:
    vector = np.array(multipliers, dtype=np.float64)  # a copy: the point must not change later
    if vector.shape != (dual.n_multipliers,):
        raise InputError(
            f"array of shape {vector.shape}", field="multipliers", remedy=f"give shape {(dual.n_multipliers,)}"
        )
    if not np.isfinite(vector).all():
        customer = int(np.flatnonzero(~np.isfinite(vector))[0]) + 1
        raise InputError(
            f"customer {customer} is priced {vector[customer - 1]}", field="multipliers", remedy="return finite numbers"
        )
    return vector
