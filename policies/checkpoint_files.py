"""Reading and checking the two files of a checkpoint."""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from envs.observation import HORIZON, N_NEIGHBOURS, features_of
from lagrl.errors import InputError
from lagrl.io.json_text import parse_json, read_json
from lagrl.io.records import from_record
from policies.checkpoint_record import CheckpointRecord, TensorHeader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from policies.locate import CheckpointFiles
    from policies.network import TensorType

SCHEMA_VERSION = 1
FORMAT = "lagrl-checkpoint"

_BETWEEN_FILES = 0.5  # seconds, enough for a writer to rename its second file as well
_ATTEMPTS = 20  # to read files that keep changing
_LARGEST_RECORD = 2**20  # bytes
_LARGEST_HEADER = 2**22  # bytes; 64 layers need about 60 kB
_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}  # names of types in safetensors
TRAIN_AGAIN = "use a checkpoint made with this version, or train one"
FETCH_AGAIN = "fetch or save the checkpoint again"


def read_pair(files: CheckpointFiles) -> tuple[CheckpointRecord, bytes]:
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
        content = _bytes(files.tensors, record.bytes + 1)
        if hashlib.sha256(content).hexdigest() == record.sha256:
            return record, content
        if stamps == last:  # they no longer change, and still do not belong together
            break
        last = stamps
        time.sleep(_BETWEEN_FILES)
    if len(content) < record.bytes:
        problem = f"holds {len(content)} of {record.bytes} bytes: truncated"
    else:
        problem = f"does not have the sha256 in {files.record.name}: damaged, or of another checkpoint"
    raise InputError(problem, source=str(files.tensors), remedy=FETCH_AGAIN)


def _record(path: Path) -> CheckpointRecord:
    record = read_json(path, remedy=FETCH_AGAIN, largest=_LARGEST_RECORD)
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError("does not describe a lagrl checkpoint", source=str(path), field="format", remedy=TRAIN_AGAIN)
    version = record.get("schema_version")
    if version != SCHEMA_VERSION:
        problem = f"{str(version)[:60]} found, {SCHEMA_VERSION} wanted"
        raise InputError(problem, source=str(path), field="schema_version", remedy=TRAIN_AGAIN)
    return from_record(CheckpointRecord, record, "", source=str(path), remedy=TRAIN_AGAIN)


def _bytes(path: Path, largest: int) -> bytes:
    """Return the content of a file, or as much of it as is allowed."""
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size  # a read reserves what it may return
            return stream.read(min(largest, size + 1))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", source=str(path), remedy=FETCH_AGAIN) from error


def read_tensors(content: bytes, wanted: Mapping[str, TensorType], source: str) -> dict[str, Tensor]:
    """Read the weights, after their header has the wanted names, types and shapes.

    Raises
    ------
    InputError
        If a tensor is missing, superfluous, of another shape or type, or not finite.
    """
    require_same_tensors(_header(content, source), wanted, source=source, remedy=TRAIN_AGAIN)
    try:
        found = load(content)
    except (SafetensorError, ValueError) as error:
        raise InputError(f"is not safetensors ({error})", source=source, remedy=FETCH_AGAIN) from error
    require_finite(found, source=source, remedy=FETCH_AGAIN)
    return found


def _header(content: bytes, source: str) -> dict[str, TensorType]:
    """Return types and shapes from the header of a safetensors file: its length in 8 bytes, then JSON."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(len(content) - 8, _LARGEST_HEADER):
        raise InputError("is not safetensors (no header)", source=source, remedy=FETCH_AGAIN)
    try:
        header = parse_json(content[8 : 8 + length], source=source)
    except InputError as error:
        raise InputError(f"is not safetensors ({error.problem})", source=source, remedy=FETCH_AGAIN) from error
    if not isinstance(header, dict):
        raise InputError("is not safetensors (no header)", source=source, remedy=FETCH_AGAIN)
    entries = {
        name: from_record(TensorHeader, entry, name[:60], source=source, remedy=FETCH_AGAIN)
        for name, entry in header.items()
        if name != "__metadata__"
    }
    return {name: (_TYPES.get(entry.dtype, entry.dtype), entry.shape) for name, entry in entries.items()}


def require_same_tensors(
    found: Mapping[str, TensorType],
    wanted: Mapping[str, TensorType],
    *,
    source: str | None,
    remedy: str,
    prefix: str = "",
) -> None:
    """Compare types and shapes of tensors with the wanted ones; `prefix` stands before the names in messages.

    Raises
    ------
    InputError
        Naming the first tensor that is missing, superfluous, or of another shape or type.
    """
    for name in sorted(wanted.keys() | found.keys()):
        here, there = found.get(name), wanted.get(name)
        if here == there:
            continue
        if here is None or there is None:
            problem = "is missing: foreign weights" if here is None else "is not part of this policy: foreign weights"
        else:
            described = [f"{kind} {list(shape)}"[:60] for kind, shape in (here, there)]
            problem = f"{described[0]} found, {described[1]} wanted: foreign weights"
        raise InputError(problem, source=source, field=prefix + name[:60], remedy=remedy)


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


def described_observation(version: int) -> dict[str, Any]:
    """Return the entry `observation` of a checkpoint's record; those of version 1 have no version."""
    described = {"features": list(features_of(version)), "n_neighbours": N_NEIGHBOURS, "horizon": HORIZON}
    return described if version == 1 else {"version": version, **described}


def require_same_observation(observation: dict[str, Any], version: int, source: str) -> None:
    """Raise an error for a policy that was trained with other observations than those of its version.

    Raises
    ------
    InputError
        Naming the entry that differs.
    """
    wanted = described_observation(version)
    for name in [*wanted, *observation]:
        if observation.get(name) != wanted.get(name):
            problem = f"trained with {str(observation.get(name))[:200]}, version {version} has {wanted.get(name)}"
            raise InputError(problem, source=source, field=f"observation.{name[:60]}", remedy=TRAIN_AGAIN)
