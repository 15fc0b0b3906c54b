"""Values in a journal's lines: packed arrays, random states, costs and digests as plain JSON."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError
from lagrl.io.jsonl import LineFormat
from lagrl.relaxation.sampler import Samples, SamplingCost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

JOURNAL = LineFormat(
    fault="damaged",
    remedy="give a journal that a run with --journal wrote; restore a damaged one: its results may be paid for",
    header={"schema": "lagrl.journal/2", "kind": "header"},
    has_checksum=True,
    mode=0o600,
)
_UNSIGNED = tuple(np.dtype(f"<u{size}") for size in (1, 2, 4, 8))


def pack(array: NDArray[Any]) -> dict[str, Any]:
    """Return an array of bools or integers as a plain value: bits or the smallest integer type, compressed."""
    if array.dtype == np.bool_:
        return {"bits": _deflated(np.packbits(array).tobytes()), "shape": list(array.shape)}
    lowest, highest = int(array.min(initial=0)), int(array.max(initial=0))
    small = next(t for t in _UNSIGNED if highest <= np.iinfo(t).max) if lowest >= 0 else np.dtype("<i8")
    data = np.ascontiguousarray(array, small).tobytes()
    return {small.str: _deflated(data), "shape": list(array.shape), "dtype": array.dtype.name}


def unpack(packed: Mapping[str, Any]) -> NDArray[Any]:
    """Return the array that `pack` packed, C-contiguous.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is damaged.
    """
    shape = tuple(packed["shape"])
    name, data = next((name, value) for name, value in packed.items() if name not in ("shape", "dtype"))
    raw = _inflated(data)
    if name == "bits":
        return np.unpackbits(np.frombuffer(raw, np.uint8), count=int(np.prod(shape))).reshape(shape).astype(np.bool_)
    return np.frombuffer(raw, np.dtype(name)).astype(packed["dtype"]).reshape(shape)


def pack_samples(samples: Samples) -> dict[str, Any]:
    """Return samples as plain values, without their cost."""
    return {"strings": pack(samples.bitstrings.astype(np.bool_)), "counts": pack(samples.counts)}


def unpack_samples(packed: Mapping[str, Any], cost: SamplingCost) -> Samples:
    """Return the samples of `pack_samples`, with their cost."""
    return Samples(unpack(packed["strings"]).view(np.uint8), unpack(packed["counts"]), cost)


def plain_cost(cost: SamplingCost) -> dict[str, int | float | str]:
    """Return a cost as plain values at full precision; fields that are 0 or empty are left out."""
    kinds = {name: type(value) for name, value in asdict(SamplingCost()).items()}
    values = {name: kind(getattr(cost, name)) for name, kind in kinds.items()}
    return {name: value for name, value in values.items() if value}


def plain_state(rng: np.random.Generator) -> Any:
    """Return the state of a generator as plain values.

    Raises
    ------
    InputError
        If JSON cannot hold the state of its bit generator.
    """
    state = _plain(rng.bit_generator.state)
    try:
        json.dumps(state, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the state of {type(rng.bit_generator).__name__} cannot be recorded ({error})",
            field="rng",
            remedy="use numpy.random.default_rng",
        ) from error
    return state


def set_state(rng: np.random.Generator, state: Any) -> None:
    """Set a generator of the same kind to a state from `plain_state`."""
    rng.bit_generator.state = _restored(state)


def digest(value: Any) -> str:
    """Return the sha256 of plain values, in hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()


def array_digest(array: NDArray[Any], dtype: str) -> str:
    """Return the sha256 of an array's shape and of its bytes as `dtype`."""
    content = hashlib.sha256(f"{dtype} {array.shape} ".encode())
    content.update(np.ascontiguousarray(array, np.dtype(dtype)).tobytes())
    return content.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return {"array": value.dtype.str, "values": value.tolist()}
    return value.item() if isinstance(value, np.generic) else value


def _restored(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value.keys() == {"array", "values"}:
        return np.array(value["values"], np.dtype(value["array"]))
    return {key: _restored(entry) for key, entry in value.items()}


def _deflated(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, level=1)).decode()  # the best is 10 % smaller and 5 times slower


def _inflated(text: str) -> bytes:
    try:
        return zlib.decompress(base64.b64decode(text, validate=True))
    except (zlib.error, binascii.Error) as error:
        raise ValueError(f"packed data is damaged ({error})") from error
