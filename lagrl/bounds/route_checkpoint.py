"""The kind of policies that move multipliers of route relaxations, and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lagrl.bounds.ascent_memory import STATE_FEATURES
from lagrl.bounds.route_features import EDGE_FEATURES, FEATURES_VERSION, NODE_FEATURES
from lagrl.controllers.policy_checkpoint import PolicyCheckpoint, PolicyKind, load_policy, save_policy

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from lagrl.controllers.graph_attention import NetworkSize

ROUTES = PolicyKind(
    format="lagrl-route-policy",
    noun="a route policy",
    use="lagrl bound",
    shipped="route-policy",
    training="python -m train.unroll",
    features_version=FEATURES_VERSION,
    node_features=NODE_FEATURES,
    edge_features=EDGE_FEATURES,
    state_features=STATE_FEATURES,
    start_pooled=1,
    own=2,
    pooled=2,
    action_mode="diagonal+momentum",
)


def save_route_policy(
    path: str | os.PathLike[str],
    weights: Mapping[str, NDArray[np.float32]],
    policy: NetworkSize,
    card: dict[str, Any],
) -> None:
    """Write a route policy; see `save_policy`."""
    save_policy(ROUTES, path, weights, policy, card)


def load_route_policy(spec: str | os.PathLike[str] | None = None) -> PolicyCheckpoint:
    """Read a route policy (None: the shipped one); see `load_policy`."""
    return load_policy(ROUTES, spec)
