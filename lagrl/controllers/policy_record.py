"""The metadata of a policy's file, and their types."""

from dataclasses import dataclass
from typing import Any, Literal

from lagrl.controllers.graph_attention import NetworkSize
from lagrl.io.records import may_lack

PolicyFormat = Literal["lagrl-route-policy", "lagrl-assignment-policy"]


@dataclass(frozen=True)
class PolicyRecord:
    """The metadata of a policy's file.

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
        Meaning of the steps, see `PolicyKind`; older files lack it.
    """

    format: PolicyFormat
    schema_version: Literal[1]
    features_version: int
    node_features: tuple[str, ...]
    edge_features: tuple[str, ...]
    state_features: tuple[str, ...]
    policy: NetworkSize
    card: dict[str, Any]
    action_mode: str | None = may_lack(None)
