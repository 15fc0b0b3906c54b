"""Observations of an ascent of a route dual: the instance's features beside those of the ascent so far.

They are a function of the graph, the evaluations and the budget only, so that a policy observes the same in an
environment and in `lagrl bound`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from gymnasium import spaces

from lagrl.bounds.ascent_memory import STATE_FEATURES, AscentMemory
from lagrl.bounds.route_features import EDGE_FEATURES, FEATURES_VERSION, N_NEAREST, NODE_FEATURES, RouteFeatures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.bounds.route_dual import RouteDual
    from lagrl.controllers.base import Feedback
    from lagrl.relaxation.dual import DualPoint

ROUTE_OBSERVATION_VERSION = f"routes-{FEATURES_VERSION}"
"""Version of the observations of the route relaxations."""

ROUTE_FEATURES: tuple[str, ...] = (*NODE_FEATURES, *STATE_FEATURES)
"""Names of the columns of `nodes`: first those of the instance, then those of the ascent."""

ROUTE_EDGE_FEATURES: tuple[str, ...] = EDGE_FEATURES
"""Names of the features of an arc to one of the nearest customers: the columns of `edges`, ten times."""

_LIMIT = 20.0  # logarithms and inverse hyperbolic sines are beyond it only for ratios of 10⁸


class RouteObserver:
    """Computes the observations of one ascent of a route dual; call `observe` once per evaluation, in order.

    Parameters
    ----------
    dual
        The dual function.
    budget
        Evaluations of the ascent, the start included.

    Attributes
    ----------
    memory
        The ascent so far.
    neighbours
        [n, 10] int16: each customer's nearest others, 0-based; the customer itself where there are fewer.
    edges
        [n, 10·6] float32: `ROUTE_EDGE_FEATURES` of the arc to the nearest, then of that to the next; 0 where there are
        fewer. They are flat, as libraries take three axes for an image.
    """

    version: ClassVar[str] = ROUTE_OBSERVATION_VERSION
    features: ClassVar[tuple[str, ...]] = ROUTE_FEATURES
    limit: ClassVar[float] = _LIMIT

    def __init__(self, dual: RouteDual, budget: int) -> None:
        features = RouteFeatures.of(dual.graph, is_paths=dual.relaxation == "paths")
        n, k = features.nearest.shape
        self.memory = AscentMemory(features, budget, dual.graph.n_routes[0])
        self.neighbours = np.repeat(np.arange(n, dtype=np.int16)[:, None], N_NEAREST, axis=1)
        self.neighbours[:, :k] = features.nearest
        self.edges = np.zeros((n, N_NEAREST * len(EDGE_FEATURES)), np.float32)
        self.edges[:, : k * len(EDGE_FEATURES)] = features.edges.reshape(n, -1).clip(-_LIMIT, _LIMIT)

    def observe(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float32]:
        """Return the features [n, `ROUTE_FEATURES`] after an evaluation; the feedback is not used."""
        memory = self.memory
        memory.record(point)
        with np.errstate(over="ignore"):  # ratios to a value of 0
            state = memory.observe()
        return np.concatenate([memory.features.nodes, state], axis=1).clip(-_LIMIT, _LIMIT)


def route_space(n_max: int) -> spaces.Dict:
    """Return the space of the observations of a route relaxation, padded to N customers."""
    edges = (n_max, N_NEAREST * len(EDGE_FEATURES))
    return spaces.Dict(
        {
            "nodes": spaces.Box(-_LIMIT, _LIMIT, (n_max, len(ROUTE_FEATURES)), np.float32),
            "node_mask": spaces.MultiBinary(n_max),
            "neighbours": spaces.Box(0, n_max - 1, (n_max, N_NEAREST), np.int16),
            "edges": spaces.Box(-_LIMIT, _LIMIT, edges, np.float32),
        }
    )
