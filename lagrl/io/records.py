"""JSON records that are read back strictly: an unknown, missing or mistyped field is refused by name."""

from __future__ import annotations

import contextlib
import json
import sys
import types
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from lagrl.errors import InputError
from lagrl.printable import VALUE, one_line, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

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
_MOST = 8  # names in a message
_LARGEST_INTEGER = 2**63 - 1


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


AnyNumber = Annotated[float, Check(lambda value: True, "a number")]
"""A float that may be NaN or infinite, for records that allow these."""


_THE_DEFAULT = object()


def may_lack(default: Any, *, formerly: Any = _THE_DEFAULT) -> Any:
    """Return a dataclass's field that a record may lack; it is `formerly` then, which is the default if not given."""
    return field(default=default, metadata={"formerly": default if formerly is _THE_DEFAULT else formerly})


def to_record(config: Any) -> dict[str, Any]:
    """Return a dataclass as nested dicts of JSON values; tuples become lists."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return plain


def from_record(
    cls: type[T],
    record: Any,
    field: str | None = None,
    *,
    source: str | None = None,
    remedy: str = "give a record of this version of lagrl",
    allow_others: bool = False,
) -> T:
    """Return the dataclass `cls` with the values of a record, such as one from `to_record`.

    Parameters
    ----------
    cls
        A dataclass. Its fields may be of every type that `read_fields` knows, or dataclasses. A default does not
        make a field optional, `may_lack` does.
    record
        Parsed JSON, one entry per field.
    field
        Name of the record within the file, for messages; empty for the whole file, None for the class's name.
    source
        File of the record, for messages.
    remedy
        What the user can do, for messages.
    allow_others
        Whether the record (not those within it) may have further fields, which are ignored.

    Raises
    ------
    InputError
        If a field is missing, unknown, of another type, or refused by the class; the message names it.
    """
    return _instance(cls, record, cls.__name__ if field is None else field, _Place(source, remedy), allow_others)


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
        Type of each field: bool, int, float, str, Literal, tuple, list, dict, the same with types of their entries
        (`dict[str, list[int]]`), `Annotated` with a `Check`, a union of these and None, Any. A bool is not a number;
        whole numbers must be below 2**63, and others finite, except those of type `AnyNumber`.
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
    _values(record, hints, field, _Place(source, remedy), optional, allow_others)
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
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"is not plain JSON ({error})", source=source, field=field, remedy=remedy) from error
    if kept != record:
        raise InputError("holds tuples or keys that are not text", source=source, field=field, remedy=remedy)


@dataclass(frozen=True)
class _Place:
    """File of a record and remedy of its errors."""

    source: str | None
    remedy: str | None

    def error(self, field: str, problem: str) -> InputError:
        return InputError(problem, source=self.source, field=field or None, remedy=self.remedy)


def _values(
    record: Any,
    hints: Mapping[str, Any],
    field: str,
    place: _Place,
    optional: Collection[str] = (),
    allow_others: bool = False,
) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise place.error(field, f"{shown(record)} is not an object")
    missing = sorted(hints.keys() - record.keys() - set(optional))
    if missing:
        raise place.error(field, f"lacks {', '.join(missing)}")
    unknown = [] if allow_others else sorted(map(str, record.keys() - hints.keys()))
    if unknown:
        raise place.error(field, f"unknown {_listed(unknown)}; known: {', '.join(hints)}")
    prefix = f"{field}." if field else ""
    return {name: _value(hint, record[name], prefix + name, place) for name, hint in hints.items() if name in record}


def _instance(cls: type[T], record: Any, field: str, place: _Place, allow_others: bool = False) -> T:
    hints, optional = _own_fields(cls)  # type: ignore[arg-type]  # a class is hashable, which mypy does not see
    values = _values(record, hints, field, place, optional, allow_others)
    try:
        return cls(**(optional | values))
    except InputError as error:  # of the class's own checks
        if place.source is None or error.source is not None:
            raise
        raise InputError(error.problem, source=place.source, field=error.field or field, remedy=place.remedy) from error


def _value(hint: Any, value: Any, field: str, place: _Place) -> Any:
    """Return `value` as a value of the type, a float from an int and a tuple from a list."""
    kind, options = _parts(hint)
    if kind in (Union, types.UnionType):
        return _one_of(options, value, field, place)
    if is_dataclass(hint):
        return _instance(hint, value, field, place)  # type: ignore[arg-type]  # a dataclass, which its type does not say
    if kind is Annotated and _parts(options[0])[0] is not None:
        made = _value(options[0], value, field, place)
        if all(check.holds(made) for check in options[1:]):
            return made
    elif kind is tuple and isinstance(value, list | tuple):
        kinds = [options[0]] * len(value) if options[-1] is Ellipsis else list(options)
        if len(kinds) == len(value):
            pairs = enumerate(zip(kinds, value, strict=True))
            return tuple(_value(own, entry, f"{field}[{i}]", place) for i, (own, entry) in pairs)
    elif kind is list and isinstance(value, list):
        return [_value(options[0], entry, f"{field}[{i}]", place) for i, entry in enumerate(value)]
    elif kind is dict and isinstance(value, dict):
        return {name: _value(options[1], entry, f"{field}.{_cut(str(name))}", place) for name, entry in value.items()}
    elif _fits(hint, value):
        return float(value) if hint is float or hint == AnyNumber else value
    raise place.error(field, f"{shown(value)} is not {_described(hint)}")


def _one_of(options: tuple[Any, ...], value: Any, field: str, place: _Place) -> Any:
    """Return `value` as a value of the first type that it has; the message is that of the last."""
    if value is None and types.NoneType in options:
        return None
    *others, last = (option for option in options if option is not types.NoneType)
    for option in others:
        with contextlib.suppress(InputError):
            return _value(option, value, field, place)
    return _value(last, value, field, place)


def _fits(hint: Any, value: Any) -> bool:
    kind, options = _parts(hint)
    if hint is Any:
        return True
    if hint == AnyNumber:
        return isinstance(value, float) or _fits(float, value)
    if kind is Annotated:
        return _fits(options[0], value) and all(check.holds(value) for check in options[1:])
    if kind is Literal:
        return any(value == option and type(value) is type(option) for option in options)
    if kind is not None:  # a list, tuple or dict of another type
        return False
    if isinstance(value, bool):
        return hint is bool
    if hint is float:
        return isinstance(value, int | float) and abs(value) <= sys.float_info.max
    if hint is int:
        return isinstance(value, int) and abs(value) <= _LARGEST_INTEGER
    return isinstance(value, hint)


def _described(hint: Any) -> str:
    kind, options = _parts(hint)
    if kind is Annotated:
        return str(options[-1].description)
    if kind is Literal:
        return " or ".join(map(repr, options))
    if kind is tuple and options[-1] is not Ellipsis:
        return f"a list of {len(options)}"
    return _NAMES.get(list if kind is tuple else kind or hint, str(hint))


@cache
def _parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(hint) is Annotated:
        return Annotated, (hint.__origin__, *hint.__metadata__)
    return get_origin(hint), get_args(hint)


@cache
def _own_fields(cls: type[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the types of a dataclass's fields, and the values of those that a record may lack."""
    hints = get_type_hints(cls, include_extras=True)
    optional = {entry.name: entry.metadata["formerly"] for entry in fields(cls) if "formerly" in entry.metadata}
    return {entry.name: hints[entry.name] for entry in fields(cls)}, optional


def _cut(text: str) -> str:
    return one_line(text, VALUE)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(map(_cut, names[:_MOST])) + more
