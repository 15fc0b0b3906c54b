"""Capacitated cascade routing by the dual loop of this library: bound by knapsacks, answers by repair and exchanges."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np

from lagrl.ascent import ascend
from lagrl.cascade.exchange_moves import improve
from lagrl.cascade.ruin import ruin_and_recreate
from lagrl.controllers.registry import make_controller
from lagrl.dual_loop import AscentState, DualLoop
from lagrl.errors import InstanceError
from lagrl.problems.cascade.admissible import TOLERANCE, admissible_pairs
from lagrl.problems.cascade.capacitated import UNIT, assignment_problem, cost_ceiling
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.reconstruction import ClusterTours
from lagrl.recovery.repair import repair
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.ascent import DualTrace
    from lagrl.problems.assignment import AssignmentProblem
    from lagrl.problems.cascade.cascade import Cascade
    from lagrl.recovery.pool import RoutePool
    from lagrl.relaxation.linear_dual import LinearDual
    from lagrl.relaxation.sampler import SamplingCost, SubproblemSampler


@dataclass(frozen=True)
class DualOptions:
    """Options of the dual route.

    Attributes
    ----------
    controller
        Controller that moves the multipliers from those of the linear relaxation, as in `lagrl solve`.
    sampler
        Solver of the knapsacks; exact if None.
    evaluations
        Evaluations of the dual after its linear relaxation, at each price of quality.
    shots
        Strings per model of a sampler.
    rounds
        Rounds of ruin and recreate at each price of quality.
    prices
        Number of prices of quality tried under a floor of the mean quality.
    gap
        Relative gap at which it ends.
    seed
        Source of randomness.
    """

    controller: str = "volume"
    sampler: SubproblemSampler | None = None
    evaluations: int = 0
    shots: int = 256
    rounds: int = 20_000
    prices: int = 12
    gap: float = 5e-4
    seed: int = 0


@dataclass(eq=False)
class CapacityResult:
    """Best answer and bound of the dual route.

    Attributes
    ----------
    model
        [n] the cheapest answer without faults; None if none was found.
    dollars
        Its cost; infinite without one.
    bound
        Lower bound on the cost of every answer, dollars: of the linear relaxation or of exact knapsacks.
    evaluations
        Evaluations of the dual.
    sampling
        Resources of the sampler; None without an evaluation.
    """

    model: NDArray[np.int64] | None = field(default=None, repr=False)
    dollars: float = np.inf
    bound: float = -np.inf
    evaluations: int = 0
    sampling: SamplingCost | None = None

    @property
    def gap(self) -> float:
        """(dollars − bound) / dollars; infinite without an answer."""
        if self.model is None:
            return np.inf
        return (self.dollars - self.bound) / self.dollars if self.dollars else 0.0


def solve_capacitated(cascade: Cascade, options: DualOptions, seconds: float = np.inf) -> CapacityResult:
    """Solve a capacitated instance by its Lagrangian dual, from the multipliers of the linear relaxation.

    Answers are made by regret at the capacities' prices, by repair of selections, by exchanges, and by ruin and
    recreate until the seconds are over.

    Without a floor of the mean quality one dual is ascended. With it, the price π of a missing point of score is
    bisected: L(π, λ) = L_π(λ) − π n (1 − floor) bounds the cost for every π ≥ 0. The prices share the seconds equally.
    """
    deadline = time.perf_counter() + seconds
    result = CapacityResult()
    if not cascade.mean_quality_floor:
        _at_price(cascade, 0.0, options, result, deadline)
        return result
    pairs = admissible_pairs(cascade)
    low, high = 0.0, _largest_price(cascade, pairs)
    for step in range(options.prices):
        price = 0.0 if step == 0 else high if step == 1 else (low * high) ** 0.5 if low else high / 16.0
        now = time.perf_counter()
        share = now + (deadline - now) / (options.prices - step)  # each price has its share of the time left
        quality = _at_price(cascade, price, options, result, share)
        if step == 0 and quality >= cascade.mean_quality_floor - TOLERANCE:
            break
        if quality >= cascade.mean_quality_floor:
            high = min(high, price) if step != 1 else high
        else:
            low = max(low, price)
        if result.gap <= options.gap or time.perf_counter() > deadline:
            break
    return result


def _at_price(cascade: Cascade, price: float, options: DualOptions, result: CapacityResult, deadline: float) -> float:
    """Solve at one price of quality, update the result; return the mean quality of the cheapest answer there."""
    problem, pairs = assignment_problem(cascade, price), admissible_pairs(cascade)
    warm = linear_dual(problem)
    answers = _Answers(cascade, problem, pairs, result)
    missing = price * cascade.n_tasks * (1.0 - cascade.mean_quality_floor) if cascade.mean_quality_floor else 0.0
    result.bound = max(result.bound, warm.value / UNIT - missing)
    answers.offer(_by_regret(problem, warm.capacity_price))
    if options.evaluations and result.gap > options.gap:
        trace = _ascend(cascade, problem, warm, options, deadline)
        result.evaluations += len(trace)
        result.sampling = trace.sampling if result.sampling is None else result.sampling + trace.sampling
        if trace.dual_value is not None:
            result.bound = max(result.bound, trace.dual_value / UNIT - missing)
        if trace.best is not None:
            answers.offer(repair(problem, trace.best.point.selection).assignment)
    if answers.model is not None:
        rng = np.random.default_rng(options.seed)
        least = (1.0 + options.gap) * warm.value

        def is_good(model: NDArray[np.int64]) -> bool:
            return float(problem.cost[model, np.arange(len(model))].sum()) <= least

        answers.offer(ruin_and_recreate(problem, warm, answers.model, rng, deadline, options.rounds, is_good))
    return answers.quality


def _ascend(
    cascade: Cascade, problem: AssignmentProblem, warm: LinearDual, options: DualOptions, deadline: float
) -> DualTrace:
    """Ascend the dual from the relaxation's multipliers; the trace's best point is repaired by the caller."""
    pairs = admissible_pairs(cascade)
    ceiling = cost_ceiling(problem.cost, pairs)
    rng = np.random.default_rng(options.seed)
    dual = AssignmentDual(problem, options.sampler, shots=options.shots, rng=rng, ceiling=ceiling, run=cascade.name)
    nowhere = Incumbent(cast("RoutePool", None))  # only its evaluations are counted: nothing is toured
    state = AscentState(dual, nowhere, rng, reconstruction=ClusterTours(no_empty=False))
    loop = DualLoop([state], tour_decoded=False, n_joint=2)
    start = np.clip(warm.multipliers, 0.0, ceiling)
    controller = make_controller(options.controller)
    try:
        return ascend(loop, controller, options.evaluations, rng, start, lambda: time.perf_counter() > deadline)
    except InstanceError as error:  # its vehicles are models
        raise InstanceError(
            error.problem.replace("vehicle", "model", 1),
            source=cascade.name,
            field="capacity_tokens",
            remedy="give 0 evaluations: the relaxation proves its bound without; or count tokens in thousands",
        ) from error


def _by_regret(problem: AssignmentProblem, price: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return an assignment [n] by regret at the relaxation's costs a_ki + μ_k d_i; −1 where none has room."""
    from lagrl.relaxation.pricing_kernels import assign_by_regret

    assignment = np.full(problem.n_customers, -1)
    priced = np.ascontiguousarray(problem.cost + price[:, None] * problem.weight)
    assign_by_regret(priced, problem.weight, problem.capacity.copy(), assignment)
    return assignment


class _Answers:
    """Improves assignments of one price of quality, and offers them to the result."""

    def __init__(
        self, cascade: Cascade, problem: AssignmentProblem, pairs: NDArray[np.bool_], result: CapacityResult
    ) -> None:
        self._cascade, self._problem, self._pairs, self._result = cascade, problem, pairs, result
        self._least = np.inf
        self.quality = 0.0
        self.model: NDArray[np.int64] | None = None

    def offer(self, assignment: NDArray[np.int64]) -> None:
        """Improve a complete assignment [n] of admissible pairs by exchanges; others are left out."""
        each = np.arange(len(assignment))
        if (assignment < 0).any() or not self._problem.is_feasible(assignment):
            return
        model = improve(self._problem, assignment)
        if not self._pairs[model, each].all():
            return
        cost = float(self._problem.cost[model, each].sum())
        quality = float(self._cascade.quality[model, each].mean())
        if cost < self._least:
            self._least, self.quality, self.model = cost, quality, model
        dollars = float(self._cascade.dollars[model, each].sum())
        fits = quality >= self._cascade.mean_quality_floor * (1 - TOLERANCE)
        if fits and dollars <= self._cascade.budget_dollars * (1 + TOLERANCE) and dollars < self._result.dollars:
            self._result.model, self._result.dollars = model, dollars


def _largest_price(cascade: Cascade, pairs: NDArray[np.bool_]) -> float:
    """Return a price of quality, dollars per point, at which the score decides nearly alone."""
    dollars = np.where(pairs, cascade.dollars, 0.0).max(axis=0).mean()
    scores = np.where(pairs, cascade.quality, 0.0).max(axis=0) - np.where(pairs, cascade.quality, 1.0).min(axis=0)
    return 100.0 * float(dollars) / max(float(scores.mean()), 1e-6)
