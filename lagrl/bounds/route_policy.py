"""A trained policy for the multipliers of a route dual, evaluated in numpy: the start, and the steps of an ascent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.graph_attention import Trunk, linear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lagrl.bounds.ascent_memory import AscentMemory
    from lagrl.bounds.route_features import RouteFeatures

LOG_LIMIT = 4.0  # of ln(λ / u) at the start
STEP = 0.12  # units along the mean violation, times e^(±2)
FREE_STEP = 0.35  # largest step in any direction, units
FLEET_LIMIT = 4.0  # of the fleet's multiplier at the start, route units
FLEET_STEP = 0.02  # route units along the fleet's violation
RETURN_BIAS = -3.0  # of the logit of the share of the way back to the best point


class RoutePolicy:
    """The forward pass of a route network for one instance.

    The start is λ_i = u_i·exp(o_i), where |o_i| ≤ 4 and u_i is the customer's unit, see `RouteFeatures`; the fleet's
    multiplier is q·p with the route unit q and |p| ≤ 4. A step is

        λ ← λ + u·(0.12·exp(2·tanh a_i)·asinh(ḡ_i) + 0.35·tanh b_i) + r·(λ_best − λ),   r = σ(c − 3),

    with ḡ the mean of the violations; the fleet's multiplier moves by 0.02·q·exp(2·tanh f)·asinh(ḡ_fleet) and by the
    same share r.

    Parameters
    ----------
    weights
        Tensors of the network by name.
    features
        The instance's features.
    """

    def __init__(self, weights: Mapping[str, NDArray[np.float32]], features: RouteFeatures) -> None:
        self.features = features
        self._weights = weights
        self._embedded = Trunk(weights, "start_trunk", features.nearest, features.edges)(features.nodes)
        self._trunk = Trunk(weights, "step_trunk", features.nearest, features.edges)

    def start(self) -> NDArray[np.float64]:
        """Return the first multipliers [n + 1], distance units."""
        ratio = linear(self._weights, "start_head", self._embedded)[:, 0].astype(np.float64)
        routes = float(linear(self._weights, "start_pooled", self._embedded.mean(axis=0))[0])
        customers = self.features.unit * np.exp(np.clip(ratio, -LOG_LIMIT, LOG_LIMIT))
        return np.append(customers, self.features.route_unit * np.clip(routes, -FLEET_LIMIT, FLEET_LIMIT))

    def step(self, memory: AscentMemory) -> NDArray[np.float64]:
        """Return the next multipliers [n + 1], distance units, not clipped to the dual's bounds."""
        own, of_all = self.numbers(memory.observe())
        unit, route_unit = self.features.unit, self.features.route_unit
        gradient = STEP * np.exp(2.0 * np.tanh(own[:, 0])) * np.arcsinh(memory.direction[:-1])
        customers = unit * (gradient + FREE_STEP * np.tanh(own[:, 1]))
        routes = route_unit * FLEET_STEP * np.exp(2.0 * np.tanh(of_all[1])) * np.arcsinh(memory.direction[-1])
        back = 1.0 / (1.0 + np.exp(-of_all[0] - RETURN_BIAS))
        step: NDArray[np.float64] = np.append(customers, routes) + back * (memory.best - memory.multipliers)
        return memory.multipliers + step

    def numbers(self, state: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the network's numbers of each customer's step [n, 2], and of the instance [2]."""
        h = self._trunk(np.concatenate([self._embedded, state], axis=1))
        own = linear(self._weights, "step_head", h)
        of_all = linear(self._weights, "step_pooled", h.mean(axis=0))
        return own.astype(np.float64), of_all.astype(np.float64)
