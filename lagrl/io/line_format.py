"""The lines of JSON files: how one is written, read back, found torn or refused.

A writer that is killed can leave the beginning of a line at the end of the file: a torn line. A reader leaves it out,
the next writer cuts it off. A last line that lacks only its line end counts, and the next writer ends it.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, cast

from lagrl.errors import InputError
from lagrl.io.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_CHECKSUM = b'{"crc32": "%08x", '
_LENGTH = len(_CHECKSUM % 0)
_PACKED_ANYWAY, _MOST_PACKED = 2**26, 100  # bytes, and bytes for each packed one; rows and traces have 15


class TornLineWarning(UserWarning):
    """The last line of a file was cut short because its writer was stopped; it does not count."""


@dataclass(frozen=True)
class LineFormat:
    """How the lines of one kind of file look, and how messages name them.

    Attributes
    ----------
    fault
        What a line is that cannot be read, such as "not a result row".
    remedy
        What the user can do about it.
    heads
        How every line starts, one of these: only the beginning of such a line counts as torn. Empty: any text does.
    header
        The object in the first line of every file; None for no header.
    has_checksum
        Whether every line starts with a CRC-32 of the rest.
    mode
        Permissions of a new file.
    warns
        Whether a torn line causes a `TornLineWarning`.
    longest
        Most bytes of a line, its end included; no more are read at once.
    """

    fault: str
    remedy: str
    heads: tuple[bytes, ...] = ()
    header: Mapping[str, Any] | None = None
    has_checksum: bool = False
    mode: int = 0o666
    warns: bool = True
    longest: int = 2**24

    @property
    def first_line(self) -> bytes:
        """The header as a line; empty for none."""
        return self.encode(self.header) if self.header else b""

    def encode(self, record: Mapping[str, Any]) -> bytes:
        """Return an object as one line, with its end.

        Raises
        ------
        TypeError, ValueError
            If it is not plain JSON; NaN and infinity are not.
        """
        text = json.dumps(record, allow_nan=False).encode() + b"\n"
        if not self.has_checksum:
            return text
        return _CHECKSUM % zlib.crc32(text[1:-1]) + text[1:]

    def decode(self, line: bytes, path: Path, number: int) -> dict[str, Any]:
        """Return the object of a line, with or without its end.

        Raises
        ------
        InputError
            If it is not a JSON object or does not have its checksum; it names file and line.
        """
        if self.has_checksum:
            head, rest = line[:_LENGTH], line[_LENGTH:]
            if head != _CHECKSUM % zlib.crc32(rest.rstrip(b"\n")):
                self.refuse(path, number, "checksum does not match")
            line = b"{" + rest
        try:
            record = parse_json(line)
        except InputError as error:
            self.refuse(path, number, error)
        if not isinstance(record, dict):
            self.refuse(path, number, "not a JSON object")
        return record

    def refuse(self, path: Path, number: int, problem: Exception | str) -> NoReturn:
        """Refuse a line because of an error, or for a reason given as text.

        Raises
        ------
        InputError
            Always; it names file and line.
        """
        reason = repr(problem) if isinstance(problem, LookupError | TypeError) else problem  # else it is only a name
        if isinstance(problem, InputError):
            reason = ": ".join(part for part in (problem.field, problem.problem) if part)
        raise InputError(f"{self.fault} ({reason})", source=f"{path}: line {number}", remedy=self.remedy)

    def is_torn(self, line: bytes, path: Path, number: int) -> bool:
        """Whether a line without an end is only the beginning of one.

        Raises
        ------
        InputError
            If it is the beginning of something else.
        """
        with contextlib.suppress(ValueError, RecursionError):
            json.loads(line)
            return False  # no proper beginning of a JSON object is JSON
        if self.heads and not any(line.startswith(head) or head.startswith(line) for head in self.heads):
            self.refuse(path, number, "not JSON")
        return True

    def warn_torn(self, path: Path, number: int, fate: str) -> None:
        """Warn that a torn line does not count."""
        if self.warns:
            warnings.warn(
                f"{path}: line {number} is torn (its writer was stopped while writing) and was {fate}; "
                "all lines before it are kept",
                TornLineWarning,
                stacklevel=6,
            )


def opened(path: Path) -> BinaryIO:
    """Open a file for reading, unpacked if its name ends in `.gz`."""
    return cast("BinaryIO", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


@contextlib.contextmanager
def reading(path: Path, remedy: str) -> Iterator[None]:
    """Turn errors of reading `path`, a damaged archive included, into an InputError with this remedy."""
    try:
        yield
    except InputError:
        raise
    except (OSError, EOFError, zlib.error) as error:  # the last two of a damaged archive
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot be read ({reason})", source=str(path), remedy=remedy) from error


def read_lines(path: Path, form: LineFormat) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the object and the number of every line, unpacked if the file's name ends in `.gz`.

    Raises
    ------
    InputError
        If the file cannot be read, or a line other than a torn last one is of another form. Also if a line is longer
        than its form allows, or the file is above 64 MiB unpacked and above 100 times its size.
    """
    with reading(path, form.remedy), opened(path) as stream:
        left = max(_PACKED_ANYWAY, _MOST_PACKED * path.stat().st_size)
        for number, line in enumerate(iter(lambda: stream.readline(form.longest + 1), b""), 1):
            left -= len(line)
            if len(line) > form.longest:
                form.refuse(path, number, f"longer than {form.longest} bytes")
            if left < 0 and path.suffix == ".gz":
                form.refuse(path, number, f"unpacked, the file is more than {_MOST_PACKED} times as large")
            if not line.endswith(b"\n") and form.is_torn(line, path, number):
                form.warn_torn(path, number, "left out")
                return
            yield form.decode(line, path, number), number
