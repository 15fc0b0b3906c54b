"""A controller that ascends a route dual with a trained policy, and stays safe whatever its network answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.ascent_memory import AscentMemory
from lagrl.bounds.route_checkpoint import load_route_policy
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_features import RouteFeatures
from lagrl.bounds.route_policy import RoutePolicy
from lagrl.bounds.trivial import trivial_bound
from lagrl.controllers.bundle import ProximalBundle
from lagrl.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.controllers.base import Feedback
    from lagrl.controllers.policy_checkpoint import PolicyCheckpoint
    from lagrl.relaxation.dual import DualFunction, DualPoint

_MOST_LOST = 0.2  # share of the best value that a step may lose
_DAMPING = 0.5  # of the steps after one that lost more
_FIRST_STEP = 0.15  # of the bundle method, which starts near the optimum


class LearnedAscent:
    """Ascends a route dual: the first multipliers and the first steps are a network's, see `RoutePolicy`.

    After `NetworkSize.steps` evaluations the proximal bundle method (Lemaréchal 1978, Kiwiel 1990) continues with
    the cuts of all evaluations so far. The shipped policy has one: its network finds the start alone.

    Any multipliers give a bound, so the network cannot make it wrong, only low. Safeguards keep it from being low:

    - If the first value is below the trivial bound, the classical start is evaluated too, and the better one is kept.
    - A step that loses more than a fifth of the best value is followed by half a step from the best point; later steps
      are halved as well.
    - If an answer is not finite, the bundle method continues at once.

    Parameters
    ----------
    checkpoint
        The trained policy; the shipped one if None.

    Attributes
    ----------
    events
        What the safeguards did, in words, in order; empty if nothing.
    """

    def __init__(self, checkpoint: PolicyCheckpoint | None = None) -> None:
        self._checkpoint = checkpoint
        self._rule: ProximalBundle | None = None
        self.events: list[str] = []

    @property
    def is_finished(self) -> bool:
        """Whether the bundle method has proven that further evaluations gain nothing."""
        return self._rule is not None and self._rule.is_finished

    def start(
        self, dual: DualFunction, *, budget: int, rng: np.random.Generator, initial: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Return the first multipliers [n + 1]: `initial` if given, else those of the network.

        Raises
        ------
        InputError
            If the dual is not one of a route relaxation, or the checkpoint cannot be read.
        """
        if not isinstance(dual, RouteDual):
            raise InputError(
                f"a route policy cannot ascend a {type(dual).__name__}",
                field="controller",
                remedy="use it in lagrl bound, and another controller for the assignment dual",
            )
        checkpoint = self._checkpoint or load_route_policy()
        is_paths, arcs = dual.relaxation == "paths", checkpoint.policy.nearest
        features = RouteFeatures.of(dual.graph, is_paths=is_paths, arcs=arcs)
        self._dual, self._budget, self._rng = dual, budget, rng
        self._least = trivial_bound(dual.graph) / (2.0 * dual.graph.scale)
        self._memory = AscentMemory(features, budget, dual.graph.n_routes[0])
        self._damping = 1.0
        self._takes_classical = initial is not None
        self._rule = None
        self._points: list[DualPoint] = []
        self._last_step = checkpoint.policy.steps
        self.events = []
        with np.errstate(all="ignore"):
            self._policy = RoutePolicy(checkpoint.weights, features)
            first = self._policy.start() if initial is None else initial
        if np.isfinite(first).all():
            return dual.clip(first)
        self._takes_classical = True
        self.events.append("the start was not finite: classical start")
        return dual.first_multipliers()

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Return the next multipliers [n + 1], distance units."""
        if self._rule is not None:
            return self._rule.update(point, feedback)
        memory = self._memory
        before = memory.best_value
        memory.record(point)
        self._points.append(point)
        value = point.sampled_value
        if not self._takes_classical and memory.spent == 1 and value < self._least:
            self._takes_classical = True
            self.events.append("the start was below the trivial bound: classical start")
            return self._dual.first_multipliers()
        if memory.spent >= self._last_step:
            return self._hand_over()
        if value < before - _MOST_LOST * abs(before):
            self._damping *= _DAMPING
            self.events.append(f"evaluation {memory.spent} lost too much: half a step from the best point")
            return self._dual.clip(memory.best + self._damping * (point.multipliers - memory.best))
        with np.errstate(all="ignore"):
            following = self._policy.step(memory)
        if not np.isfinite(following).all():
            self.events.append("a step was not finite: bundle method")
            return self._hand_over()
        return self._dual.clip(point.multipliers + self._damping * (following - point.multipliers))

    def _hand_over(self) -> NDArray[np.float64]:
        """Give all evaluations to the bundle method, which makes this step and all later ones."""
        first, self._rule = self._points[0].multipliers, ProximalBundle(first_step=_FIRST_STEP)
        following = self._rule.start(self._dual, budget=self._budget, rng=self._rng, initial=first)
        for point in self._points:
            following = self._rule.update(point)
        self._points.clear()
        return following
