"""Ascending the dual: the loop, with a controller that chooses every multiplier vector."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.base import ask_controller, has_finished
from lagrl.controllers.registry import make_controller
from lagrl.dual_loop import DualLoop
from lagrl.errors import BudgetError, InputError, require_type
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lagrl.controllers.base import Controller
    from lagrl.dual_loop import Step


@dataclass
class DualTrace:
    """The scalars of an ascent, one entry per evaluation, and its best step.

    Attributes
    ----------
    sampled_value
        The sampler's value of L(λ), distance units.
    exact_value
        L(λ), distance units; NaN where it was not computed.
    assignment_cost, route_cost
        See `Step`.
    sampling
        Resources that the sampler used, all evaluations together.
    candidates
        Length, distance units, and pool columns of each step's cheapest routes, whether or not they meet the fleet
        rule; the same routes count once.
    best
        The step with the highest exact (else sampled) value; the last is not necessarily the best.

    Examples
    --------
    >>> import lagrl
    >>> loop = lagrl.DualLoop.of(lagrl.AssignmentDual(lagrl.linearise(lagrl.read("G-n16-k3"))))
    >>> trace = lagrl.ascend(loop, "constant", budget=10)
    >>> trace.best.exact_value == trace.dual_value
    True
    """

    sampled_value: list[float] = field(default_factory=list)
    exact_value: list[float] = field(default_factory=list)
    assignment_cost: list[float] = field(default_factory=list)
    route_cost: list[float] = field(default_factory=list)
    sampling: SamplingCost = field(default_factory=SamplingCost)
    candidates: dict[frozenset[int], tuple[float, tuple[int, ...]]] = field(default_factory=dict, repr=False)
    best: Step | None = None

    def __len__(self) -> int:
        return len(self.sampled_value)

    def __str__(self) -> str:
        value = "no exact dual value" if self.dual_value is None else f"dual value {self.dual_value:.10g}"
        costs = [cost for cost in self.route_cost if np.isfinite(cost)]
        routes = f", cheapest routes {min(costs):.10g}" if costs else ""
        return f"dual ascent of {len(self)} evaluations: {value}{routes}"

    def append(self, step: Step) -> None:
        """Add one evaluation to the trace."""
        self.sampled_value.append(step.point.sampled_value)
        self.exact_value.append(np.nan if step.exact_value is None else step.exact_value)
        self.assignment_cost.append(step.assignment_cost)
        self.route_cost.append(step.route_cost)
        self.sampling += step.sampling
        if step.columns:
            self.candidates[frozenset(step.columns)] = step.columns_cost, step.columns
        if self.best is None or _merit(step) > _merit(self.best):
            self.best = step

    def cheapest(self, most: int) -> list[tuple[int, ...]]:
        """Return the pool columns of the cheapest candidates, the cheapest first."""
        return [columns for _, columns in sorted(self.candidates.values(), key=lambda found: found[0])[:most]]

    @property
    def dual_value(self) -> float | None:
        """Highest exact L(λ) seen, distance units: a lower bound on the assignment surrogate, not on the CVRP."""
        seen = [value for value in self.exact_value if not np.isnan(value)]
        return max(seen) if seen else None


def ascend(
    loop: DualLoop,
    controller: Controller | str,
    budget: int = 100,
    rng: np.random.Generator | None = None,
    initial: NDArray[np.float64] | None = None,
    stop: Callable[[], bool] | None = None,
    on_step: Callable[[Step], object] | None = None,
) -> DualTrace:
    """Ascend one dual; the controller chooses every multiplier vector.

    Parameters
    ----------
    loop
        The dual loop of one dual, see `DualLoop.of`.
    controller
        A controller, its class, or a name such as `volume`.
    budget
        Evaluations, 1 or more.
    rng
        Randomness of the controller; seeded with 0 if None.
    initial, stop
        See `ascend_all`.
    on_step
        Receives each evaluation, with its multipliers and selections; the trace keeps their scalars only.

    Raises
    ------
    InputError
        If the loop has more than one entry, the controller is unknown, raises, or answers with anything but [n] finite
        numbers.
    BudgetError
        If the budget is below 1.

    Examples
    --------
    >>> import lagrl
    >>> assignment = lagrl.linearise(lagrl.read("G-n16-k3"))
    >>> loop = lagrl.DualLoop.of(lagrl.AssignmentDual(assignment))
    >>> trace = lagrl.ascend(loop, "volume", budget=30)
    >>> len(trace), max(trace.exact_value) == trace.dual_value
    (30, True)
    """
    remedy = "give lagrl.DualLoop.of(lagrl.AssignmentDual(lagrl.linearise(problem)))"
    require_type(loop, DualLoop, "loop", remedy)
    if len(loop.states) != 1:
        raise InputError(f"{len(loop.states)} duals", field="loop", remedy="use lagrl.ascent.ascend_all for several")
    if budget < 1:
        raise BudgetError(f"{budget} allows nothing", field="budget", remedy="give 1 or more")
    rng = np.random.default_rng(0) if rng is None else rng

    def is_over() -> bool:
        step = loop.states[0].last
        if on_step is not None and step is not None:
            on_step(step)
        return stop is not None and stop()

    return ascend_all(loop, [make_controller(controller)], [budget], [rng], [initial], is_over)[0]


def ascend_all(
    loop: DualLoop,
    controllers: Sequence[Controller],
    budgets: Sequence[int],
    rngs: Sequence[np.random.Generator],
    initial: Sequence[NDArray[np.float64] | None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[DualTrace]:
    """Ascend every dual of a batch; controllers choose the multiplier vectors.

    An ascent ends with its budget, at a proven optimum of its dual, or when its controller is finished (see
    `controllers.base.Finishing`). All end when `stop()` is true after a step. The first step is always taken.

    Parameters
    ----------
    loop
        The batch of ascents.
    controllers, budgets, rngs
        One controller, number of evaluations (1 or more) and source of randomness per ascent.
    initial
        One warm start [n] per ascent, distance units; the controllers' own start where None.
    stop
        Whether to end early, by the clock for instance.

    Returns
    -------
    One trace per ascent.

    Raises
    ------
    InputError
        If a controller raises, or returns anything except [n] finite numbers.
    """
    traces = [DualTrace() for _ in loop.states]
    multipliers: list[NDArray[np.float64] | None] = [
        ask_controller(
            controller, partial(controller.start, state.dual, budget=budget, rng=rng, initial=start), state.dual.clip
        )
        for state, controller, budget, rng, start in zip(
            loop.states, controllers, budgets, rngs, initial or [None] * len(loop.states), strict=True
        )
    ]
    while any(vector is not None for vector in multipliers):
        for b, step in enumerate(loop.step(multipliers)):
            if step is None:
                continue
            traces[b].append(step)
            if step.is_optimal or len(traces[b]) >= budgets[b]:
                multipliers[b] = None
            else:
                update = partial(controllers[b].update, step.point, step.feedback)
                following = ask_controller(controllers[b], update, loop.states[b].dual.clip)
                multipliers[b] = None if has_finished(controllers[b]) else following
        if stop is not None and stop():
            break
    return traces


def _merit(step: Step) -> float:
    return step.point.sampled_value if step.exact_value is None else step.exact_value
