"""Reading of JSON from files of others: bounded in size and nesting, and every fault is an InputError."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

LARGEST = 2**24
"""Bytes of a JSON file; parsed, they need at most about 30 times as much memory."""

DEEPEST = 32
"""Levels of lists and objects within each other."""


def parse_json(
    text: str | bytes,
    *,
    source: str | None = None,
    remedy: str | None = None,
    deepest: int = DEEPEST,
    allow_nan: bool = False,
) -> Any:
    """Return the value of a JSON text.

    Parameters
    ----------
    text
        The text; bytes must be UTF-8.
    source
        Its file, and line if there is one, for messages.
    remedy
        What the user can do, for messages.
    deepest
        Number of levels of lists and objects within each other that is allowed.
    allow_nan
        Whether NaN, Infinity and -Infinity are numbers, as Python writes them.

    Raises
    ------
    InputError
        If it is not JSON, or is nested deeper. Of NaN and infinity the message names the field.
    """
    constants: list[float] = []

    def constant(name: str) -> float:
        constants.append(float(name))
        return constants[-1]

    try:
        value = json.loads(text if isinstance(text, str) else text.decode("utf-8"), parse_constant=constant)
    except RecursionError:
        raise _too_deep(source, remedy, deepest) from None
    except ValueError as error:  # of the encoding, or of JSON
        raise InputError(f"is not JSON ({error})", source=source, remedy=remedy) from error
    if _is_deeper(value, deepest):
        raise _too_deep(source, remedy, deepest)
    if constants and not allow_nan:
        problem = f"{json.dumps(constants[0])} is not a JSON number"
        raise InputError(problem, source=source, field=_place(constants[0], value), remedy=remedy)
    return value


def read_json(
    path: str | os.PathLike[str],
    *,
    remedy: str,
    largest: int = LARGEST,
    deepest: int = DEEPEST,
    allow_nan: bool = False,
) -> Any:
    """Return the value of a JSON file; see `parse_json`.

    Parameters
    ----------
    path
        The file.
    remedy
        What the user can do, for messages.
    largest
        Number of bytes that is allowed; no more are read.
    deepest, allow_nan
        See `parse_json`.

    Raises
    ------
    InputError
        If the file cannot be read, is larger, is not JSON, or is nested deeper.
    """
    source = str(path)
    try:
        with Path(path).open("rb") as stream:
            text = stream.read(largest + 1)
    except FileNotFoundError:
        raise InputError("no such file", source=source, remedy="check the name and the folder") from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", source=source, remedy=remedy) from error
    if len(text) > largest:
        raise InputError(f"is larger than {largest} bytes", source=source, remedy=remedy)
    return parse_json(text, source=source, remedy=remedy, deepest=deepest, allow_nan=allow_nan)


def _is_deeper(value: object, deepest: int) -> bool:
    """Whether lists and objects are nested deeper, level by level: a recursion would reach Python's limit."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(deepest):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def _place(sought: object, value: object, place: str = "") -> str | None:
    """Return where an object is within a JSON value, as `costs[2].price`; None if it was replaced by a later field."""
    if value is sought:
        return place
    parts: Iterable[tuple[str, object]] = ()
    if isinstance(value, dict):
        parts = ((f"{place}.{name}" if place else name, inner) for name, inner in value.items())
    elif isinstance(value, list):
        parts = ((f"{place}[{i}]", inner) for i, inner in enumerate(value))
    return next((found for name, inner in parts if (found := _place(sought, inner, name)) is not None), None)


def _too_deep(source: str | None, remedy: str | None, deepest: int) -> InputError:
    return InputError(f"nested deeper than {deepest} levels", source=source, remedy=remedy)
