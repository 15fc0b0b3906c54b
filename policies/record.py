"""Reading JSON that others wrote: fields are checked by name and type, and an error names the file and the field."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

Types = tuple[type, ...]
NUMBER: Types = (int, float)
TEXT_OR_NONE: Types = (str, type(None))


def read_fields(
    record: object,
    types: Mapping[str, Types],
    *,
    source: str | None,
    field: str = "",
    remedy: str,
    others: bool = False,
) -> dict[str, Any]:
    """Return `record` if it is an object with the fields of `types`, each of one of its types.

    Parameters
    ----------
    record
        What the file holds at `field`.
    types
        Allowed types per field. A bool is no number, and a number must be finite.
    source
        The file, for messages; None where the record comes from no file.
    field
        Where `record` stands in the file, such as `card.training`; empty for the whole.
    remedy
        What the user can do.
    others
        Whether other fields may be there, too.

    Raises
    ------
    InputError
        If it is no object, or a field is missing, unknown or of another type.
    """
    here = field or None
    if not isinstance(record, dict):
        raise InputError(f"{_name(record)} where an object should be", source=source, field=here, remedy=remedy)
    missing = sorted(types.keys() - record.keys())
    if missing:
        raise InputError(f"lacks {', '.join(missing)}", source=source, field=here, remedy=remedy)
    unknown = sorted(map(str, record.keys() - types.keys()))
    if unknown and not others:
        raise InputError(f"unknown {', '.join(unknown)}", source=source, field=here, remedy=remedy)
    for name, allowed in types.items():
        value = record[name]
        fits = isinstance(value, allowed) and not (isinstance(value, bool) and bool not in allowed)
        if not fits or (isinstance(value, float) and not math.isfinite(value)):
            wanted = " or ".join("null" if kind is type(None) else _NAMES.get(kind, kind.__name__) for kind in allowed)
            place = f"{field}.{name}" if field else name
            raise InputError(f"{_shown(value)} is not {wanted}", source=source, field=place, remedy=remedy)
    return record


def require_plain(record: object, *, source: str | None, field: str, remedy: str) -> None:
    """Refuse what strict JSON cannot hold: objects of other types, NaN, infinities, keys that are no text.

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
        raise InputError("holds tuples or keys that are no text", source=source, field=field, remedy=remedy)


_NAMES = {str: "text", int: "a whole number", float: "a number", dict: "an object", list: "a list", bool: "true/false"}


def _name(value: object) -> str:
    return "null" if value is None else _NAMES.get(type(value), type(value).__name__)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
