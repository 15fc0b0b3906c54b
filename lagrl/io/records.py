"""JSON records that are read back strictly: an unknown, missing or mistyped field is refused by name."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    _Errors = Callable[[str, str], InputError]  # from a field and a problem

T = TypeVar("T")

_NAMES = {
    str: "text",
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
    types.NoneType: "null",
}


@dataclass(frozen=True)
class Check:
    """A condition on a value in addition to its type, for use in `Annotated[type, Check(...)]`.

    Attributes
    ----------
    holds
        Whether a value of the type is allowed.
    description
        What is allowed, such as "a non-empty string".
    """

    holds: Callable[[Any], bool]
    description: str


def to_record(config: Any) -> dict[str, Any]:
    """Return a dataclass as nested dicts of JSON values; tuples become lists."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return plain


def from_record(
    cls: type[T],
    record: Any,
    field: str = "",
    *,
    source: str | None = None,
    remedy: str = "give a record of this version of lagrl",
) -> T:
    """Return the dataclass `cls` with the values of a record from `to_record`.

    Parameters
    ----------
    cls
        A dataclass whose fields are types that `read_fields` knows, or dataclasses.
    record
        One entry per field.
    field
        Name of the record within the file, for messages; the class's name if empty.
    source
        File of the record, for messages.
    remedy
        What the user can do, for messages.

    Raises
    ------
    InputError
        If a field is missing, unknown or of another type; the message names it.
    """
    return _instance(cls, record, field or cls.__name__, _errors(source, remedy))


def read_fields(
    record: Any,
    hints: Mapping[str, Any],
    *,
    source: str | None,
    field: str = "",
    remedy: str | None,
    optional: Collection[str] = (),
    allow_others: bool = False,
) -> dict[str, Any]:
    """Return `record` if it is an object with these fields.

    Parameters
    ----------
    record
        Parsed JSON.
    hints
        Type of each field: bool, int, float, str, dict, list, Literal, tuple, `Annotated` with a `Check`, or one of
        these or None. A bool is not a number, and numbers must be finite.
    source
        File of the record, for messages; None if it is from no file.
    field
        Name of the record within the file, such as `card.training`; empty for the whole file.
    remedy
        What the user can do, for messages.
    optional
        Fields that may be missing.
    allow_others
        Whether further fields are allowed.

    Raises
    ------
    InputError
        If it is not an object, or a field is missing, unknown or of another type; the message names it.
    """
    _values(record, hints, field, _errors(source, remedy), optional, allow_others)
    found: dict[str, Any] = record
    return found


def require_plain(record: object, *, source: str | None, field: str, remedy: str) -> None:
    """Refuse what strict JSON cannot hold: objects of other types, NaN, infinity, keys that are not text.

    Raises
    ------
    InputError
        If it is not plain JSON.
    """
    try:
        kept = json.loads(json.dumps(record, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"is not plain JSON ({error})", source=source, field=field, remedy=remedy) from error
    if kept != record:
        raise InputError("holds tuples or keys that are not text", source=source, field=field, remedy=remedy)


def _errors(source: str | None, remedy: str | None) -> _Errors:
    """Return a function that makes the error of a field and a problem."""
    return lambda field, problem: InputError(problem, source=source, field=field or None, remedy=remedy)


def _values(
    record: Any,
    hints: Mapping[str, Any],
    field: str,
    error: _Errors,
    optional: Collection[str] = (),
    allow_others: bool = False,
) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise error(field, f"{_shown(record)} is not an object")
    missing = sorted(hints.keys() - record.keys() - set(optional))
    if missing:
        raise error(field, f"lacks {', '.join(missing)}")
    unknown = [] if allow_others else sorted(map(str, record.keys() - hints.keys()))
    if unknown:
        raise error(field, f"unknown {', '.join(unknown)}; known: {', '.join(hints)}")
    prefix = f"{field}." if field else ""
    return {name: _value(hint, record[name], prefix + name, error) for name, hint in hints.items() if name in record}


def _instance(cls: type[T], record: Any, field: str, error: _Errors) -> T:
    hints = get_type_hints(cls, include_extras=True)
    own = {entry.name: hints[entry.name] for entry in fields(cls)}  # type: ignore[arg-type]  # a dataclass, which its type does not say
    return cls(**_values(record, own, field, error))


def _value(hint: Any, value: Any, field: str, error: _Errors) -> Any:
    """Return `value` as a value of the type, a float from an int and a tuple from a list."""
    kind, options = _parts(hint)
    if kind in (Union, types.UnionType):
        if value is None and types.NoneType in options:
            return None
        (hint,) = (option for option in options if option is not types.NoneType)
        kind, options = _parts(hint)
    if is_dataclass(hint):
        return _instance(hint, value, field, error)  # type: ignore[arg-type]  # a dataclass, which its type does not say
    if kind is tuple and isinstance(value, list | tuple):
        kinds = [options[0]] * len(value) if options[-1] is Ellipsis else list(options)
        if len(kinds) == len(value):
            pairs = enumerate(zip(kinds, value, strict=True))
            return tuple(_value(own, entry, f"{field}[{i}]", error) for i, (own, entry) in pairs)
    elif _fits(hint, value):
        return float(value) if hint is float else value
    raise error(field, f"{_shown(value)} is not {_described(hint)}")


def _fits(hint: Any, value: Any) -> bool:
    kind, options = _parts(hint)
    if kind is Annotated:
        return _fits(options[0], value) and all(check.holds(value) for check in options[1:])
    if kind is Literal:
        return value in options
    if isinstance(value, bool):
        return hint is bool
    if hint is float:
        return isinstance(value, int | float) and abs(value) <= sys.float_info.max
    return isinstance(value, hint)


def _described(hint: Any) -> str:
    kind, options = _parts(hint)
    if kind is Annotated:
        return str(options[-1].description)
    if kind is Literal:
        return " or ".join(map(repr, options))
    return _NAMES.get(hint, str(hint))


@cache
def _parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(hint) is Annotated:
        return Annotated, (hint.__origin__, *hint.__metadata__)
    return get_origin(hint), get_args(hint)


def _shown(value: object) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
