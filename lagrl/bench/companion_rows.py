"""Rows of the companion problems, cascade routing and carbon-aware placement, for the ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError
from lagrl.io.line_format import LineFormat, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from lagrl.bench.schema import Row

_REMEDY = "give a file of rows of lagrl carbon experiment or of cascade routing"
_LINES = LineFormat(fault="not a row", remedy=_REMEDY)
_FIRST_LINE = replace(_LINES, warns=False)
_NO_CIRCUIT = {"weighted start alone", "uniform valid", "one multiplier, no circuit"}


@dataclass(frozen=True)
class CompanionRows:
    """Runs of one companion problem, under the field names of `lagrl eval`.

    Attributes
    ----------
    title
        Name of the problem.
    unit
        Unit of `cost`, in the plural.
    rows
        `controller` is the size, `sampler` the method, `method` its variant, and `budget` the shots. Circuits are
        simulated: their seconds are `quantum_seconds`.
    n_without_seconds
        Rows left out because they have no seconds: published runs, and runs that were refused.
    """

    title: str
    unit: str
    rows: list[Row]
    n_without_seconds: int = 0


def are_companions(paths: Iterable[Path]) -> bool:
    """Return whether the first line of every file is a row, or the head, of a companion problem.

    False for a file that cannot be read: the reader of other rows says why.
    """
    try:
        firsts = [next(iter(read_lines(path, _FIRST_LINE)), None) for path in paths]
    except InputError:
        return False
    return bool(firsts) and all(first is not None and ("part" in first[0] or "kind" in first[0]) for first in firsts)


def read_companions(paths: Iterable[Path]) -> list[CompanionRows]:
    """Read the rows of companion problems, each problem by itself.

    Raises
    ------
    InputError
        If a file cannot be read, or a row lacks a field.
    """
    found: dict[tuple[str, str], list[Row]] = {}
    missing: dict[tuple[str, str], int] = {}
    for path in paths:
        for record, number in read_lines(path, _LINES):
            kind = record.get("part", record.get("kind"))
            if kind == "head":
                continue
            source = f"{path}: line {number}"
            if kind not in _KINDS:
                raise InputError(f"{kind!r} is no kind of row", source=source, remedy=_REMEDY)
            try:
                problem, row = _KINDS[kind](record)
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(f"no row of {kind} ({error})", source=source, remedy=_REMEDY) from error
            rows = found.setdefault(problem, [])
            if row is None:
                missing[problem] = missing.get(problem, 0) + 1
            else:
                rows.append({**row, "key": source})
    return [CompanionRows(*problem, rows, missing.get(problem, 0)) for problem, rows in found.items()]


_PLACEMENT = "Carbon-aware placement", "gCO2e"
_CHAINS = "One hour of placement on two devices", "gCO2e"
_UNDER_BUDGET = "Cascade routing under a budget", "points of score"
_WITH_CAPACITIES = "Cascade routing with capacities", "dollars"

_Found = tuple[tuple[str, str], "Row | None"]


def _exact(record: dict[str, Any]) -> _Found:
    if "emissions_g" not in record:
        return _PLACEMENT, None
    size = f"{record['layers']} layers, {record['devices']} devices{_memory(record)}"
    return _PLACEMENT, _row(record, size, record["method"], record["emissions_g"], record["seed"])


def _saving(record: dict[str, Any]) -> _Found:
    size = f"{record['zones']}{_memory(record)}, {record['forecast']} forecast"
    return _PLACEMENT, _row(record, size, "lagrangian", record["emissions_g"], record["day"])


def _chain(record: dict[str, Any]) -> _Found:
    cost = record["optimum_g"] * (1 + record["best_gap_percent"] / 100)
    method, _, device = record["sampler"].partition(", ")
    is_circuit = method.startswith(("cold", "warm"))
    row = _row(record, f"{record['layers']} layers", method, cost, record["seed"])
    sampled = method != "dynamic programming"
    return _CHAINS, {
        **row,
        "method": device or ("no noise" if is_circuit else ""),
        "budget": record["shots"] if sampled else 0,
        "circuits": int(is_circuit),
        "seconds": 0.0 if sampled else row["seconds"],
        "quantum_seconds": row["seconds"] if sampled else 0.0,
        "encoding_seconds": record.get("encoding_seconds", 0.0),
    }


def _timing(record: dict[str, Any]) -> _Found:
    problem = _WITH_CAPACITIES if record["variant"] == "capacitated" else _UNDER_BUDGET
    share = f", budget share {record['budget_share']:g}" if problem is _UNDER_BUDGET else ""
    size = f"{record['n']:,} × {record['m']}{share}"
    named = {**record, "seconds": record["wall_seconds"]}
    return problem, _row(named, size, record["method"], record["objective"], record["seed"], record["instance"])


def _candidates(record: dict[str, Any]) -> _Found:
    if "seconds" not in record:
        return _UNDER_BUDGET, None
    decoding = record.get("decoding_seconds", 0.0)
    size, cost = f"{record['n']} × {record['m']}", record["objective"]
    row = _row(record, size, record["source"], cost, record["seed"], record["instance"])
    return _UNDER_BUDGET, {
        **row,
        "method": "refined" if record["refined"] else "not refined",
        "budget": record["shots"],
        "circuits": int(record["source"] not in _NO_CIRCUIT),
        "seconds": row["seconds"] + decoding,
        "decoding_seconds": decoding,
        "quantum_seconds": record.get("sampling_seconds", 0.0),
        "encoding_seconds": record.get("encoding_seconds", 0.0),
    }


def _published(record: dict[str, Any]) -> _Found:
    del record
    return _UNDER_BUDGET, None


_KINDS: dict[str, Callable[[dict[str, Any]], _Found]] = {
    "exact": _exact,
    "saving": _saving,
    "qaoa": _chain,
    "timing": _timing,
    "candidates": _candidates,
    "experiment": _published,
}


def _row(
    record: dict[str, Any], size: str, method: str, cost: float | None, seed: int, instance: str | None = None
) -> Row:
    return {
        "instance": f"{size}, {seed}" if instance is None else instance,
        "fleet": "",
        "controller": size,
        "sampler": method,
        "method": "",
        "budget": 0,
        "seed": seed,
        "feasible": cost is not None,
        "cost": cost,
        "gap_pct": None,
        "circuits": 0,
        "seconds": float(record["seconds"]),
        "quantum_seconds": 0.0,
        "recording_seconds": 0.0,
        "history": [],
    }


def _memory(record: dict[str, Any]) -> str:
    return "" if record["memory"] is None else f", memory {record['memory']:g}"
