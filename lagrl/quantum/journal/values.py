"""Values in a journal: packed arrays, and costs, states of random generators and digests as plain JSON."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import numpy as np

from lagrl.errors import InputError
from lagrl.io.records import Check, from_record
from lagrl.printable import shown
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

MOST_UNPACKED = 2**28
"""Bytes of all arrays of an answer or result, unpacked: 0/1 take one each, whole numbers eight."""

Kind = Literal["bits", "|u1", "<u2", "<u4", "<u8", "<i8"]
KINDS = get_args(Kind)
_Number = Annotated[int, Check(lambda value: value >= 0, "a whole number of 0 or more")]
_Shape = Annotated[tuple[_Number, ...], Check(lambda shape: len(shape) <= 8, "a shape of at most 8 numbers")]
_Dtype = Literal["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
PACKED: dict[str, Any] = {"kind": Kind, "shape": _Shape, "dtype": _Dtype, "data": bytes}
_LARGEST_COST = 1e15  # sums of such numbers are finite
_POSITIONS = {"pos": 624, "buffer_pos": 4}  # numpy reads beyond its buffers at larger ones


def pack(array: NDArray[Any]) -> dict[str, Any]:
    """Return an array of bools or whole numbers as it is stored, with the fields `PACKED`.

    These are `bits` or numpy's name of the stored whole numbers, the shape, the name of the array's own type, and the
    values in C order, compressed by zlib.

    Raises `InputError` if it is too large to be read back.
    """
    _require_room(array.size * (1 if array.dtype == np.bool_ else 8))
    kind: Any = "bits"
    if array.dtype == np.bool_:
        data = np.packbits(array).tobytes()
    else:
        lowest, highest = int(array.min(initial=0)), int(array.max(initial=0))
        kind = next(kind for kind in KINDS[1:-1] if highest <= np.iinfo(kind).max) if lowest >= 0 else "<i8"
        data = np.ascontiguousarray(array, kind).tobytes()
    packed = zlib.compress(data, level=1)  # the best is 10 % smaller and 5 times slower
    return {"kind": kind, "shape": list(array.shape), "dtype": array.dtype.name, "data": packed}


def unpack(arrays: Sequence[Mapping[str, Any]]) -> list[NDArray[Any]]:
    """Return stored arrays, C-contiguous, so that sums over them are equal to the last bit.

    Raises `InputError` if the data of one is damaged or not that of its shape, or they are too large together.
    """
    _require_room(sum(math.prod(array["shape"]) * (1 if array["kind"] == "bits" else 8) for array in arrays))
    return [_unpacked(array) for array in arrays]


def _require_room(n_bytes: int) -> None:
    if n_bytes > MOST_UNPACKED:
        raise InputError(
            f"{n_bytes} bytes of arrays",
            field="array",
            remedy=f"record at most {MOST_UNPACKED} at once, with fewer shots",
        )


def _unpacked(packed: Mapping[str, Any]) -> NDArray[Any]:
    kind, shape, data = packed["kind"], packed["shape"], packed["data"]
    size = math.prod(shape)
    if kind == "bits":
        raw = np.frombuffer(_inflated(data, -(-size // 8)), np.uint8)
        return np.unpackbits(raw, count=size).reshape(shape).astype(np.bool_)
    values = np.frombuffer(_inflated(data, size * np.dtype(kind).itemsize), kind)
    return values.astype(packed["dtype"]).reshape(shape)


def _inflated(packed: bytes, n_bytes: int) -> bytes:
    """Return the data; no more than it should have is unpacked."""
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(packed, n_bytes + 1)
    except zlib.error as error:
        raise InputError(f"packed data is damaged ({error})", field="array") from error
    if len(data) != n_bytes or not unpacking.eof:
        raise InputError("the packed data is not that of its shape", field="array")
    return data


def plain_cost(cost: SamplingCost) -> dict[str, int | float | str]:
    """Return a cost as plain values at full precision; fields that are 0 or empty are left out."""
    kinds = {name: type(value) for name, value in asdict(SamplingCost()).items()}
    values = {name: kind(getattr(cost, name)) for name, kind in kinds.items()}
    return {name: value for name, value in values.items() if value}


def read_cost(plain: Mapping[str, Any]) -> SamplingCost:
    """Return the cost that `plain_cost` wrote; InputError if it is something else."""
    cost = from_record(SamplingCost, plain, "cost")
    if any(isinstance(value, int | float) and not 0 <= value <= _LARGEST_COST for value in vars(cost).values()):
        raise InputError(f"{shown(dict(plain))} is not possible", field="cost")
    return cost


def plain_state(rng: np.random.Generator) -> Any:
    """Return the state of a generator as plain values.

    Raises `InputError` if JSON cannot hold the state of its bit generator.
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
    """Set a generator of the same kind to a state from `plain_state`; InputError if it is something else."""
    try:
        for name, most in _POSITIONS.items():
            place = state["state"] if name == "pos" else state
            if name in place and not 0 <= place[name] <= most:
                raise ValueError(f"{name} {place[name]}")
        rng.bit_generator.state = _restored(state)
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise InputError(
            f"the recorded state of {type(rng.bit_generator).__name__} cannot be used ({error})",
            field="rng_after",
            remedy="use another journal",
        ) from error


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
        if value["array"] not in KINDS[1:]:
            raise ValueError(f"array of {shown(value['array'])}")
        return np.array(value["values"], value["array"])
    return {key: _restored(entry) for key, entry in value.items()}
