"""Ascending the dual: the loop, with a controller asked for every multiplier vector."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.base import has_finished
from lagrl.errors import InputError
from lagrl.plugins import call_plugin
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lagrl.controllers.base import Controller
    from lagrl.dual_loop import AscentState, DualLoop, Step


@dataclass
class DualTrace:
    """The scalars of an ascent, one entry per evaluation, and its best turn.

    Attributes
    ----------
    sampled_value
        What the sampler made of L(λ), distance units.
    exact_value
        L(λ), distance units; NaN where it was not computed.
    assignment_cost, route_cost
        See `Turn`.
    sampling
        What the sampler used up, all evaluations together.
    candidates
        Length, distance units, and pool columns of each turn's cheapest routes, whether or not they meet the fleet
        rule; the same routes count once.
    best
        The turn with the highest exact (else sampled) value; the last is not necessarily the best.
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

    def append(self, step: Step) -> None:
        """Add one evaluation."""
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
    controllers: Sequence[Controller],
    budgets: Sequence[int],
    rngs: Sequence[np.random.Generator],
    initial: Sequence[NDArray[np.float64] | None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[DualTrace]:
    """Ascend every lane's dual, asking its controller for every multiplier vector.

    A lane ends with its budget, at a proven optimum of its dual, or when its controller says that it is finished (see
    `controllers.base.Finishing`); all end when `stop` says so, which is asked after each step. The first step is always
    taken.

    Parameters
    ----------
    loop
        The lanes.
    controllers, budgets, rngs
        One controller, number of evaluations (1 or more) and source of randomness per lane.
    initial
        One warm start [n] per lane, distance units; the controllers' own start where None.
    stop
        Whether to end early, by the clock for instance.

    Returns
    -------
    One trace per lane.

    Raises
    ------
    InputError
        If a controller raises, or answers with anything but [n] finite numbers.
    """
    traces = [DualTrace() for _ in loop.states]
    multipliers: list[NDArray[np.float64] | None] = [
        _answer(controller, state, partial(controller.start, state.dual, budget=budget, rng=rng, initial=start))
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
                ask = partial(controllers[b].update, step.point, step.feedback)
                following = _answer(controllers[b], loop.states[b], ask)
                multipliers[b] = None if has_finished(controllers[b]) else following
        if stop is not None and stop():
            break
    return traces


def _answer(controller: Controller, state: AscentState, ask: Callable[[], object]) -> NDArray[np.float64]:
    """Ask a controller; what it raises, or anything but [n] numbers, becomes an error in its name.

    A forgotten `return` must not make a lane rest.
    """
    name = f"controller {type(controller).__name__}"
    answer = call_plugin(name, ask)
    try:
        return state.dual.clip(np.asarray(answer, dtype=np.float64))
    except InputError as error:
        raise InputError(error.problem, source=name, field=error.field, remedy=error.remedy) from error
    except Exception as error:  # an array of another library may refuse in its own way
        raise InputError(
            f"{type(answer).__name__} is not a vector of numbers", source=name, field="multipliers", remedy="return [n]"
        ) from error


def _merit(step: Step) -> float:
    return step.point.sampled_value if step.exact_value is None else step.exact_value
