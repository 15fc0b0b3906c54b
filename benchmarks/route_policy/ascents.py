"""The ascents that this study compares: classical rules and route policies, their parts, and controls.

A method is named by its start and its rule, `START+RULE`, or by the rule alone with its own start:

    bundle              a classical rule from the classical start, as `volume` and `cfm`
    full-0              a route policy by its name, start and steps
    full-0+bundle       the policy's start, then a classical rule
    classical+full-0    the classical start, then the policy's steps
    random+bundle       the classical start times e^N(0, 1), then a classical rule
    uniform+bundle      the same multiplier for all customers, then a classical rule
    untrained           a policy with its first random weights

The classical, the random and the uniform start are each multiplied by the best of a few factors, whose evaluations
count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, get_args

import numpy as np

from lagrl.bounds.learned_ascent import LearnedAscent
from lagrl.bounds.route_ascent import ascend_route_dual
from lagrl.bounds.route_checkpoint import load_route_policy
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_features import RouteFeatures
from lagrl.bounds.route_policy import RoutePolicy
from lagrl.controllers.graph_attention import NetworkSize
from lagrl.controllers.policy_checkpoint import PolicyCheckpoint
from lagrl.controllers.registry import make_controller
from lagrl.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lagrl.bounds.route_graph import RouteGraph
    from lagrl.controllers.base import Controller, Feedback
    from lagrl.relaxation.dual import DualFunction, DualPoint

CLASSICAL = ("volume", "cfm", "bundle")
UNTRAINED = "untrained"
CLASSICAL_START = "classical"
Control = Literal["random", "uniform"]

_UNTRAINED_SEED = 0
_RANDOM_SEED = 0


def checkpoints(named: Sequence[str]) -> dict[str, PolicyCheckpoint]:
    """Return the route policies of `NAME=PATH`, or `PATH` for both, by name.

    Raises
    ------
    InputError
        If a name is twice given or has another meaning, or a file is not a route policy.
    """
    found: dict[str, PolicyCheckpoint] = {}
    for each in named:
        name, _, path = each.partition("=")
        if name in found or name in (*CLASSICAL, UNTRAINED, CLASSICAL_START, *get_args(Control)) or "+" in name:
            raise InputError(f"{name!r} given", field="--policies", remedy="give each policy another name")
        found[name] = load_route_policy(path or name)
    return found


def untrained() -> PolicyCheckpoint:
    """Return a route policy with its first random weights."""
    import torch

    from policies.route_network import RouteNetwork

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_UNTRAINED_SEED)
        config = NetworkSize()
        return PolicyCheckpoint(RouteNetwork(config).weights(), config, {"config": {}}, UNTRAINED)


def ascend(
    method: str, graph: RouteGraph, budget: int, policies: Mapping[str, PolicyCheckpoint]
) -> tuple[float, list[str]]:
    """Ascend the ng-route dual of a graph; return the best bound, distance units, and what the safeguards did.

    Parameters
    ----------
    method
        See above.
    graph
        The graph.
    budget
        Number of evaluations.
    policies
        Route policies by name.

    Raises
    ------
    UnknownNameError
        If the method has an unknown start or rule.
    """
    start, _, rule = method.rpartition("+")
    dual: RouteDual = _OtherStart(graph, cast("Control", start)) if start in get_args(Control) else RouteDual(graph)
    initial = None
    if start in policies:
        features = RouteFeatures.of(graph, arcs=policies[start].policy.nearest)
        initial = dual.clip(RoutePolicy(policies[start].weights, features).start())
    elif start not in ("", CLASSICAL_START, *get_args(Control)):
        raise UnknownNameError.of("start", start, {CLASSICAL_START, *get_args(Control), *policies})
    learned = LearnedAscent(policies[rule]) if rule in policies else None
    if learned is None and rule not in CLASSICAL:
        raise UnknownNameError.of("rule", rule, {*CLASSICAL, *policies})
    controller: Controller = learned or make_controller(rule)
    if start == CLASSICAL_START and learned is not None:
        controller = _GivenStart(learned)
    for _ in ascend_route_dual(dual, controller, budget, np.random.default_rng(0), initial):
        pass
    assert dual.best is not None
    return dual.best / (2.0 * graph.scale), [] if learned is None else list(learned.events)


class _OtherStart(RouteDual):
    """A route dual with a start that knows less of the instance than the classical one."""

    def __init__(self, graph: RouteGraph, control: Control) -> None:
        super().__init__(graph)
        self._control = control

    def first_multipliers(self) -> NDArray[np.float64]:
        """Return [n + 1] multipliers: all customers' the mean of the classical ones, or those times noise."""
        first = super().first_multipliers()
        if self._control == "uniform":
            first[:-1] = first[:-1].mean()
        else:
            first[:-1] *= np.exp(np.random.default_rng(_RANDOM_SEED).normal(size=len(first) - 1))
        return self.clip(first)


class _GivenStart:
    """A learned ascent from the classical start, which `ascend_route_dual` gives to all controllers but that one."""

    def __init__(self, ascent: LearnedAscent) -> None:
        self._ascent = ascent

    @property
    def is_finished(self) -> bool:
        return self._ascent.is_finished

    def start(
        self, dual: DualFunction, *, budget: int, rng: np.random.Generator, initial: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        return self._ascent.start(dual, budget=budget, rng=rng, initial=initial)

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        return self._ascent.update(point, feedback)
