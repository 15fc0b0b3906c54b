"""What a reader is, for fuzzing."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Read = Callable[[bytes, Path], object]
"""Reads an input from bytes, given an empty folder; an error of lagrl is an answer, any other a finding."""


@dataclass(frozen=True)
class Reader:
    """A reader and small valid inputs, from which mutations start."""

    read: Read
    seeds: list[bytes]


def written(path: Path, data: bytes) -> Path:
    """Write a file and return its path."""
    path.write_bytes(data)
    return path


def json_lines(*records: dict[str, Any]) -> bytes:
    """Return objects as lines of JSON."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that is removed at the end of a `with` block."""
    return tempfile.TemporaryDirectory(prefix="fuzz-seed-")
