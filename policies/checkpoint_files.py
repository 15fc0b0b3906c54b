"""Reading and checking the two files of a checkpoint."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from envs.observation import FEATURES, HORIZON, N_NEIGHBOURS
from lagrl.errors import InputError
from lagrl.io.records import read_fields

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from policies.locate import CheckpointFiles
    from policies.network import DiagonalPrecondNet

SCHEMA_VERSION = 1
FORMAT = "lagrl-checkpoint"

_FIELDS = {
    "format": str,
    "schema_version": int,
    "bytes": int,
    "sha256": str,
    "observation": dict,
    "action": dict,
    "policy": dict,
    "card": dict,
}
OBSERVATION = {"features": list(FEATURES), "n_neighbours": N_NEIGHBOURS, "horizon": HORIZON}
_BETWEEN_FILES = 0.5  # seconds, enough for a writer to rename its second file as well
_ATTEMPTS = 20  # to read files that keep changing
TRAIN_AGAIN = "use a checkpoint made with this version, or train one"
FETCH_AGAIN = "fetch or save the checkpoint again"


def read_pair(files: CheckpointFiles) -> tuple[dict[str, Any], bytes]:
    """Read record and weights that were written together.

    Raises
    ------
    InputError
        If either is damaged, or they do not belong together.
    """
    last: list[tuple[int, int]] = []
    for _ in range(_ATTEMPTS):
        stamps = [(stat.st_mtime_ns, stat.st_ino) for stat in (files.tensors.stat(), files.record.stat())]
        record = _record(files.record)
        content = _bytes(files.tensors)
        if hashlib.sha256(content).hexdigest() == record["sha256"]:
            return record, content
        if stamps == last:  # they no longer change, and still do not belong together
            break
        last = stamps
        time.sleep(_BETWEEN_FILES)
    if len(content) < record["bytes"]:
        problem = f"holds {len(content)} of {record['bytes']} bytes: truncated"
    else:
        problem = f"does not have the sha256 in {files.record.name}: damaged, or of another checkpoint"
    raise InputError(problem, source=str(files.tensors), remedy=FETCH_AGAIN)


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(_bytes(path).decode("utf-8"))
    except ValueError as error:  # of the encoding or of JSON
        raise InputError(f"is not JSON ({error})", source=str(path), remedy=FETCH_AGAIN) from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError("does not describe a lagrl checkpoint", source=str(path), field="format", remedy=TRAIN_AGAIN)
    version = record.get("schema_version")
    if version != SCHEMA_VERSION:
        problem = f"{version!r} found, {SCHEMA_VERSION} wanted"
        raise InputError(problem, source=str(path), field="schema_version", remedy=TRAIN_AGAIN)
    return read_fields(record, _FIELDS, source=str(path), remedy=TRAIN_AGAIN)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", source=str(path), remedy=FETCH_AGAIN) from error


def read_tensors(content: bytes, net: DiagonalPrecondNet, source: str) -> dict[str, Tensor]:
    """Read the weights, which must have the names, shapes and types of those of `net`.

    Raises
    ------
    InputError
        If a tensor is missing, superfluous, of another shape or type, or not finite.
    """
    try:
        found = load(content)
    except (SafetensorError, ValueError) as error:
        raise InputError(f"is not safetensors ({error})", source=source, remedy=FETCH_AGAIN) from error
    wanted = net.state_dict()
    for name in sorted(wanted.keys() | found.keys()):
        here, there = found.get(name), wanted.get(name)
        if here is None or there is None:
            problem = "is missing: foreign weights" if here is None else "is not part of this policy: foreign weights"
            raise InputError(problem, source=source, field=name, remedy=TRAIN_AGAIN)
        if here.shape != there.shape or here.dtype != there.dtype:
            problem = (
                f"{here.dtype} {list(here.shape)} found, {there.dtype} {list(there.shape)} wanted: foreign weights"
            )
            raise InputError(problem, source=source, field=name, remedy=TRAIN_AGAIN)
    require_finite(found, source=source, remedy=FETCH_AGAIN)
    return found


def require_finite(tensors: dict[str, Tensor], *, source: str, remedy: str) -> None:
    """Raise an error for NaN and infinities.

    Raises
    ------
    InputError
        Naming the first tensor that has one.
    """
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise InputError("holds a weight that is not finite", source=source, field=name, remedy=remedy)


def require_same_observation(observation: dict[str, Any], source: str) -> None:
    """Raise an error for a policy that was trained with other observations than those of this version.

    Raises
    ------
    InputError
        Naming the entry that differs.
    """
    if observation == OBSERVATION:
        return
    name = next((name for name in OBSERVATION if observation.get(name) != OBSERVATION[name]), "observation")
    problem = f"trained with {observation.get(name)}, this version has {OBSERVATION.get(name)}"
    raise InputError(problem, source=source, field=f"observation.{name}", remedy=TRAIN_AGAIN)
