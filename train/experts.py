"""Experts for imitation: any controller of lagrl, or one that knows the maximiser of the dual."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from envs.action import action_label
from lagrl.ascent import ascend_all
from lagrl.controllers.camerini import CameriniFrattaMaffioli
from lagrl.controllers.registry import controller_factory
from lagrl.controllers.registry import is_built_in as is_built_in_controller
from lagrl.dual_loop import AscentState, DualLoop
from lagrl.errors import InputError
from lagrl.plugins import call_plugin
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool
from lagrl.relaxation.dual import AssignmentDual

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from envs.action import ActionConfig
    from envs.episode import Episode
    from envs.route.episode import RouteEpisode
    from lagrl.controllers.base import Controller, Feedback
    from lagrl.relaxation.dual import DualFunction, DualPoint

_DECODE_EVERY = 10  # evaluations of the long run


def expert_factory(name: str) -> Callable[[], Controller]:
    """Return a function that makes experts of a name, one for every episode.

    Parameters
    ----------
    name
        `target`, or a controller of `lagrl solve --controller`.

    Raises
    ------
    UnknownNameError, InputError
        See `lagrl.controllers.registry.controller_factory`.
    """
    return TargetExpert if name == "target" else controller_factory(name)


def is_built_in(name: str) -> bool:
    """Whether a name is of one of lagrl's experts; see `lagrl.plugins.require_trusted`."""
    return name == "target" or is_built_in_controller(name)


def start_expert(
    make: Callable[[], Controller], episode: Episode | RouteEpisode, rng: np.random.Generator
) -> Controller:
    """Return a new expert, started on an episode.

    Raises
    ------
    InputError
        If the expert's code fails.
    """
    expert = make()
    start = partial(expert.start, episode.dual, budget=episode.budget, rng=rng, initial=episode.initial)
    call_plugin(_source(expert), start)
    return expert


def expert_target(expert: Controller, episode: Episode | RouteEpisode) -> NDArray[np.float64]:
    """Return the expert's multipliers [n] after the episode's last evaluation, clipped, distance units.

    Raises
    ------
    InputError
        If the expert's code fails or returns anything but n finite numbers.
    """
    assert episode.step is not None
    update = partial(expert.update, episode.step.point, episode.step.feedback)
    target = call_plugin(_source(expert), update)
    try:
        return episode.dual.clip(target)
    except InputError as error:
        raise InputError(error.problem, source=_source(expert), field=error.field, remedy=error.remedy) from error


def expert_label(
    target: NDArray[np.float64], episode: Episode, config: ActionConfig
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the action [n] from the last evaluation to `target`, and its mask; see `action_label`."""
    assert episode.step is not None
    point = episode.step.point
    return action_label(point.multipliers, target, point.violation, episode.dual.scale, config)


class TargetExpert:
    """λ ← λ + α·(λ* − λ), with λ* the best multipliers of a long exact run from the episode's start.

    Unlike a supergradient rule it also moves customers that are served exactly once, and it leads back from any
    multipliers that a learner visits. It needs additional evaluations for λ* before the episode starts: it is an
    oracle for imitation, not a controller for comparisons.

    Parameters
    ----------
    pull
        α, share of the distance to λ* per step.
    evaluations
        Evaluations of the long run, by the rule of Camerini, Fratta and Maffioli (1975).
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
        """Compute λ*; start at `initial`, or at zero if None.

        Raises
        ------
        InputError
            If the dual is not that of an assignment problem made from an instance.
        """
        del budget
        if not isinstance(dual, AssignmentDual) or dual.problem.origin is None:
            raise InputError(
                f"{type(dual).__name__} is not the dual of an instance",
                source="expert target",
                field="dual",
                remedy="use a classical controller",
            )
        self.target = best_multipliers(dual, self.evaluations, rng, initial)
        return np.zeros(dual.n_multipliers) if initial is None else np.array(initial, dtype=np.float64)

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Move from the last point towards λ*; see `Controller.update`."""
        del feedback
        return point.multipliers + self.pull * (self.target - point.multipliers)


def best_multipliers(
    dual: AssignmentDual, evaluations: int, rng: np.random.Generator, initial: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the best multipliers [n] of a long exact ascent, distance units, without changing the dual."""
    assert dual.problem.origin is not None
    (floor, *_), (ceiling, *_) = dual.bounds
    exact = AssignmentDual(dual.problem, floor=float(floor), ceiling=float(ceiling))
    state = AscentState(exact, Incumbent(RoutePool(dual.problem.origin)), rng)
    loop = DualLoop([state], decode_every=_DECODE_EVERY, tour_decoded=False)
    (trace,) = ascend_all(loop, [CameriniFrattaMaffioli()], [evaluations], [rng], [initial])
    assert trace.best is not None
    return trace.best.point.multipliers


def _source(expert: Controller) -> str:
    return f"expert {type(expert).__name__}"
