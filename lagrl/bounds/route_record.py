"""The metadata of a route policy's file, and their types."""

from dataclasses import dataclass
from typing import Any, Literal

from lagrl.bounds.route_policy import RoutePolicyConfig
from lagrl.io.records import may_lack

ACTION_MODE = "diagonal+momentum"
"""Meaning of the steps of all route policies, see `lagrl.bounds.route_policy.RoutePolicy`."""


@dataclass(frozen=True)
class RouteRecord:
    """The metadata of a route policy's file.

    Attributes
    ----------
    format, schema_version
        Kind and version of the file.
    features_version, node_features, edge_features, state_features
        What the network observes.
    policy
        Size of the network.
    card
        See `policies.card.model_card`.
    action_mode
        Meaning of the steps: that of `envs.route.action` with this name.
    """

    format: Literal["lagrl-route-policy"]
    schema_version: Literal[1]
    features_version: int
    node_features: tuple[str, ...]
    edge_features: tuple[str, ...]
    state_features: tuple[str, ...]
    policy: RoutePolicyConfig
    card: dict[str, Any]
    action_mode: str = may_lack(ACTION_MODE)
