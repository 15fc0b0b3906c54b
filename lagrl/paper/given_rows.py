"""Rows that the user gives: each file is recognised by its first line."""

from __future__ import annotations

import json
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
    from collections.abc import Hashable, Sequence
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
_VALUES: dict[str, dict[str, Any]] = {
    "circuits": {
        **{"backend": str, "width": int, "circuit": str, "layers": int, "how": str},
        **{"logical_gates": int, "gates": int, "depth": int, "fidelity": float},
    },
    "knapsacks": {
        **{"kind": str, "knapsack": str, "name": str, "noise": str},
        **{"feasible": float, "optimal": float, "gap": float, "repaired_gap": float},
    },
    "peers": {"instance": str, "n_customers": int, "gap_pct": float | None},
    "widths": {
        **{"instance": str, "n_customers": int, "n_vehicles": int, "direct": int, "slack": int, "slack_free": int},
        **{"presolve_max": int, "presolve_mean": float, "core_mean": float},
    },
}
"""What the figures need of each value, by part."""

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
    """Read files of rows, gzipped (`.gz`) or not; a row or decision that occurs again is left out.

    Raises
    ------
    InputError
        If a file cannot be read, is empty, its rows are of another schema or lack a value, or the rows of a part have
        different settings.
    """
    given = GivenRows()
    seen: set[Hashable] = set()
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
                if row["key"] in seen:
                    continue
                seen.add(row["key"])
                for value in row["values"]:
                    _check(value, row["part"], f"{path}: {row['key']}")
                given.figures[row["part"]].append(row)
        elif first.get("kind") == "header" and isinstance(first.get("settings"), dict):
            from lagrl.quantum.bandit.traces import read_traces

            own = [(_identity(trace), trace) for trace in read_traces([path])]
            traces = [trace for identity, trace in own if identity not in seen]
            seen.update(identity for identity, _ in own)
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
    for part, figure_rows in given.figures.items():
        settings = {json.dumps(row.get("config"), sort_keys=True) for row in figure_rows}
        if len(settings) > 1:
            problem = f"{len(settings)} different ones in the rows of {part}"
            raise InputError(problem, source="--rows", field="config", remedy="give rows of one run, quick or full")
    return given


def _check(value: dict[str, Any], part: str, source: str) -> dict[str, Any]:
    return read_fields(value, _VALUES[part], source=source, remedy=_ANY.remedy, allow_others=True)


def _identity(trace: Trace) -> Hashable:
    """Return what two equal decisions have in common: run, evaluation, vehicle, arm, width and outcome."""
    own = trace.decision
    return trace.run, trace.step, own.vehicle, own.screened.width, own.executed, own.propensity, own.quality


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
    return {"values": [_check(line, "widths", f"{path}: line {number}")], "git_revision": line.get("git_revision")}


def _knapsack_row(path: Path, head: dict[str, Any]) -> FigureRow:
    """Return all rows of the study of circuits on single knapsacks as one of this package."""
    values = []
    for line, number in read_lines(path, _ANY):
        if line.get("kind") == "row":
            values.append(_check(line, "knapsacks", f"{path}: line {number}"))
    return {"values": values, "git_revision": head.get("git_revision")}


def first_line(path: Path) -> dict[str, Any]:
    """Return the first line of a file of JSON lines, gzipped (`.gz`) or not; InputError if it has none."""
    for line, _ in read_lines(path, _ANY):
        return line
    raise InputError("has no row", source=str(path), remedy=_ANY.remedy)
