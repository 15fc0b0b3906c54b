"""The fields of a result row, and their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from lagrl.errors import InputError
from lagrl.io.records import Check, read_fields
from lagrl.printable import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "lagrl-row/1"

Row = dict[str, Any]

# until version 0.1 the field `method` of rows and configurations was called `reconstruct`, with other values
_METHOD_UNTIL_0_1 = {"search": "pool", "reference": "cluster"}


def _is_history(value: list[object]) -> bool:
    return all(
        isinstance(entry, list)
        and len(entry) == 3
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in entry)
        and all(abs(number) < _HUGE for number in entry)
        for entry in value
    )


_HUGE = 1e150  # sums and squares of smaller numbers are finite
_TEXT = Annotated[str, Check(bool, "a non-empty string")]
_INTEGER = Annotated[int, Check(lambda value: abs(value) < 2**63, "an integer")]
_NUMBER = Annotated[float, Check(lambda value: abs(value) < _HUGE, "a finite number")]

FIELDS: dict[str, Any] = {
    "schema": _TEXT,
    "key": _TEXT,
    "instance": _TEXT,
    "family": _TEXT,
    "n_customers": _INTEGER,
    "n_vehicles": _INTEGER,
    "controller": _TEXT,
    "sampler": _TEXT,
    "fleet": _TEXT,
    "method": _TEXT,
    "budget": _INTEGER,
    "seed": _INTEGER,
    "evaluations": _INTEGER,
    "circuits": _INTEGER,
    "shots": _INTEGER,
    "seconds": _NUMBER,
    "quantum_seconds": _NUMBER,
    "recording_seconds": _NUMBER,
    "dual_value": _NUMBER,
    "cost": _NUMBER,
    "best_known": _NUMBER,
    "gap_pct": _NUMBER,
    "n_routes": _INTEGER,
    "feasible": bool,
    "config": dict,
    "config_hash": _TEXT,
    "versions": dict[str, str],
    "git_revision": _TEXT,
    "history": Annotated[list, Check(_is_history, "a list of [evaluations, seconds, cost]")],
}

# older rows lack these
OPTIONAL: dict[str, Any] = {
    "two_qubit_gates": _INTEGER,
    "depth": _INTEGER,
    "jobs": _INTEGER,
    "qpu_seconds": _NUMBER,
    "queue_seconds": _NUMBER,
    "price": _NUMBER,
    "encoding_seconds": _NUMBER,
    "decoding_seconds": _NUMBER,
    "cpu_joules": _NUMBER,
    "backend": str,
    "fallback": str,
}

NULLABLE = frozenset({"dual_value", "cost", "best_known", "gap_pct", "n_routes", "git_revision", "price"})
_HINTS = {name: hint | None if name in NULLABLE else hint for name, hint in {**FIELDS, **OPTIONAL}.items()}
_REMEDY = "give a file that lagrl eval wrote"


def with_method(record: dict[str, Any]) -> dict[str, Any]:
    """Return a row or configuration under the present name of `method`, which was `reconstruct` until version 0.1."""
    if "reconstruct" not in record or "method" in record:
        return record
    names = {old: new for new, old in _METHOD_UNTIL_0_1.items()}
    value = record["reconstruct"]
    value = names.get(value, value) if isinstance(value, str) else value
    return {**{name: record[name] for name in record if name != "reconstruct"}, "method": value}


def with_reconstruct(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as it was called until version 0.1: its hash is part of the keys of rows, which stay."""
    former = {field: value for field, value in config.items() if field != "method"}
    return {**former, "reconstruct": _METHOD_UNTIL_0_1.get(config["method"], config["method"])}


def check_row(row: object, *, source: str) -> Row:
    """Return `row` under the present names if it is a complete row; fields beyond the schema are allowed.

    Parameters
    ----------
    row
        Parsed JSON.
    source
        File and line, for messages.

    Raises
    ------
    InputError
        If `row` is not an object, has another schema, or a field is missing or of another type.
    """
    if not isinstance(row, dict):
        raise InputError("not a JSON object", source=source, remedy=_REMEDY)
    if row.get("schema") != SCHEMA:
        raise InputError(
            f"{shown(row.get('schema'))} is not {SCHEMA!r}",
            source=source,
            field="schema",
            remedy="give a file that this version of lagrl eval wrote",
        )
    row = with_method(row)
    if isinstance(row.get("config"), dict):
        row = {**row, "config": with_method(row["config"])}
    read_fields(row, _HINTS, source=source, remedy=_REMEDY, optional=OPTIONAL, allow_others=True)
    if row["feasible"] and row["cost"] is None:
        raise InputError("null in a feasible row", source=source, field="cost", remedy="give the cost of the routes")
    return row
