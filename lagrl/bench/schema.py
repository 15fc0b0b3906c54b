"""Schema of result rows, shared by evaluation and report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCHEMA = "lagrl-row/1"

Row = dict[str, Any]

# until version 0.1 the field `method` of rows and configurations was called `reconstruct`, with other values
_METHOD_UNTIL_0_1 = {"search": "pool", "reference": "cluster"}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _is_integer(value: object) -> bool:
    return type(value) is int and abs(value) < 2**63


def _is_number(value: object) -> bool:
    """Finite, and small enough that sums and squares stay so; JSON readers turn 1e999 into infinity."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e150 < value < 1e150


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_history(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, list) and len(entry) == 3 and all(map(_is_number, entry)) for entry in value
    )


_TEXT = (_is_text, "a non-empty string")
_INTEGER = (_is_integer, "an integer")
_NUMBER = (_is_number, "a finite number")

FIELDS: Mapping[str, tuple[Callable[[object], bool], str]] = {
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
    "feasible": (_is_flag, "true or false"),
    "config": (_is_object, "an object"),
    "config_hash": _TEXT,
    "versions": (_is_object, "an object"),
    "git_revision": _TEXT,
    "history": (_is_history, "a list of [evaluations, seconds, cost]"),
}

# rows from before these were recorded lack them
OPTIONAL: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "two_qubit_gates": _INTEGER,
    "depth": _INTEGER,
    "jobs": _INTEGER,
    "qpu_seconds": _NUMBER,
    "queue_seconds": _NUMBER,
    "price": _NUMBER,
    "backend": (_is_string, "a string"),
    "fallback": (_is_string, "a string"),
}

NULLABLE = frozenset({"dual_value", "cost", "best_known", "gap_pct", "n_routes", "git_revision", "price"})


def with_method(record: dict[str, Any]) -> dict[str, Any]:
    """Return a row or configuration under the present name of `method`, which was `reconstruct` until version 0.1."""
    if "reconstruct" not in record or "method" in record:
        return record
    names = {old: new for new, old in _METHOD_UNTIL_0_1.items()}
    return {
        "method" if field == "reconstruct" else field: names.get(value, value) if field == "reconstruct" else value
        for field, value in record.items()
    }


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
        Where it came from, for the message.

    Raises
    ------
    InputError
        If `row` is no object, of another schema, or a field is missing or of the wrong kind.
    """
    if not isinstance(row, dict):
        raise InputError("not a JSON object", source=source, remedy="give a file that lagrl eval wrote")
    if row.get("schema") != SCHEMA:
        raise InputError(
            f"{row.get('schema')!r} is not {SCHEMA!r}",
            source=source,
            field="schema",
            remedy="give a file that this version of lagrl eval wrote",
        )
    row = with_method(row)
    if isinstance(row.get("config"), dict):
        row = {**row, "config": with_method(row["config"])}
    for field, (holds, kind) in {**FIELDS, **OPTIONAL}.items():
        if field not in row:
            if field in OPTIONAL:
                continue
            raise InputError("missing", source=source, field=field, remedy=f"it must be {kind}")
        value = row[field]
        if not (holds(value) or (value is None and field in NULLABLE)):
            null = " or null" if field in NULLABLE else ""
            raise InputError(f"{value!r:.80} is not allowed", source=source, field=field, remedy=f"give {kind}{null}")
    if row["feasible"] and row["cost"] is None:
        raise InputError("null in a feasible row", source=source, field="cost", remedy="give the cost of the routes")
    return row
