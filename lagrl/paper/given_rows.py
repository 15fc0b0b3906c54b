"""Rows that the user gives: each file is recognised by its first line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lagrl.bench.rows import read_rows
from lagrl.bench.schema import SCHEMA
from lagrl.errors import InputError
from lagrl.io.line_format import LineFormat, read_lines
from lagrl.io.records import read_fields
from lagrl.paper.figure_rows import FIGURE_SCHEMA, PARTS, read_figure_rows
from lagrl.paper.scale import FULL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lagrl.bench.schema import Row
    from lagrl.paper.figure_rows import FigureRow
    from lagrl.quantum.bandit.traces import Trace

OR_TOOLS = ("curve", "ortools")
_STUDY: dict[str, Any] = {
    "instance": str,
    "n_customers": int,
    "best_known": float | None,
    "history": list[tuple[float, float]],
    "git_revision": str | None,
}
_WIDTHS: dict[str, Any] = {
    **{"instance": str, "n_customers": int, "n_vehicles": int, "direct": int, "slack": int, "slack_free": int},
    **{"presolve_max": int, "presolve_mean": float, "core_mean": float},
}
_KNAPSACKS: dict[str, Any] = {
    **{"knapsack": str, "name": str, "noise": str},
    **{"feasible": float, "optimal": float, "gap": float, "repaired_gap": float},
}
_ANY = LineFormat(fault="not a row", remedy="give rows of lagrl eval, lagrl traces or lagrl paper", warns=False)


@dataclass(eq=False)
class GivenRows:
    """Rows by the part they belong to; a part without rows is empty.

    Attributes
    ----------
    routes, samplers
        Rows of `lagrl eval`: those with exact knapsacks; all rows of files that have another sampler too.
    figures
        Rows of `lagrl paper` by part. Rows of three studies of this project count too: of OR-Tools in that of solution
        quality as `peers`, of logical widths as `widths`, of circuits on single knapsacks as `knapsacks`.
    traces, trained
        Decisions of `lagrl traces`: at random, and of a trained bandit by its limit on two-qubit gates.
    trace_revisions
        Git revisions of the files of decisions.
    """

    routes: list[Row] = field(default_factory=list)
    samplers: list[Row] = field(default_factory=list)
    figures: dict[str, list[FigureRow]] = field(default_factory=lambda: {part: [] for part in PARTS})
    traces: list[Trace] = field(default_factory=list)
    trained: dict[int, list[Trace]] = field(default_factory=dict)
    trace_revisions: set[str] = field(default_factory=set)


def read_given(paths: Sequence[Path]) -> GivenRows:
    """Read files of rows, gzipped (`.gz`) or not; a key that occurs again is left out.

    Raises
    ------
    InputError
        If a file cannot be read, is empty, or its rows are of another schema.
    """
    given = GivenRows()
    seen: set[str] = set()
    for path in paths:
        first = first_line(path)
        if first.get("schema") == SCHEMA:
            rows = [row for row in read_rows(path) if row["key"] not in seen]
            seen.update(row["key"] for row in rows)
            given.routes += [row for row in rows if row["sampler"] == "exact"]
            if any(row["sampler"] != "exact" for row in rows):
                given.samplers += rows
        elif first.get("schema") == FIGURE_SCHEMA:
            for row in read_figure_rows(path):
                if row["key"] not in seen:
                    seen.add(row["key"])
                    given.figures[row["part"]].append(row)
        elif first.get("kind") == "header" and isinstance(first.get("settings"), dict):
            from lagrl.quantum.bandit.traces import read_traces

            traces = read_traces([path])
            given.trace_revisions.add(str(first.get("git_revision") or "unknown"))
            if first["settings"].get("state") is None:
                given.traces += traces
            else:
                given.trained.setdefault(int(first["settings"].get("gates", 0)), []).extend(traces)
        elif {"part", "method", "history"} <= first.keys():
            given.figures["peers"] += [_peer_row(line, path, number) for line, number in _of_or_tools(path)]
        elif {"direct", "slack_free", "presolve_max"} <= first.keys():
            given.figures["widths"] += [_width_row(line, path, number) for line, number in read_lines(path, _ANY)]
        elif first.get("kind") == "head" and {"widths", "per_width"} <= first.keys():
            given.figures["knapsacks"].append(_knapsack_row(path, first))
        else:
            raise InputError(
                "rows of another schema", source=str(path), field="schema", remedy=_ANY.remedy + "; leave this file out"
            )
    return given


def _of_or_tools(path: Path) -> list[tuple[dict[str, Any], int]]:
    """Return the rows of OR-Tools in a file of the study of solution quality, with their numbers."""
    lines = [(line, n) for line, n in read_lines(path, _ANY) if (line.get("part"), line.get("method")) == OR_TOOLS]
    if not lines:
        raise InputError("no row of OR-Tools", source=str(path), remedy=_ANY.remedy + "; leave this file out")
    return lines


def _peer_row(line: dict[str, Any], path: Path, number: int) -> FigureRow:
    """Return the cost that a longer run of OR-Tools had reached after the paper's 20 s."""
    read_fields(line, _STUDY, source=f"{path}: line {number}", remedy=_ANY.remedy, allow_others=True)
    reached = [cost for seconds, cost in line["history"] if seconds <= FULL.peer_seconds]
    best = line["best_known"]
    gap = 100.0 * (reached[-1] - best) / best if reached and best else None
    values = {name: line[name] for name in ("instance", "n_customers", "best_known")}
    return {
        "config": {"method": "or-tools", "seconds": FULL.peer_seconds},
        "values": [{**values, "cost": reached[-1] if reached else None, "gap_pct": gap}],
        "git_revision": line["git_revision"],
    }


def _width_row(line: dict[str, Any], path: Path, number: int) -> FigureRow:
    """Return a row of the study of logical widths as one of this package."""
    read_fields(line, _WIDTHS, source=f"{path}: line {number}", remedy=_ANY.remedy, allow_others=True)
    return {"values": [line], "git_revision": line.get("git_revision")}


def _knapsack_row(path: Path, head: dict[str, Any]) -> FigureRow:
    """Return all rows of the study of circuits on single knapsacks as one of this package."""
    values = []
    for line, number in read_lines(path, _ANY):
        if line.get("kind") == "row":
            read_fields(line, _KNAPSACKS, source=f"{path}: line {number}", remedy=_ANY.remedy, allow_others=True)
            values.append(line)
    return {"values": values, "git_revision": head.get("git_revision")}


def first_line(path: Path) -> dict[str, Any]:
    """Return the first line of a file of JSON lines, gzipped (`.gz`) or not; InputError if it has none."""
    for line, _ in read_lines(path, _ANY):
        return line
    raise InputError("has no row", source=str(path), remedy=_ANY.remedy)
