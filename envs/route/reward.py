"""The best results of an ascent of a route dual, and the value that its gap is measured to."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from envs.reward import BestSoFar
from lagrl.bounds.obstacle import ObstacleError
from lagrl.bounds.route_ascent import ascend_route_dual
from lagrl.bounds.route_dual import RouteDual, distance_units
from lagrl.controllers.bundle import ProximalBundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from lagrl.bounds.route_dual import Relaxation
    from lagrl.bounds.route_graph import RouteGraph
    from lagrl.dual_loop import Step

_LEAST_VALUE = 1e-9  # distance units; avoids a division by 0
_CLOSED = 1e-9  # relative
_KEPT = 4096  # reference values in memory


@dataclass
class RouteBest(BestSoFar):
    """Best results of an episode of a route relaxation so far.

    Attributes
    ----------
    least
        The trivial bound, distance units, which costs no evaluation: lower values do not count.
    reference
        The best value known, distance units; None if it is unknown.
    first
        L(λ₀), distance units; −∞ before it is evaluated.
    """

    least: float = 0.0
    reference: float | None = None
    first: float = -np.inf

    def note(self, step: Step, share_served: float, fresh_value: Callable[[], float] | None = None) -> None:
        """Update the best results by one evaluation; see `BestSoFar.note`."""
        if self.dual_value == -np.inf:
            self.first = step.point.sampled_value
        super().note(step, share_served, fresh_value)

    @property
    def gap(self) -> float:
        """The share of the gap that is left: 1 − (L − L₀)/(L* − L₀).

        L is the best value, L₀ the first one, both at least the trivial bound, and L* the reference. It is below 0
        where L is above L*. If L* is unknown, it is 1 − (L − L₀)/|L₀|; if L₀ reaches it, −(L − L₀)/|L₀|.
        """
        if self.dual_value == -np.inf:
            return 1.0
        first = max(self.first, self.least)
        gained = max(self.dual_value, self.least) - first
        progress = gained / max(abs(first), _LEAST_VALUE)
        if self.reference is None:
            return 1.0 - progress
        if self.reference <= first + _CLOSED * abs(first):
            return -progress
        return 1.0 - gained / (self.reference - first)


def reference_value(graph: RouteGraph, relaxation: Relaxation, evaluations: int) -> float | None:
    """Return the best value that the bundle method finds in some evaluations, distance units; None if it fails.

    It is deterministic, and kept in memory for each instance.

    Parameters
    ----------
    graph, relaxation
        The dual's, see `RouteDual`.
    evaluations
        Number of evaluations; with 0 the value is unknown.
    """
    if evaluations == 0:
        return None
    key = _digest(graph), relaxation, evaluations
    if key not in _known:
        _known[key] = _ascended(graph, relaxation, evaluations)
        if len(_known) > _KEPT:
            _known.popitem(last=False)
    _known.move_to_end(key)
    return _known[key]


_known: OrderedDict[tuple[bytes, str, int], float | None] = OrderedDict()


def _ascended(graph: RouteGraph, relaxation: Relaxation, evaluations: int) -> float | None:
    dual = RouteDual(graph, relaxation)
    try:
        for _ in ascend_route_dual(dual, ProximalBundle(), evaluations, np.random.default_rng(0)):
            pass
    except ObstacleError:
        return None
    assert dual.best is not None
    return distance_units(graph, dual.best)


def _digest(graph: RouteGraph) -> bytes:
    problem = graph.problem
    digest = hashlib.sha256(f"{problem.capacity} {problem.fleet} {problem.rounding}".encode())
    digest.update(f"{graph.room}".encode())
    digest.update(graph.load.tobytes())
    digest.update(problem.distance.tobytes())
    return digest.digest()
