"""What a training by unrolled ascents needs of a kind of dual: of route relaxations, and of the assignment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lagrl.bounds.learned_ascent import LearnedAscent
from lagrl.bounds.route_ascent import ascend_route_dual
from lagrl.bounds.route_checkpoint import ROUTES
from lagrl.bounds.route_dual import RouteDual
from lagrl.controllers.assignment_policy import ASSIGNMENT
from lagrl.controllers.base import Controller, has_finished
from lagrl.controllers.learned_multipliers import LearnedMultipliers
from train.unroll.assignment_rollout import WarmDual, draw_assignment, unroll_assignment
from train.unroll.instances import draw_duals, draw_size, validation_graphs
from train.unroll.rollout import Ascents, unroll

if TYPE_CHECKING:
    from torch import Tensor

    from lagrl.bounds.route_graph import RouteGraph
    from lagrl.controllers.policy_checkpoint import PolicyCheckpoint, PolicyKind
    from policies.route_network import RouteNetwork
    from train.unroll.config import RouteConfig, UnrollConfig

Ascent = Callable[[Controller, int], float]
"""An ascent of one dual by a controller with a budget of evaluations; returns the best value, distance units."""


class DualKind(Protocol):
    """A kind of dual that a policy can be trained for.

    Attributes
    ----------
    kind
        What its network observes, and its files.
    """

    kind: PolicyKind

    def controller(self, checkpoint: PolicyCheckpoint) -> Controller:
        """Return the controller of a policy."""
        ...

    def unroll(
        self, network: RouteNetwork, config: UnrollConfig, rng: np.random.Generator, report: Callable[[], None]
    ) -> tuple[Tensor, list[list[float]]]:
        """Draw the duals of an update and ascend them; return the loss, and every dual's values."""
        ...

    def validation(self, config: RouteConfig) -> list[Ascent]:
        """Return the ascents of the validation instances, each of which can be repeated."""
        ...


class RouteDuals:
    """Duals of route relaxations, whose values bound the CVRP."""

    kind = ROUTES

    def controller(self, checkpoint: PolicyCheckpoint) -> Controller:
        """See `DualKind.controller`."""
        return LearnedAscent(checkpoint)

    def unroll(
        self, network: RouteNetwork, config: UnrollConfig, rng: np.random.Generator, report: Callable[[], None]
    ) -> tuple[Tensor, list[list[float]]]:
        """See `DualKind.unroll`."""
        duals, horizon = draw_duals(config, rng)
        return unroll(network, Ascents.of(duals, config.policy.nearest), horizon, report)

    def validation(self, config: RouteConfig) -> list[Ascent]:
        """See `DualKind.validation`."""
        return [partial(ascend_routes, graph) for graph in validation_graphs(config)]


class AssignmentDuals:
    """Duals of assignments, whose values bound the surrogate."""

    kind = ASSIGNMENT

    def controller(self, checkpoint: PolicyCheckpoint) -> Controller:
        """See `DualKind.controller`."""
        return LearnedMultipliers(checkpoint)

    def unroll(
        self, network: RouteNetwork, config: UnrollConfig, rng: np.random.Generator, report: Callable[[], None]
    ) -> tuple[Tensor, list[list[float]]]:
        """See `DualKind.unroll`."""
        size = draw_size(config, rng)
        duals = [draw_assignment(config, rng, size.customers) for _ in range(size.instances)]
        return unroll_assignment(network, duals, size.horizon, report, arcs=config.policy.nearest)

    def validation(self, config: RouteConfig) -> list[Ascent]:
        """See `DualKind.validation`."""
        rng = np.random.default_rng(config.validation_seed)
        drawn = [draw_assignment(config, rng, config.validation_customers) for _ in range(config.validation_instances)]
        return [partial(_ascend_assignment, warm) for warm in drawn]


DUAL_KINDS: dict[str, DualKind] = {"routes": RouteDuals(), "assignment": AssignmentDuals()}
"""By the name that the option `--relaxation` takes."""


def ascend_routes(graph: RouteGraph, controller: Controller, evaluations: int) -> float:
    """Return the best bound of an ascent of the graph's ng-routes, distance units."""
    dual = RouteDual(graph)
    for _ in ascend_route_dual(dual, controller, evaluations, np.random.default_rng(0)):
        pass
    assert dual.best is not None
    return dual.best / (2.0 * graph.scale)


def _ascend_assignment(warm: WarmDual, controller: Controller, evaluations: int) -> float:
    dual = warm.dual
    vector = controller.start(dual, budget=evaluations, rng=np.random.default_rng(0), initial=warm.first)
    best = -np.inf
    for _ in range(evaluations):
        point = dual.evaluate(dual.clip(vector))
        best = max(best, point.sampled_value)
        vector = controller.update(point)
        if point.is_optimal or has_finished(controller):
            break
    return best
