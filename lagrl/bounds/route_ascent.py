"""Climbing a route dual with a controller."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.base import has_finished
from lagrl.errors import InputError
from lagrl.plugins import call_plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from lagrl.bounds.route_dual import RouteDual
    from lagrl.controllers.base import Controller


_RAY = 8  # evaluations to find a start
_SHRINK = 0.85


def ascend_route_dual(
    dual: RouteDual, controller: Controller, budget: int, rng: np.random.Generator
) -> Generator[None, None, tuple[NDArray[np.float64], bool]]:
    """Ask a controller for every multiplier vector; yields now and then.

    Parameters
    ----------
    dual
        The dual; it keeps its best value and the routes.
    controller
        Who is asked, from the best multiple of `RouteDual.first_multipliers` on that a few evaluations find.
    budget
        Evaluations, 1 or more.
    rng
        Randomness of the controller.

    Returns
    -------
    The best multipliers [n + 1], distance units, and whether they are proven to be: a supergradient was zero, or the
    controller is finished.

    Raises
    ------
    InputError
        If the controller raises, or answers with anything but [n + 1] finite numbers.
    """
    before = dual.evaluations
    start = yield from _along_a_ray(dual, min(_RAY, budget // 4))
    budget -= dual.evaluations - before
    vector = _answer(dual, controller, partial(controller.start, dual, budget=budget, rng=rng, initial=start))
    best, best_vector = -np.inf, vector
    for spent in range(budget):
        point = yield from dual.evaluation(vector)
        if point.sampled_value > best:
            best, best_vector = point.sampled_value, vector
        if point.is_optimal:
            return vector, True
        if spent + 1 < budget:
            vector = _answer(dual, controller, partial(controller.update, point))
            if has_finished(controller):
                return best_vector, True
    return best_vector, False


def _along_a_ray(dual: RouteDual, budget: int) -> Generator[None, None, NDArray[np.float64]]:
    """Shrink the first multipliers while that raises the bound: too high, they pay for one route at every customer."""
    vector, best = dual.first_multipliers(), -np.inf
    for _ in range(budget):
        trial = vector if best == -np.inf else _SHRINK * vector
        point = yield from dual.evaluation(trial)
        if point.sampled_value < best:
            break
        best, vector = point.sampled_value, trial
    return vector


def _answer(dual: RouteDual, controller: Controller, ask: Callable[[], object]) -> NDArray[np.float64]:
    name = f"controller {type(controller).__name__}"
    answer = call_plugin(name, ask)
    try:
        return dual.clip(np.asarray(answer, dtype=np.float64))
    except InputError as error:
        raise InputError(error.problem, source=name, field=error.field, remedy=error.remedy) from error
    except Exception as error:  # an array of another library may refuse in its own way
        raise InputError(
            f"{type(answer).__name__} is not a vector of numbers",
            source=name,
            field="multipliers",
            remedy="return [n + 1]",
        ) from error
