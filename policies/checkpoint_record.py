"""The fields of a checkpoint's JSON file and of a safetensors header, and their types."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from envs.action import ActionConfig
from lagrl.io.records import Check
from policies.config import PolicyConfig

Sha256 = Annotated[str, Check(re.compile("[0-9a-f]{64}").fullmatch, "text of 64 hexadecimal digits")]
Count = Annotated[int, Check(lambda value: value >= 0, "a whole number from 0")]


@dataclass(frozen=True)
class CheckpointRecord:
    """The JSON file of a checkpoint.

    Attributes
    ----------
    format, schema_version
        Kind and version of the file.
    bytes, sha256
        Size and checksum of the weights' file.
    observation
        Observations for which it was trained.
    action
        Meaning of its actions.
    policy
        Size of its network.
    card
        See `policies.card.model_card`.
    """

    format: Literal["lagrl-checkpoint"]
    schema_version: Literal[1]
    bytes: Count
    sha256: Sha256
    observation: dict[str, Any]
    action: ActionConfig
    policy: PolicyConfig
    card: dict[str, Any]


@dataclass(frozen=True)
class TensorHeader:
    """A tensor in the header of a safetensors file."""

    dtype: str
    shape: tuple[Count, ...]
    data_offsets: tuple[Count, Count]
