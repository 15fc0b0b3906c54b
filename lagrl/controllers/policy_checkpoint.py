"""Files of trained multiplier policies: one safetensors file, whose metadata describe the network and its training."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.controllers.policy_record import PolicyFormat, PolicyRecord
from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import replacing
from lagrl.io.json_text import parse_json
from lagrl.io.records import from_record
from lagrl.io.shipped import or_shipped

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lagrl.controllers.graph_attention import NetworkSize

SUFFIX = ".safetensors"
_LARGEST = 2**26  # bytes
_AGAIN = "fetch or save the checkpoint again"


@dataclass(frozen=True)
class PolicyKind:
    """The kind of dual that a policy ascends: what its network observes, and how many numbers it answers.

    Attributes
    ----------
    format
        Name of the format in the file.
    noun
        The policy in messages, such as `a route policy`.
    use
        Where such policies are used, for messages.
    shipped
        Name of the shipped policy.
    training
        How one is trained, for messages.
    features_version, node_features, edge_features, state_features
        What the network observes of customers, arcs and evaluations.
    start_pooled
        How many numbers the start takes of the instance.
    own, pooled
        How many numbers a step takes of each customer, and of the instance.
    action_mode
        Meaning of the steps: that of `envs.route.action` with this name; None: the environment has none like them.
    """

    format: PolicyFormat
    noun: str
    use: str
    shipped: str
    training: str
    features_version: int
    node_features: tuple[str, ...]
    edge_features: tuple[str, ...]
    state_features: tuple[str, ...]
    start_pooled: int
    own: int
    pooled: int
    action_mode: str | None = None

    @property
    def remedy(self) -> str:
        """What a user can do whose file is not one of this kind and version."""
        return f"use {self.noun} made with this version, or train one ({self.training})"


@dataclass(frozen=True)
class PolicyCheckpoint:
    """A trained policy.

    Attributes
    ----------
    weights
        Tensors of the network by name, float32.
    policy
        Its size.
    card
        How it was trained.
    fingerprint
        12 hexadecimal digits that identify the weights.
    """

    weights: Mapping[str, NDArray[np.float32]] = field(repr=False)
    policy: NetworkSize
    card: dict[str, Any] = field(repr=False)
    fingerprint: str


def save_policy(
    kind: PolicyKind,
    path: str | os.PathLike[str],
    weights: Mapping[str, NDArray[np.float32]],
    policy: NetworkSize,
    card: dict[str, Any],
) -> None:
    """Write a policy of a kind, with or without the suffix `.safetensors` in `path`.

    Raises
    ------
    InputError
        If a weight is not finite; nothing is written then.
    OutputError
        If the file cannot be written.
    """
    from safetensors.numpy import save

    file = _with_suffix(path)
    _require_finite(weights, str(file), "this training diverged; keep an earlier checkpoint")
    record = PolicyRecord(
        format=kind.format,
        schema_version=1,
        features_version=kind.features_version,
        node_features=kind.node_features,
        edge_features=kind.edge_features,
        state_features=kind.state_features,
        policy=policy,
        card=card,
        action_mode=kind.action_mode,
    )
    described = json.dumps(asdict(record), allow_nan=False)
    content = save(dict(weights), metadata={"format": kind.format, "record": described})
    with replacing(file) as temporary:
        try:
            temporary.write_bytes(content)
        except OSError as error:
            raise OutputError(f"{file}: cannot be written ({error.strerror})") from error


@lru_cache(maxsize=8)
def _load(kind: PolicyKind, file: Path, stamp: tuple[int, int]) -> PolicyCheckpoint:
    from safetensors import SafetensorError, safe_open

    source = str(file)
    if file.stat().st_size > _LARGEST:
        raise InputError(f"has more than {_LARGEST} bytes", source=source, remedy=_AGAIN)
    try:
        with safe_open(file, "numpy") as opened:
            metadata = opened.metadata() or {}
            if metadata.get("format") != kind.format:
                found = metadata.get("format", "another format")
                problem = f"does not hold {kind.noun} for {kind.use} ({found[:60]} found)"
                raise InputError(problem, source=source, field="format", remedy=kind.remedy)
            record = from_record(
                PolicyRecord,
                parse_json(metadata.get("record", ""), source=source),
                "",
                source=source,
                remedy=kind.remedy,
            )
            _require_same_features(kind, record, source)
            wanted = tensor_shapes(kind, record.policy)
            shapes = {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118 - not iterable itself
            for name in sorted(wanted.keys() | shapes.keys()):
                if wanted.get(name) != shapes.get(name):
                    problem = f"shape {shapes.get(name)} found, {wanted.get(name)} wanted: foreign weights"
                    raise InputError(problem, source=source, field=name[:60], remedy=_AGAIN)
            weights = {name: opened.get_tensor(name) for name in wanted}
    except (SafetensorError, OSError) as error:
        raise InputError(f"is not {kind.noun} ({error})"[:200], source=source, remedy=_AGAIN) from error
    for name, tensor in weights.items():
        if tensor.dtype != np.float32:
            raise InputError(f"{tensor.dtype} found, float32 wanted", source=source, field=name, remedy=_AGAIN)
        tensor.setflags(write=False)
    _require_finite(weights, source, _AGAIN)
    digest = hashlib.sha256(b"".join(weights[name].tobytes() for name in sorted(weights))).hexdigest()[:12]
    return PolicyCheckpoint(weights, record.policy, record.card, digest)


def load_policy(kind: PolicyKind, spec: str | os.PathLike[str] | None = None) -> PolicyCheckpoint:
    """Read a policy of a kind.

    `spec`: a path with or without suffix, or NAME or `checkpoints/NAME` of a shipped one; None: the shipped one.

    Raises
    ------
    InputError
        If there is no such file, it is damaged, holds something else, or was trained with other features or actions.
    """
    file = or_shipped(_with_suffix(kind.shipped if spec is None else spec), SUFFIX)
    if not file.is_file():
        raise InputError("no such file", source=str(file), remedy=f"give the path of {kind.noun}")
    stat = file.stat()
    return _load(kind, file.resolve(), (stat.st_mtime_ns, stat.st_size))


def format_of(file: Path) -> str:
    """Return the format that a file names, empty if it is no policy's."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "numpy") as opened:
            return str((opened.metadata() or {}).get("format", ""))
    except (SafetensorError, OSError):
        return ""


def tensor_shapes(kind: PolicyKind, policy: NetworkSize) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a network of this size, by name."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add_linear(name: str, inputs: int, outputs: int, *, has_bias: bool = True) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs)
        if has_bias:
            shapes[f"{name}.bias"] = (outputs,)

    trunks = (
        ("start_trunk", len(kind.node_features), policy.hidden, policy.layers),
        ("step_trunk", policy.hidden + len(kind.state_features), policy.step_hidden, policy.step_layers),
    )
    for trunk, inputs, width, layers in trunks:
        add_linear(f"{trunk}.embed", inputs, width)
        for layer in range(layers):
            name = f"{trunk}.layers.{layer}"
            add_linear(f"{name}.source", width, width, has_bias=False)
            add_linear(f"{name}.target", width, width)
            add_linear(f"{name}.edge", len(kind.edge_features), width, has_bias=False)
            add_linear(f"{name}.context", width, width, has_bias=False)
            shapes[f"{name}.attention"] = (policy.heads, width // policy.heads)
            shapes[f"{name}.bias"] = shapes[f"{name}.norm.weight"] = shapes[f"{name}.norm.bias"] = (width,)
    add_linear("start_head", policy.hidden, 1)
    if kind.start_pooled:
        add_linear("start_pooled", policy.hidden, kind.start_pooled)
    add_linear("step_head", policy.step_hidden, kind.own)
    add_linear("step_pooled", policy.step_hidden, kind.pooled)
    return shapes


def _require_same_features(kind: PolicyKind, record: PolicyRecord, source: str) -> None:
    for name in ("features_version", "node_features", "edge_features", "state_features"):
        found, wanted = getattr(record, name), getattr(kind, name)
        if found != wanted:
            problem = f"trained with {str(found)[:100]}, this version has {str(wanted)[:100]}"
            raise InputError(problem, source=source, field=name, remedy=kind.remedy)
    if record.action_mode not in (None, kind.action_mode):
        problem = f"trained with {record.action_mode[:100]}, this version has {kind.action_mode}"
        raise InputError(problem, source=source, field="action_mode", remedy=kind.remedy)


def _require_finite(weights: Mapping[str, NDArray[np.float32]], source: str, remedy: str) -> None:
    for name, tensor in weights.items():
        if not np.isfinite(tensor).all():
            raise InputError("holds a weight that is not finite", source=source, field=name[:60], remedy=remedy)


def _with_suffix(path: str | os.PathLike[str]) -> Path:
    text = str(path)
    return Path(text if text.endswith(SUFFIX) else text + SUFFIX)
