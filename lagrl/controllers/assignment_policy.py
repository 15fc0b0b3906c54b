"""A trained policy for the multipliers of an assignment dual, evaluated in numpy: the start, and the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.assignment_features import EDGE_FEATURES, FEATURES_VERSION, NODE_FEATURES
from lagrl.controllers.assignment_memory import STATE_FEATURES
from lagrl.controllers.graph_attention import Trunk, linear
from lagrl.controllers.policy_checkpoint import PolicyKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lagrl.controllers.assignment_features import AssignmentFeatures
    from lagrl.controllers.assignment_memory import AssignmentMemory

ASSIGNMENT = PolicyKind(
    format="lagrl-assignment-policy",
    noun="an assignment policy",
    use="lagrl solve",
    shipped="assignment-policy",
    training="python -m train.unroll --relaxation assignment",
    features_version=FEATURES_VERSION,
    node_features=NODE_FEATURES,
    edge_features=EDGE_FEATURES,
    state_features=STATE_FEATURES,
    start_pooled=0,
    own=3,
    pooled=1,
)

SINH_LIMIT = 3.0  # of the numbers whose hyperbolic sine is a distance
STEP = 0.02  # units along the mean violation
FREE_STEP = 0.1  # units in any direction
RETURN_BIAS = -2.0  # of the logit of the share of the way from the proposal to the best point


class AssignmentPolicy:
    """The forward pass of a network for one assignment dual.

    The start is λ_i = λ⁰_i + u_i·sinh(o_i), with λ⁰ and the unit u_i of `AssignmentFeatures`. A step corrects the
    proposal λ^b of the bundle method, which has the cuts of all evaluations so far:

        λ ← λ^b + r_i·(λ_best − λ^b) + u_i·(0.02·sinh(2 a_i)·asinh(ḡ_i) + 0.1·sinh b_i),   r_i = σ(c_i + c − 2),

    with ḡ the mean of the violations. Arguments of sinh are limited to ±3. A network of zeros is the bundle method with
    steps that are an eighth shorter, from λ⁰.

    Parameters
    ----------
    weights
        Tensors of the network by name.
    features
        The problem's features.
    """

    def __init__(self, weights: Mapping[str, NDArray[np.float32]], features: AssignmentFeatures) -> None:
        self.features = features
        self._weights = weights
        self._embedded = Trunk(weights, "start_trunk", features.nearest, features.edges)(features.nodes)
        self._trunk = Trunk(weights, "step_trunk", features.nearest, features.edges)

    def start(self) -> NDArray[np.float64]:
        """Return the first multipliers [n], distance units, not clipped to the dual's bounds."""
        number = linear(self._weights, "start_head", self._embedded)[:, 0].astype(np.float64)
        return self.features.first + self.features.unit * _sinh(number)

    def step(self, memory: AssignmentMemory) -> NDArray[np.float64]:
        """Return the next multipliers [n], distance units, not clipped to the dual's bounds."""
        own, of_all = self.numbers(memory.observe())
        back = 1.0 / (1.0 + np.exp(-own[:, 2] - of_all[0] - RETURN_BIAS))
        along = STEP * _sinh(2.0 * own[:, 0]) * np.arcsinh(memory.direction)
        correction = self.features.unit * (along + FREE_STEP * _sinh(own[:, 1]))
        following: NDArray[np.float64] = memory.proposal + back * (memory.best - memory.proposal) + correction
        return following

    def numbers(self, state: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the network's numbers of each customer's step [n, 3], and of the instance [1]."""
        h = self._trunk(np.concatenate([self._embedded, state], axis=1))
        own = linear(self._weights, "step_head", h)
        of_all = linear(self._weights, "step_pooled", h.mean(axis=0))
        return own.astype(np.float64), of_all.astype(np.float64)


def _sinh(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sinh(np.clip(x, -SINH_LIMIT, SINH_LIMIT))
