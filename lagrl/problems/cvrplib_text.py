"""The text of a CVRPLIB file, split into specifications and sections."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.errors import InputError, InstanceError

if TYPE_CHECKING:
    from collections.abc import Container

MAX_BYTES = 64 * 2**20

_SPEC = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\s*:(.*)", re.DOTALL)
_SECTION = re.compile(r"([A-Za-z][A-Za-z0-9_]*_SECTION)\s*:?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class InstanceText:
    """The content of a `.vrp` file, every value as text.

    Attributes
    ----------
    source
        File name as the user gave it.
    specs
        Value of each `KEY : value` line, keys in capitals.
    sections
        Rows of each section, each split at white space, keys in capitals.
    cut
        Whether the file stops in the middle of a line of data.
    """

    source: str
    specs: dict[str, str]
    sections: dict[str, list[list[str]]]
    cut: bool


def shown(value: str) -> str:
    """Quote a value of a file for a message: one line, not too long."""
    return repr(value if len(value) <= 40 else f"{value[:40]}…")


def read_text(path: str | os.PathLike[str], error: type[InputError]) -> str:
    """Read a text file of at most `MAX_BYTES`, in UTF-8 or Latin-1.

    Raises InputError of the class `error`, if the file is missing, a folder, unreadable, too large, empty or binary.
    """
    source = str(path)
    if os.path.isdir(path):  # unlike Path.is_dir, this accepts impossible names
        raise error("is a folder", source=source, remedy="give the name of a file")
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as missing:
        raise error("no such file", source=source, remedy="check the name and the folder") from missing
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or failure
        raise error(f"cannot be read ({reason})", source=source, remedy="check the file and its permissions") from None
    if len(data) > MAX_BYTES:
        raise error(f"larger than {MAX_BYTES >> 20} MiB", source=source, remedy="give a CVRPLIB text file")
    if not data.strip():
        raise error("the file is empty", source=source, remedy="give a CVRPLIB text file")
    text = _decoded(data)
    control = _CONTROL.search(text)
    if control:
        raise error(
            f"binary content (byte {ord(control[0]):#04x} at {control.start()})",
            source=source,
            remedy="give a text file",
        )
    return text


def scan(text: str, source: str) -> InstanceText:
    """Split the text of a `.vrp` file into specifications and sections.

    Blank lines, lines that start with `#` and everything after EOF are skipped; several COMMENT lines are joined.

    Raises InstanceError if a specification or section comes twice, or a line belongs to neither.
    """
    specs: dict[str, str] = {}
    sections: dict[str, list[list[str]]] = {}
    rows: list[list[str]] | None = None
    ended = False
    for number, line in enumerate((raw.strip() for raw in text.splitlines()), 1):
        if line.upper() == "EOF":
            ended = True
            break
        if not line or line.startswith("#"):
            continue
        if match := _SECTION.fullmatch(line):
            rows = sections.setdefault(_new(match[1], sections, source, number), [])
        elif match := _SPEC.match(line):
            _add_spec(specs, match, source, number)
            rows = None
        elif rows is not None:
            rows.append(line.split())
        else:
            raise InstanceError(
                f"{shown(line)} is neither 'KEY : value' nor the head of a section",
                source=source,
                field=f"line {number}",
                remedy="give a CVRPLIB .vrp file",
            )
    unfinished = not ended and not text.endswith(("\n", "\r"))
    return InstanceText(source, specs, sections, unfinished and list(sections)[-1:] != ["DEPOT_SECTION"])


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _add_spec(specs: dict[str, str], match: re.Match[str], source: str, number: int) -> None:
    value = match[2].strip().strip("\"'").strip()
    if match[1].upper() == "COMMENT" and "COMMENT" in specs:
        specs["COMMENT"] += f" {value}"
    else:
        specs[_new(match[1], specs, source, number)] = value


def _new(key: str, taken: Container[str], source: str, number: int) -> str:
    name = key.upper()
    if name in taken:
        raise InstanceError(
            f"given a second time in line {number}", source=source, field=name, remedy="keep one of the two"
        )
    return name
