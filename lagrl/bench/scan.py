"""Reading a file of rows whose writer may have been killed at any byte."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NoReturn, cast

from lagrl.bench.schema import SCHEMA, Row, check_row
from lagrl.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

# Every row starts with this, so that the torn beginning of one can be told from the end of somebody's novel.
_HEAD = f'{{"schema": "{SCHEMA}"'.encode()


@dataclass(frozen=True)
class Scan:
    """What a file holds.

    Attributes
    ----------
    rows
        The whole rows.
    length
        Bytes they take.
    torn
        Number of the last line if it is the beginning of a row; 0 if it is not.
    unterminated
        Whether the last row is whole, but its line has no end.
    """

    rows: list[Row]
    length: int
    torn: int = 0
    unterminated: bool = False


def scan(path: Path) -> Scan:
    """Read the rows of a file, changing nothing; one whose name ends in `.gz` is unpacked on the way.

    Raises
    ------
    InputError
        If the file cannot be read, a line but a torn last one is no row of this schema, or a key occurs twice.
    """
    rows: list[Row] = []
    keys: set[str] = set()
    length = 0
    try:
        with _opened(path) as stream:
            for number, line in enumerate(stream, 1):
                whole = line.endswith(b"\n")
                if not whole and _is_torn(line):
                    return Scan(rows, length, torn=number)
                row = _parse(line, f"{path}: line {number}")
                if row["key"] in keys:
                    _refuse_repeated(row["key"], f"{path}: line {number}")
                keys.add(row["key"])
                rows.append(row)
                length += len(line)
                if not whole:
                    return Scan(rows, length, unterminated=True)
    except (OSError, EOFError, zlib.error) as error:  # the last two of a damaged archive
        raise InputError(
            f"cannot be read ({getattr(error, 'strerror', None) or error})",
            source=str(path),
            remedy="give a file that lagrl eval wrote",
        ) from error
    return Scan(rows, length)


def _opened(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _is_torn(line: bytes) -> bool:
    """Whether a line without an end is the beginning of a row; no proper beginning of an object is valid JSON."""
    if not (line.startswith(_HEAD) or _HEAD.startswith(line)):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return True
    return False


def _parse(line: bytes, source: str) -> Row:
    try:
        row = json.loads(line.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"not a result row ({error})", source=source, remedy="give a file that lagrl eval wrote, or remove the line"
        ) from error
    return check_row(row, source=source)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _refuse_repeated(key: str, source: str) -> NoReturn:
    raise InputError(f"{key!r} occurs twice", source=source, field="key", remedy="remove one of the two lines")
