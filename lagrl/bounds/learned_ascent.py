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
from lagrl.controllers.learned_controller import LearnedController
from lagrl.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.controllers.policy_checkpoint import PolicyCheckpoint
    from lagrl.relaxation.dual import DualFunction, DualPoint

_FIRST_STEP = 0.15  # of the bundle method, which starts near the optimum


class LearnedAscent(LearnedController):
    """Ascends a route dual from a network's start, see `RoutePolicy`.

    Any multipliers give a bound, so the network cannot make it wrong, only low. The classical start is that of
    `RouteDual.first_multipliers`.

    Parameters
    ----------
    checkpoint
        The trained policy; the shipped one if None.
    """

    _memory: AscentMemory

    def __init__(self, checkpoint: PolicyCheckpoint | None = None) -> None:
        self._checkpoint = checkpoint
        self.events = []

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
        self._dual = dual
        self._memory = AscentMemory(features, budget, dual.graph.n_routes[0])
        with np.errstate(all="ignore"):
            self._policy = RoutePolicy(checkpoint.weights, features)
            first = self._policy.start() if initial is None else initial
        least = -np.inf if initial is not None else trivial_bound(dual.graph) / (2.0 * dual.graph.scale)
        steps, classical = checkpoint.policy.steps, dual.first_multipliers()
        first = self._begin(first, steps, classical, (least, "the trivial bound"))
        self._rule = ProximalBundle(first_step=_FIRST_STEP)
        return self._rule.start(dual, budget=budget, rng=rng, initial=first)

    def _recorded(self, point: DualPoint) -> NDArray[np.float64]:
        self._memory.record(point)
        return self._clipped(self._rule.update(point))

    def _following(self) -> NDArray[np.float64]:
        return self._policy.step(self._memory)
