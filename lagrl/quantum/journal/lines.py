"""Values in a journal's lines: packed arrays, random states, costs and digests as plain JSON."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from lagrl.errors import InputError
from lagrl.io.line_format import LineFormat
from lagrl.io.records import Check, from_record, read_fields
from lagrl.printable import shown
from lagrl.relaxation.sampler import Samples, SamplingCost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

JOURNAL = LineFormat(
    fault="damaged",
    remedy="give a journal that a run with --journal wrote; restore a damaged one: its results may be paid for",
    header={"schema": "lagrl.journal/2", "kind": "header"},
    has_checksum=True,
    mode=0o600,
    longest=2**25,
)
MOST_UNPACKED = 2**28
"""Bytes of all arrays of a line, unpacked: 0/1 take one each, whole numbers eight."""

_UNSIGNED = tuple(np.dtype(f"<u{size}") for size in (1, 2, 4, 8))
_INTEGERS = {kind.str: kind for kind in (*_UNSIGNED, np.dtype("<i8"))}

_Number = Annotated[int, Check(lambda value: value >= 0, "a whole number of 0 or more")]
_Dtype = Literal["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
_LARGEST_COST = 1e15  # sums of such numbers are finite
_POSITIONS = {"pos": 624, "buffer_pos": 4}  # numpy reads beyond its buffers at larger ones
_JOB: dict[str, Any] = {"kind": str, "job_of": str}
_ENDED: dict[str, Any] = {**_JOB, "cost": dict}
_FIELDS: dict[str, dict[str, Any]] = {
    "call": {
        **{"kind": str, "run": str, "step": int, "shots": int, "sampler": str, "key": str, "owner": str, "cost": dict},
        **dict.fromkeys(("reduced_cost", "weight", "capacity", "rng"), str),
        **{"rng_after": dict, "samples": dict},
    },
    "plan": {"kind": str, "call": str, "plan": dict},
    "claimed": {**_JOB, "run": str, "step": int, "owner": str},
    "intended": {**_JOB, "run": str, "step": int, "owner": str, "tag": str},
    "taken": {**_JOB, "owner": str},
    "submitted": {**_JOB, "job": str},
    "finished": {**_ENDED, "codes": list[dict[str, Any]]},
    "failed": {**_ENDED, "problem": str},
    "unusable": {**_ENDED, "problem": str},
    "late": {**_ENDED, "job": str},
}


def check_line(record: Mapping[str, Any]) -> None:
    """Refuse a line of an unknown kind, or with a missing or mistyped field.

    Raises
    ------
    InputError
        It names the field.
    """
    kind = record.get("kind")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise InputError(f"{shown(kind)} is no kind of line", field="kind")
    optional = {"cost"} if kind in ("failed", "unusable") else ()
    read_fields(record, _FIELDS[kind], source=None, remedy=None, optional=optional, allow_others=True)


def read_cost(plain: Mapping[str, Any]) -> SamplingCost:
    """Return the cost that `plain_cost` wrote; InputError if it is something else."""
    cost = from_record(SamplingCost, plain, "cost")
    if any(isinstance(value, int | float) and not 0 <= value <= _LARGEST_COST for value in vars(cost).values()):
        raise InputError(f"{shown(dict(plain))} is not possible", field="cost")
    return cost


def pack(array: NDArray[Any]) -> dict[str, Any]:
    """Return an array of bools or integers as a plain value: bits or the smallest integer type, compressed.

    Raises
    ------
    InputError
        If it is too large to be read back.
    """
    _require_room(array.size * (1 if array.dtype == np.bool_ else 8))
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
    InputError
        If it is damaged, its data is not that of its shape, or it is too large.
    """
    return unpack_all([packed])[0]


def unpack_all(arrays: Sequence[Mapping[str, Any]]) -> list[NDArray[Any]]:
    """Return arrays that `pack` packed, together at most `MOST_UNPACKED` bytes; see `unpack`."""
    _require_room(sum(map(_declared_bytes, arrays)))
    return [_unpacked(packed) for packed in arrays]


def _declared_bytes(packed: Mapping[str, Any]) -> int:
    """Return the bytes that an array takes by its shape; InputError if it has other fields than a packed array."""
    names = packed.keys() & {"bits", *_INTEGERS}
    hints = {"shape": tuple[_Number, ...], "dtype": _Dtype, **dict.fromkeys(names, str)}
    is_bits = "bits" in names
    read_fields(packed, hints, source=None, field="array", remedy=None, optional={"dtype"} if is_bits else ())
    shape: list[int] = packed["shape"]
    if len(names) != 1 or len(shape) > 8:
        raise InputError(f"{shown(dict(packed))} is no packed array", field="array")
    return math.prod(shape) * (1 if is_bits else 8)


def _require_room(n_bytes: int) -> None:
    if n_bytes > MOST_UNPACKED:
        raise InputError(
            f"{n_bytes} bytes in a line",
            field="array",
            remedy=f"record at most {MOST_UNPACKED} at once, with fewer shots",
        )


def _unpacked(packed: Mapping[str, Any]) -> NDArray[Any]:
    shape = packed["shape"]
    size = math.prod(shape)
    if "bits" in packed:
        raw = np.frombuffer(_inflated(packed["bits"], -(-size // 8)), np.uint8)
        return np.unpackbits(raw, count=size).reshape(shape).astype(np.bool_)
    (name,) = packed.keys() & _INTEGERS.keys()
    kind = _INTEGERS[name]
    return np.frombuffer(_inflated(packed[name], size * kind.itemsize), kind).astype(packed["dtype"]).reshape(shape)


def pack_samples(samples: Samples) -> dict[str, Any]:
    """Return samples as plain values, without their cost."""
    return {"strings": pack(samples.bitstrings.astype(np.bool_)), "counts": pack(samples.counts)}


def unpack_samples(packed: Mapping[str, Any], cost: SamplingCost) -> Samples:
    """Return the samples of `pack_samples`, with their cost."""
    read_fields(packed, {"strings": dict, "counts": dict}, source=None, field="samples", remedy=None)
    strings, counts = unpack_all([packed["strings"], packed["counts"]])
    return Samples(strings.view(np.uint8) if strings.dtype == np.bool_ else strings, counts, cost)


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
        if value["array"] not in _INTEGERS:
            raise ValueError(f"array of {shown(value['array'])}")
        return np.array(value["values"], _INTEGERS[value["array"]])
    return {key: _restored(entry) for key, entry in value.items()}


def _deflated(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, level=1)).decode()  # the best is 10 % smaller and 5 times slower


def _inflated(text: str, n_bytes: int) -> bytes:
    """Return the data; no more than it should have is unpacked."""
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(base64.b64decode(text, validate=True), n_bytes + 1)
    except (zlib.error, ValueError) as error:  # ValueError: of the base64 text
        raise InputError(f"packed data is damaged ({error})", field="array") from error
    if len(data) != n_bytes or not unpacking.eof:
        raise InputError("the packed data is not that of its shape", field="array")
    return data
