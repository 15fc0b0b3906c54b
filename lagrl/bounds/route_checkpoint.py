"""Files of trained route policies: one safetensors file, whose metadata describe the network and its training."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lagrl.bounds.ascent_memory import STATE_FEATURES
from lagrl.bounds.route_features import EDGE_FEATURES, FEATURES_VERSION, NODE_FEATURES
from lagrl.bounds.route_record import ACTION_MODE, RouteRecord
from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import replacing
from lagrl.io.json_text import parse_json
from lagrl.io.records import from_record
from lagrl.io.shipped import or_shipped

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lagrl.bounds.route_policy import RoutePolicyConfig

FORMAT: Literal["lagrl-route-policy"] = "lagrl-route-policy"
SUFFIX = ".safetensors"
SHIPPED = "route-policy"
"""Name of the shipped policy."""

_LARGEST = 2**26  # bytes
_REMEDY = "use a route policy made with this version, or train one (python -m train.unroll)"


@dataclass(frozen=True)
class RouteCheckpoint:
    """A trained route policy.

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
    policy: RoutePolicyConfig
    card: dict[str, Any] = field(repr=False)
    fingerprint: str


def save_route_policy(
    path: str | os.PathLike[str],
    weights: Mapping[str, NDArray[np.float32]],
    policy: RoutePolicyConfig,
    card: dict[str, Any],
) -> None:
    """Write a route policy, with or without the suffix `.safetensors` in `path`.

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
    record = RouteRecord(FORMAT, 1, FEATURES_VERSION, NODE_FEATURES, EDGE_FEATURES, STATE_FEATURES, policy, card)
    content = save(dict(weights), metadata={"format": FORMAT, "record": json.dumps(asdict(record), allow_nan=False)})
    with replacing(file) as temporary:
        try:
            temporary.write_bytes(content)
        except OSError as error:
            raise OutputError(f"{file}: cannot be written ({error.strerror})") from error


@lru_cache(maxsize=8)
def _load(file: Path, stamp: tuple[int, int]) -> RouteCheckpoint:
    from safetensors import SafetensorError, safe_open

    source = str(file)
    again = "fetch or save the checkpoint again"
    if file.stat().st_size > _LARGEST:
        raise InputError(f"has more than {_LARGEST} bytes", source=source, remedy=again)
    try:
        with safe_open(file, "numpy") as opened:
            metadata = opened.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise InputError("does not hold a route policy", source=source, field="format", remedy=_REMEDY)
            record = from_record(
                RouteRecord, parse_json(metadata.get("record", ""), source=source), "", source=source, remedy=_REMEDY
            )
            _require_same_features(record, source)
            wanted = tensor_shapes(record.policy)
            shapes = {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118 - not iterable itself
            for name in sorted(wanted.keys() | shapes.keys()):
                if wanted.get(name) != shapes.get(name):
                    problem = f"shape {shapes.get(name)} found, {wanted.get(name)} wanted: foreign weights"
                    raise InputError(problem, source=source, field=name[:60], remedy=again)
            weights = {name: opened.get_tensor(name) for name in wanted}
    except (SafetensorError, OSError) as error:
        raise InputError(f"is not a route policy ({error})"[:200], source=source, remedy=again) from error
    for name, tensor in weights.items():
        if tensor.dtype != np.float32:
            raise InputError(f"{tensor.dtype} found, float32 wanted", source=source, field=name, remedy=again)
        tensor.setflags(write=False)
    _require_finite(weights, source, again)
    digest = hashlib.sha256(b"".join(weights[name].tobytes() for name in sorted(weights))).hexdigest()[:12]
    return RouteCheckpoint(weights, record.policy, record.card, digest)


def load_route_policy(spec: str | os.PathLike[str] = SHIPPED) -> RouteCheckpoint:
    """Read a route policy: a path with or without suffix, or NAME or `checkpoints/NAME` of a shipped one.

    Raises
    ------
    InputError
        If there is no such file, it is damaged, holds something else, or was trained with other features or actions.
    """
    file = or_shipped(_with_suffix(spec), SUFFIX)
    if not file.is_file():
        raise InputError("no such file", source=str(file), remedy="give the path of a route policy")
    stat = file.stat()
    return _load(file.resolve(), (stat.st_mtime_ns, stat.st_size))


def is_route_policy(file: Path) -> bool:
    """Return whether a file says that it holds a route policy; of any version."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "numpy") as opened:
            return (opened.metadata() or {}).get("format") == FORMAT
    except (SafetensorError, OSError):
        return False


def tensor_shapes(policy: RoutePolicyConfig) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a network of this size, by name."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add_linear(name: str, inputs: int, outputs: int, *, has_bias: bool = True) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs)
        if has_bias:
            shapes[f"{name}.bias"] = (outputs,)

    trunks = (
        ("start_trunk", len(NODE_FEATURES), policy.hidden, policy.layers),
        ("step_trunk", policy.hidden + len(STATE_FEATURES), policy.step_hidden, policy.step_layers),
    )
    for trunk, inputs, width, layers in trunks:
        add_linear(f"{trunk}.embed", inputs, width)
        for layer in range(layers):
            name = f"{trunk}.layers.{layer}"
            add_linear(f"{name}.source", width, width, has_bias=False)
            add_linear(f"{name}.target", width, width)
            add_linear(f"{name}.edge", len(EDGE_FEATURES), width, has_bias=False)
            add_linear(f"{name}.context", width, width, has_bias=False)
            shapes[f"{name}.attention"] = (policy.heads, width // policy.heads)
            shapes[f"{name}.bias"] = shapes[f"{name}.norm.weight"] = shapes[f"{name}.norm.bias"] = (width,)
    add_linear("start_head", policy.hidden, 1)
    add_linear("start_pooled", policy.hidden, 1)
    add_linear("step_head", policy.step_hidden, 2)
    add_linear("step_pooled", policy.step_hidden, 2)
    return shapes


def _require_same_features(record: RouteRecord, source: str) -> None:
    for name, wanted in (
        ("features_version", FEATURES_VERSION),
        ("node_features", NODE_FEATURES),
        ("edge_features", EDGE_FEATURES),
        ("state_features", STATE_FEATURES),
        ("action_mode", ACTION_MODE),
    ):
        if getattr(record, name) != wanted:
            problem = f"trained with {str(getattr(record, name))[:100]}, this version has {str(wanted)[:100]}"
            raise InputError(problem, source=source, field=name, remedy=_REMEDY)


def _require_finite(weights: Mapping[str, NDArray[np.float32]], source: str, remedy: str) -> None:
    for name, tensor in weights.items():
        if not np.isfinite(tensor).all():
            raise InputError("holds a weight that is not finite", source=source, field=name[:60], remedy=remedy)


def _with_suffix(path: str | os.PathLike[str]) -> Path:
    text = str(path)
    return Path(text if text.endswith(SUFFIX) else text + SUFFIX)
