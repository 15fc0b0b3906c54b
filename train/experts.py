"""Whom to clone: any controller of lagrl, or one that knows where the dual's maximum is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.ascent import ascend
from lagrl.controllers.camerini import CameriniFrattaMaffioli
from lagrl.controllers.registry import controller_factory
from lagrl.dual_loop import AscentState, DualLoop
from lagrl.errors import InputError
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool
from lagrl.relaxation.dual import AssignmentDual

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lagrl.controllers.base import Controller, Feedback
    from lagrl.relaxation.dual import DualFunction, DualPoint

_DECODE_EVERY = 10  # evaluations of the long run between two looks at its incumbent


def expert_factory(name: str) -> Callable[[], Controller]:
    """Return what makes the experts called `name`: a fresh one for every episode.

    Parameters
    ----------
    name
        `target`, or anything that `lagrl solve --controller` takes.

    Raises
    ------
    UnknownNameError, InputError
        See `lagrl.controllers.registry.controller_factory`.
    """
    return TargetExpert if name == "target" else controller_factory(name)


class TargetExpert:
    """λ ← λ + α·(λ* − λ), with λ* the best multipliers of a long exact run from the episode's own start.

    Unlike a supergradient rule it can say what to do with customers that are served once, and it always knows the
    way home from where a learner went. It spends evaluations of its own on λ* before the episode begins: an oracle to
    learn from, not a controller to compare with.

    Parameters
    ----------
    pull
        α, share of the way.
    evaluations
        Length of the run, by Camerini, Fratta and Maffioli's rule.
    """

    def __init__(self, pull: float = 0.6, evaluations: int = 400) -> None:
        self.pull = pull
        self.evaluations = evaluations

    def start(
        self,
        dual: DualFunction,
        *,
        budget: int,
        rng: np.random.Generator,
        initial: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Find λ*; begin at `initial`, or at zero without one.

        Raises
        ------
        InputError
            If the dual is not that of an assignment problem made from an instance.
        """
        del budget
        if not isinstance(dual, AssignmentDual) or dual.problem.origin is None:
            raise InputError(
                f"{type(dual).__name__} does not say which instance it is of",
                source="expert target",
                field="dual",
                remedy="use a classical controller",
            )
        self.target = best_multipliers(dual, self.evaluations, rng, initial)
        return np.zeros(dual.n_multipliers) if initial is None else np.array(initial, dtype=np.float64)

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Go some of the way to λ* from the last point; see `Controller.update`."""
        del feedback
        return point.multipliers + self.pull * (self.target - point.multipliers)


def best_multipliers(
    dual: AssignmentDual, evaluations: int, rng: np.random.Generator, initial: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the best multipliers [n] of a long exact ascent, distance units; the dual itself is not touched."""
    assert dual.problem.origin is not None
    (floor, *_), (ceiling, *_) = dual.bounds
    exact = AssignmentDual(dual.problem, floor=float(floor), ceiling=float(ceiling))
    state = AscentState(exact, Incumbent(RoutePool(dual.problem.origin)), rng)
    loop = DualLoop([state], decode_every=_DECODE_EVERY, route_every=evaluations)
    (trace,) = ascend(loop, [CameriniFrattaMaffioli()], [evaluations], [rng], [initial])
    assert trace.best is not None
    return trace.best.point.multipliers
