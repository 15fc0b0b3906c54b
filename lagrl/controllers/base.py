"""What a controller is, and the bookkeeping that classical rules share.

A controller chooses multiplier vectors; anything with `start` and `update` is one: a subgradient rule, a trained
policy, a user's own class. `Rule` is a convenience for the classical ones, not a requirement.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from lagrl.plugins import call_plugin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualFunction, DualPoint


@dataclass(frozen=True)
class Feedback:
    """What recovery learned so far, for controllers that use it.

    Attributes
    ----------
    incumbent_cost
        Cost of the cheapest repaired assignment found in this linearisation, distance units: an upper bound on every
        L(λ) of it. None while no assignment was feasible.
    route_cost
        Cost of the best routes found, distance units; not comparable with L. None while there are none.
    master_duals
        [n] prices of this dual's customers in the set-partitioning master, distance units, 0 or more: a heuristic guess
        at multipliers that price whole routes. None before the master was solved.
    """

    assignment_upper_bound: float | None = None
    route_cost: float | None = None
    master_duals: NDArray[np.float64] | None = None


@runtime_checkable
class Controller(Protocol):
    """Chooses every multiplier vector of an ascent.

    The loop clips what a controller returns to the dual's bounds, and hands the clipped vector back in the next
    `DualPoint`. Under an approximate sampler `point.value` is None: only `sampled_value` and `violation` are seen.
    A controller that can tell when it is done may say so, see `Finishing`.
    """

    def start(
        self,
        dual: DualFunction,
        *,
        budget: int,
        rng: np.random.Generator,
        initial: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Begin an ascent and return its first multipliers [n].

        Parameters
        ----------
        dual
            The function to maximise. Its `evaluate` is not for controllers: every evaluation is the loop's.
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
    """What a controller may have besides: word that it has come to the end, however much of its budget is left."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing is to be gained by further evaluations; asked after each `update`."""
        ...


def has_finished(controller: Controller) -> bool:
    """Ask a controller whether it is done; only a true bool counts, not a method of the same name.

    Raises
    ------
    InputError
        If asking raises, in the controller's name.
    """
    answer = call_plugin(f"controller {type(controller).__name__}", partial(getattr, controller, "is_finished", False))
    return isinstance(answer, bool | np.bool_) and bool(answer)


class Rule(ABC):
    """A controller that remembers its best point; subclasses say where to go in `_next`.

    Attributes
    ----------
    scale
        The dual's typical multiplier size s, distance units.
    best
        Highest sampled value so far, distance units.
    best_multipliers
        [n] where it was seen.
    stalled
        Evaluations since `best` last rose.
    """

    scale: float
    budget: int
    rng: np.random.Generator

    def start(
        self,
        dual: DualFunction,
        *,
        budget: int,
        rng: np.random.Generator,
        initial: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Begin at `initial`, or at zero without one; see `Controller.start`."""
        self.scale, self.budget, self.rng = dual.scale, budget, rng
        self.best = -np.inf
        self.best_multipliers = np.zeros(dual.n_multipliers) if initial is None else np.array(initial, dtype=np.float64)
        self.stalled = 0
        self._begin(dual.n_multipliers)
        return self.best_multipliers.copy()

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Note whether the point is the best, then step; see `Controller.update`."""
        self._note(point)
        if not point.violation.any():
            return point.multipliers  # a supergradient of zero: nowhere to go
        return self._next(point, feedback or Feedback())

    def _begin(self, n_multipliers: int) -> None:  # noqa: B027 - not every rule accumulates anything
        """Reset what an ascent accumulates."""

    def _note(self, point: DualPoint) -> None:
        if point.sampled_value > self.best:
            self.best, self.best_multipliers, self.stalled = point.sampled_value, point.multipliers, 0
        else:
            self.stalled += 1

    @abstractmethod
    def _next(self, point: DualPoint, feedback: Feedback) -> NDArray[np.float64]:
        """Return the next multipliers; the point is not optimal and has been noted."""


def gap_to_close(feedback: Feedback, value: float, scale: float) -> float:
    """Return the distance from a dual value to the incumbent's cost, the numerator of Polyak's step.

    Without an incumbent, 5 % of |value| stands in for the distance (Held, Wolfe and Crowder 1974 start from a guess as
    well), and at least the scale, without which an ascent from L = 0 would hardly begin. With one, it is never less
    than a thousandth of the scale, so that a proven gap of zero still moves.
    """
    if feedback.assignment_upper_bound is None:
        return max(0.05 * abs(value), scale)
    return max(feedback.assignment_upper_bound - value, 1e-3 * scale)
