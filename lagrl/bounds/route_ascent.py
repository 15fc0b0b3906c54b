"""The ascent of a route dual with a controller."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.learned_ascent import LearnedAscent
from lagrl.controllers.base import ask_controller, has_finished

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from lagrl.bounds.route_dual import RouteDual
    from lagrl.controllers.base import Controller


_RAY = 8  # evaluations to find a start
_SHRINK = 0.85


def ascend_route_dual(
    dual: RouteDual,
    controller: Controller,
    budget: int,
    rng: np.random.Generator,
    initial: NDArray[np.float64] | None = None,
) -> Generator[None, None, tuple[NDArray[np.float64], bool]]:
    """Ascend a route dual in `budget` evaluations (1 or more); yields between pieces of work.

    The dual keeps its best value and its routes. The controller starts from `initial` [n + 1], if given. If not, a
    `LearnedAscent` has its own start, and other controllers start from the best multiple of
    `RouteDual.first_multipliers` that a few evaluations find.

    Returns the best multipliers [n + 1], distance units, and whether they are proven to be: a supergradient was zero,
    or the controller is finished.

    Raises InputError if the controller raises, or returns anything except [n + 1] finite numbers.
    """
    before = dual.evaluations
    start = initial
    if initial is None and not isinstance(controller, LearnedAscent):
        start = yield from _along_a_ray(dual, min(_RAY, budget // 4))
    budget -= dual.evaluations - before
    begin = partial(controller.start, dual, budget=budget, rng=rng, initial=start)
    vector = ask_controller(controller, begin, dual.clip)
    best, best_vector = -np.inf, vector
    for spent in range(budget):
        point = yield from dual.evaluation(vector)
        if point.sampled_value > best:
            best, best_vector = point.sampled_value, vector
        if point.is_optimal:
            return vector, True
        if spent + 1 < budget:
            vector = ask_controller(controller, partial(controller.update, point), dual.clip)
            if has_finished(controller):
                return best_vector, True
    return best_vector, False


def _along_a_ray(dual: RouteDual, budget: int) -> Generator[None, None, NDArray[np.float64]]:
    """Shrink the first multipliers while that raises the bound: if too high, every customer has a paying route."""
    vector, best = dual.first_multipliers(), -np.inf
    for _ in range(budget):
        trial = vector if best == -np.inf else _SHRINK * vector
        point = yield from dual.evaluation(trial)
        if point.sampled_value < best:
            break
        best, vector = point.sampled_value, trial
    return vector
