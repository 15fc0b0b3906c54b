"""The controller protocol, and the bookkeeping that classical rules share.

A controller chooses multiplier vectors; any object with `start` and `update` is one: a subgradient rule, a trained
policy, a custom class. `Rule` is a convenience for the classical rules, not a requirement.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from lagrl.controllers.best_point import BestPoint
from lagrl.errors import InputError
from lagrl.plugins import call_plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualFunction, DualPoint


@dataclass(frozen=True)
class Feedback:
    """Results of recovery so far, for controllers that use them.

    Attributes
    ----------
    assignment_upper_bound
        Cost of the cheapest repaired assignment found in this linearisation, distance units: an upper bound on every
        L(λ) of it. None before an assignment was feasible.
    route_cost
        Cost of the best routes found, distance units; not comparable with L. None before there are routes.
    master_duals
        [n] prices of this dual's customers in the set-partitioning master, distance units, 0 or more: a heuristic
        estimate of multipliers that price whole routes. None before the master was solved.
    """

    assignment_upper_bound: float | None = None
    route_cost: float | None = None
    master_duals: NDArray[np.float64] | None = None


@runtime_checkable
class Controller(Protocol):
    """Chooses every multiplier vector of an ascent.

    The loop clips the returned vector to the dual's bounds and passes the clipped vector back in the next `DualPoint`.
    Under an approximate sampler `point.value` is None: only `sampled_value` and `violation` are visible. A controller
    that detects its own end may also be `Finishing`.
    """

    def start(
        self, dual: DualFunction, *, budget: int, rng: np.random.Generator, initial: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Start an ascent and return its first multipliers [n].

        Parameters
        ----------
        dual
            The function to maximise. Controllers must not call its `evaluate`: only the loop evaluates.
        budget
            Evaluations the ascent may take.
        rng
            Randomness of this ascent.
        initial
            [n] warm start, if any.
        """
        ...

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Return the next multipliers [n], given the last ones priced."""
        ...


@runtime_checkable
class Finishing(Protocol):
    """An optional property of a controller: whether it is finished before its budget is spent."""

    @property
    def is_finished(self) -> bool:
        """Whether further evaluations gain nothing; read after each `update`."""
        ...


def has_finished(controller: Controller) -> bool:
    """Return whether a controller is finished; only a true bool counts, not a method of the same name.

    Raises InputError with the controller's name, if reading `is_finished` raises.
    """
    answer = call_plugin(f"controller {type(controller).__name__}", partial(getattr, controller, "is_finished", False))
    return isinstance(answer, bool | np.bool_) and bool(answer)


def ask_controller(
    controller: Controller, call: Callable[[], object], clip: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Call a controller's method and return its multipliers [n], clipped; a forgotten `return` is an error, too.

    Raises InputError with the controller's name, if it raises, or returns anything except [n] finite numbers.
    """
    name = f"controller {type(controller).__name__}"
    answer = call_plugin(name, call)
    try:
        return clip(np.asarray(answer, dtype=np.float64))
    except InputError as error:
        raise InputError(error.problem, source=name, field=error.field, remedy=error.remedy) from error
    except Exception as error:  # an array of another library may raise any error
        raise InputError(
            f"{type(answer).__name__} is not a vector of numbers", source=name, field="multipliers", remedy="return [n]"
        ) from error


class Rule(ABC):
    """A controller that keeps its best point; subclasses choose the next multipliers in `_next`.

    Attributes
    ----------
    scale
        The dual's typical multiplier size s, distance units.
    """

    scale: float
    budget: int
    rng: np.random.Generator

    @property
    def best(self) -> float:
        """Value of the best point so far, distance units; see `BestPoint`."""
        return self._best.value

    @property
    def best_multipliers(self) -> NDArray[np.float64]:
        """The best point [n] so far, distance units; the start before the first evaluation."""
        return self._best.multipliers

    @property
    def value(self) -> float:
        """Value of the last evaluation, distance units: L, or its lowest upper bound; see `BestPoint`."""
        return self._best.last_value

    @property
    def stalled(self) -> int:
        """Evaluations since one was the best when it was made."""
        return self._best.stalled

    def start(
        self, dual: DualFunction, *, budget: int, rng: np.random.Generator, initial: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Start at `initial`, or at zero if None; see `Controller.start`."""
        self.scale, self.budget, self.rng = dual.scale, budget, rng
        self._best = BestPoint(np.zeros(dual.n_multipliers) if initial is None else np.array(initial, dtype=np.float64))
        self._begin(dual.n_multipliers)
        return self.best_multipliers.copy()

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Keep the point if it is the best, then step; see `Controller.update`."""
        self._best.note(point)
        if not point.violation.any():
            return point.multipliers  # a supergradient of zero: the maximum
        return self._next(point, feedback or Feedback())

    def _begin(self, n_multipliers: int) -> None:  # noqa: B027 - not every rule accumulates anything
        """Reset the state of an ascent."""

    @abstractmethod
    def _next(self, point: DualPoint, feedback: Feedback) -> NDArray[np.float64]:
        """Return the next multipliers; the point is not optimal and has been noted."""


def gap_to_close(feedback: Feedback, value: float, scale: float) -> float:
    """Return the distance from a dual value to its upper bound, the numerator of Polyak's step.

    Without an upper bound, the distance is 5 % of |value| (Held, Wolfe and Crowder 1974 start from an estimate too),
    and at least the scale, so that an ascent can leave L = 0. With one, it is at least a thousandth of the scale, so
    that the multipliers still move when the gap is zero.
    """
    if feedback.assignment_upper_bound is None:
        return max(0.05 * abs(value), scale)
    return max(feedback.assignment_upper_bound - value, 1e-3 * scale)
