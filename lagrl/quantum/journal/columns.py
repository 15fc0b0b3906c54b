"""The tables of a journal, and how a row of one is stored, checked and read back."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Literal

from lagrl.errors import InputError
from lagrl.io.json_text import parse_json
from lagrl.io.records import read_fields
from lagrl.quantum.journal.values import PACKED, read_cost

if TYPE_CHECKING:
    from collections.abc import Sequence

APPLICATION = int.from_bytes(b"lagr", "big")
VERSION = 3  # 1 and 2 were files of lines
LARGEST = 2**25
"""Bytes of a row."""

JobState = Literal["claimed", "intended", "submitted", "unusable", "finished", "failed"]
IDENTITY: dict[str, Any] = {
    **{"run": str, "step": int, "reduced_cost": str, "weight": str, "capacity": str},
    **{"shots": int, "sampler": str, "rng": str},
}
TABLES: dict[str, dict[str, Any]] = {
    "calls": {"key": str, **IDENTITY, "cost": dict, "rng_after": dict},
    "arrays": {"owner": str, "number": int, **PACKED},  # of a call, by its key, or of a job, by its fingerprint
    "plans": {"call": str, "plan": dict},
    "claims": {"owner": str, "process": str, "fingerprint": str},  # which job each thread is about to send
    "jobs": {
        **{"fingerprint": str, "attempt": int, "state": JobState, "run": str, "step": int},
        **{"tag": str, "job": str, "problem": str, "at": float},
    },
    "charges": {"fingerprint": str, "job": str, "cost": dict},
    "imports": {"digest": str, "file": str, "at": float},
}
_KEYS = {
    **{"calls": "UNIQUE (key)", "arrays": "UNIQUE (owner, number)", "plans": "UNIQUE (call)"},
    **{"claims": "UNIQUE (owner), UNIQUE (fingerprint)", "jobs": "UNIQUE (fingerprint, attempt)"},
    **{"charges": "UNIQUE (fingerprint, job)", "imports": "UNIQUE (digest)"},
}
SCHEMA = [f"CREATE TABLE {name} ({', '.join(TABLES[name])}, crc32, {_KEYS[name]})" for name in TABLES]
SCHEMA.append("CREATE INDEX calls_of_steps ON calls (run, step)")
_JSON = ("cost", "rng_after", "plan", "shape")


def require_row(table: str, row: dict[str, Any]) -> None:
    """Refuse a row with a missing, unknown or mistyped value."""
    read_fields(row, TABLES[table], source=None, remedy=None)
    if "cost" in row:
        read_cost(row["cost"])


def stored(name: str, value: Any) -> Any:
    """Return the value of a column as SQLite keeps it."""
    return json.dumps(value, allow_nan=False) if name in _JSON else as_text(value)


def as_text(value: Any) -> Any:
    """Return text that UTF-8 cannot hold, such as some names of files, as bytes; other values as they are."""
    try:
        if isinstance(value, str):
            value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
    return value


def loaded(name: str, value: Any) -> Any:
    """Return the value of a column from what SQLite keeps."""
    if name in _JSON and isinstance(value, str):
        try:
            return parse_json(value)
        except InputError as error:
            raise InputError(error.problem, field=name) from error
    if isinstance(value, bytes) and name != "data":
        return value.decode("utf-8", "surrogatepass")
    return value


def checksum(values: Sequence[Any]) -> int:
    """Return the CRC-32 of the values of a row, as SQLite keeps them."""
    total = 0
    for value in values:
        data = value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
        total = zlib.crc32(data, zlib.crc32(b"%d " % len(data), total))
    return total
