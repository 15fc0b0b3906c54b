"""Safeguards of a controller whose first multipliers, and perhaps first steps, are a network's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.controllers.base import Feedback
    from lagrl.controllers.bundle import ProximalBundle
    from lagrl.relaxation.dual import DualFunction, DualPoint

_MOST_LOST = 0.2  # share of the best value that a step may lose
_DAMPING = 0.5  # of the network's steps after one that lost more


class _Memory(Protocol):
    """The state of an ascent as a network sees it."""

    spent: int

    @property
    def best_value(self) -> float: ...


class LearnedController(ABC):
    """Ascends a dual by the proximal bundle method (Lemaréchal 1978, Kiwiel 1990) from the start of a network.

    In the first `NetworkSize.steps` evaluations the network's steps replace the bundle method's, which has the cuts of
    all evaluations. The shipped policies have one: their networks find the start alone. No torch and no random numbers
    are used. Safeguards keep bad answers from harm:

    - If the start is not finite, or its value is below a trivial bound, the classical start is evaluated.
    - A step that loses more than a fifth of the best value is followed by the bundle method's proposal; later steps go
      half as far from the proposal as the network wants.
    - If a step is not finite, the bundle method continues alone.

    Attributes
    ----------
    events
        What the safeguards did, in words, in order; empty if nothing.
    """

    events: list[str]
    _dual: DualFunction
    _memory: _Memory
    _rule: ProximalBundle

    @property
    def is_finished(self) -> bool:
        """Whether the bundle method has proven that further evaluations gain nothing."""
        return self._rule.is_finished

    @abstractmethod
    def _following(self) -> NDArray[np.float64]:
        """Return the network's next multipliers, distance units."""

    @abstractmethod
    def _recorded(self, point: DualPoint) -> NDArray[np.float64]:
        """Add an evaluation to the memory and to the bundle method; return the latter's next multipliers, clipped."""

    def _begin(
        self,
        first: NDArray[np.float64],
        steps: int,
        classical: NDArray[np.float64],
        least: tuple[float, str],
    ) -> NDArray[np.float64]:
        """Return the first multipliers: the network's, clipped, or the classical ones if those are not finite.

        `steps`: evaluations at the network's multipliers. `least`: the value below which the classical start is
        evaluated too, distance units, and what it is.
        """
        self._steps, self._classical, self._least = steps, classical, least
        self._damping = 1.0
        self.events = []
        if np.isfinite(first).all():
            return self._clipped(first)
        return self._restart("not finite")

    def _clipped(self, multipliers: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip(multipliers, *self._dual.bounds)

    def _restart(self, problem: str) -> NDArray[np.float64]:
        self._least = -np.inf, ""
        self.events.append(f"the start was {problem}: classical start")
        return self._classical

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Return the next multipliers, distance units; see `Controller.update`."""
        del feedback
        memory = self._memory
        before = memory.best_value
        proposal = self._recorded(point)
        if self.is_finished or not point.violation.any():
            return proposal
        if memory.spent == 1 and point.sampled_value < self._least[0]:
            return self._restart(f"below {self._least[1]}")
        if memory.spent >= self._steps:
            return proposal
        if point.sampled_value < before - _MOST_LOST * abs(before):
            self._damping *= _DAMPING
            self.events.append(f"evaluation {memory.spent} lost too much: the bundle method's proposal")
            return proposal
        with np.errstate(all="ignore"):
            following = self._following()
        if np.isfinite(following).all():
            return self._clipped(proposal + self._damping * (following - proposal))
        self._steps = 0
        self.events.append("a step was not finite: bundle method")
        return proposal
