"""The text of a CVRPLIB file, split into specifications and sections."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from lagrl.errors import InputError, InstanceError, require_type
from lagrl.printable import shown

if TYPE_CHECKING:
    from collections.abc import Container

MAX_BYTES = 64 * 2**20
MAX_LINES = 5_000_000  # a matrix of 2000 customers, one weight in a line
MAX_LENGTH = 1e12
_MOST_LINES = 1000  # outside sections

_SPEC = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\s*:(.*)", re.DOTALL)
_SECTION = re.compile(r"([A-Za-z][A-Za-z0-9_]*_SECTION)\s*:?", re.IGNORECASE)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TEXT = re.compile(r"^[^\S\n]*+(?=[^\s#])", re.MULTILINE)  # begin of a line with something on it
_HEAD = re.compile(
    r"^[^\S\n]*+(?:[a-z]\w*+[^\S\n]*+:|[a-z]\w*_SECTION[^\S\n]*+$|EOF[^\S\n]*+$)",
    re.ASCII | re.MULTILINE | re.IGNORECASE,
)
_REMARK = re.compile(r"^[^\S\n]*+#.*$", re.MULTILINE)
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
        Lines of each section, keys in capitals.
    cut
        Whether the file stops in the middle of a line of data.
    """

    source: str
    specs: dict[str, str]
    sections: dict[str, str]
    cut: bool


def read_text(path: str | os.PathLike[str], error: type[InputError], most_bytes: int | None = None) -> str:
    """Read a text file of at most `most_bytes`, `MAX_BYTES` if None, and `MAX_LINES`, in UTF-8 or Latin-1.

    Raises InputError of the class `error`, if the file is missing, a folder, unreadable, too large, empty or binary.
    """
    require_type(path, (str, os.PathLike), "path", "give the path of a file")
    source, limit = str(path), MAX_BYTES if most_bytes is None else most_bytes
    if os.path.isdir(path):  # unlike Path.is_dir, this accepts impossible names
        raise error("is a folder", source=source, remedy="give the name of a file")
    try:
        with open(path, "rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError as missing:
        raise error("no such file", source=source, remedy="check the name and the folder") from missing
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or failure
        raise error(f"cannot be read ({reason})", source=source, remedy="check the file and its permissions") from None
    if len(data) > limit:
        raise error(f"larger than {limit >> 20} MiB", source=source, remedy="give a CVRPLIB text file")
    if not data.strip():
        raise error("the file is empty", source=source, remedy="give a CVRPLIB text file")
    if max(data.count(b"\n"), data.count(b"\r")) > MAX_LINES:
        raise error(f"more than {MAX_LINES:,} lines", source=source, remedy="give a CVRPLIB text file")
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
    Sections stay whole, as their lines are counted only against what the file declares.

    Raises InstanceError if a specification or section comes twice, a line belongs to neither, or there are more than
    1000 lines outside sections, or that many remarks in one.
    """
    specs: dict[str, str] = {}
    sections: dict[str, str] = {}
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    at, place, n_lines, ended = 0, 1, 0, False
    while begin := _TEXT.search(text, at):
        place += text.count("\n", at, begin.end())
        at = text.find("\n", begin.end())
        at = len(text) if at < 0 else at
        line = text[begin.end() : at].strip()
        n_lines += 1
        if line[:4].upper() == "EOF":
            ended = True
            break
        if n_lines > _MOST_LINES:
            raise _too_many("lines outside sections", source, f"line {place}")
        if match := _SECTION.fullmatch(line):
            name, head = _new(match[1], sections, source, place), _HEAD.search(text, at)
            stop = len(text) if head is None else head.start()
            sections[name], n_remarks = _REMARK.subn("", text[at:stop], _MOST_LINES + 1)
            if n_remarks > _MOST_LINES:
                raise _too_many("lines that start with #", source, name)
            place += text.count("\n", at, stop)
            at = stop
        elif match := _SPEC.match(line):
            _add_spec(specs, match, source, place)
        else:
            raise InstanceError(
                f"{shown(line)} is neither 'KEY : value' nor the head of a section",
                source=source,
                field=f"line {place}",
                remedy="give a CVRPLIB .vrp file",
            )
    unfinished = not ended and not text.endswith("\n")
    return InstanceText(source, specs, sections, unfinished and list(sections)[-1:] != ["DEPOT_SECTION"])


def spec(raw: InstanceText, key: str) -> str:
    """Return the value of a specification; InstanceError if it is missing or empty."""
    value = raw.specs.get(key, "")
    if not value:
        fail(raw, key, "missing" if key not in raw.specs else "has no value", f"add a line '{key} : …'")
    return value


def whole(raw: InstanceText, field: str, token: str, what: str = "value") -> int:
    """Return a whole number below 10^15 in any notation (`10`, `10.0`, `1.0e+01`); InstanceError for anything else."""
    value = number(token)
    if not (value.is_integer() and abs(value) < 1e15):
        fail(raw, field, f"{what} {shown(token)} is not a whole number", "correct it")
    return int(value)


def length(raw: InstanceText, field: str, token: str, what: str) -> float:
    """Return a number within ±`MAX_LENGTH`; InstanceError for anything else."""
    value = number(token)
    if not abs(value) <= MAX_LENGTH:
        fail(raw, field, f"{what} {shown(token)} is not a number within ±{MAX_LENGTH:g}", "correct it")
    return value


def fail(raw: InstanceText, field: str, problem: str, remedy: str) -> NoReturn:
    """Raise InstanceError for a field of the file."""
    raise InstanceError(problem, source=raw.source, field=field, remedy=remedy)


def number(token: str) -> float:
    """Return a decimal number, perhaps infinite; NaN for anything else and for more than 100 characters."""
    return float(token) if len(token) <= 100 and _DECIMAL.fullmatch(token) else float("nan")


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


def _too_many(what: str, source: str, field: str) -> InstanceError:
    return InstanceError(
        f"more than {_MOST_LINES} {what}", source=source, field=field, remedy="give a CVRPLIB .vrp file"
    )


def _new(key: str, taken: Container[str], source: str, number: int) -> str:
    name = key.upper()
    if name in taken:
        raise InstanceError(
            f"given a second time in line {number}", source=source, field=name, remedy="keep one of the two"
        )
    return name
