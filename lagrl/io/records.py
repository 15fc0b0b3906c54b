"""Frozen dataclasses as plain JSON, read back strictly: what is unknown, missing or of another type is refused."""

from __future__ import annotations

import types
from dataclasses import asdict, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


def to_record(config: Any) -> dict[str, Any]:
    """Return a dataclass as nested dicts of JSON values; tuples become lists."""
    plain = _plain(asdict(config))
    assert isinstance(plain, dict)
    return plain


def from_record(cls: type[T], record: Mapping[str, Any], place: str = "") -> T:
    """Build the dataclass `cls` from what `to_record` gave.

    Parameters
    ----------
    cls
        A dataclass whose fields are bool, int, float, str, Literal, tuples and unions of these, or dataclasses.
    record
        One entry per field, none missing and none besides.
    place
        Where the record stands, for messages.

    Raises
    ------
    InputError
        If it does not fit; the message names the entry.
    """
    where = place or cls.__name__
    if not isinstance(record, dict):
        raise InputError(f"{type(record).__name__} is not a record", field=where, remedy="give name: value pairs")
    names = [entry.name for entry in fields(cls)]  # type: ignore[arg-type]
    for name in sorted(set(record) - set(names), key=str):
        raise InputError(f"unknown entry {name!r}", field=where, remedy=f"known: {', '.join(names)}")
    for name in names:
        if name not in record:
            raise InputError(f"entry {name!r} is missing", field=where, remedy="save it with this version of the code")
    hints = get_type_hints(cls)
    return cls(**{name: _value(hints[name], record[name], f"{where}.{name}") for name in names})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def _value(hint: Any, value: Any, place: str) -> Any:
    """Return `value` as `hint` says, or refuse it."""
    origin, options = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        return from_record(hint, value, place)  # type: ignore[arg-type]
    if origin in (Union, types.UnionType):
        if value is None and type(None) in options:
            return None
        (inner,) = (option for option in options if option is not type(None))
        return _value(inner, value, place)
    if origin is Literal and value in options:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        kinds = [options[0]] * len(value) if options[-1] is Ellipsis else list(options)
        if len(kinds) == len(value):
            return tuple(
                _value(kind, entry, f"{place}[{i}]") for i, (kind, entry) in enumerate(zip(kinds, value, strict=True))
            )
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    wanted = getattr(hint, "__name__", str(hint)) if origin is None else str(hint)
    raise InputError(f"{value!r} is not {wanted}", field=place, remedy="mend the record")
