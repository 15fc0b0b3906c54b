"""Tables of the study of cascade routing, from its rows."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from lagrl.cascade.experiment_tables import EXPERIMENT_TITLES, experiment_table


def report(rows: list[dict[str, Any]]) -> str:
    """Return all tables that the rows allow, as Markdown."""
    parts = []
    if any(row["kind"] == "timing" for row in rows):
        parts.append(timing_table(rows))
    if any(row["kind"] == "candidates" for row in rows):
        parts.append(candidates_table(rows))
    found = [row for row in rows if row["kind"] == "experiment"]
    for name, title in EXPERIMENT_TITLES.items():
        own = [row for row in found if row["experiment"] == name]
        if own:
            parts.append(f"### {title}\n\n{experiment_table(name, own)}")
    return "\n\n".join(parts)


def timing_table(rows: list[dict[str, Any]]) -> str:
    """Return the methods' gaps and seconds per group of instances.

    The gap is to the best bound of any method on the same instance, in % of the dollars or of the sum of the scores.
    """
    timing = [row for row in rows if row["kind"] == "timing"]
    best: dict[str, float] = {}
    for row in timing:
        if row["bound"] is not None:
            best[row["instance"]] = max(best.get(row["instance"], row["bound"]), row["bound"])
    lines = [
        "| variant | tasks × models | budget share | method | instances | gap, mean | gap, largest |"
        " own proof, largest | wall s, mean | processor s, mean | wall s, largest |",
        "|---|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in timing:
        share = row["budget_share"] if row["variant"] == "quality" else None
        groups.setdefault((row["variant"], row["n"], row["m"], share, row["method"]), []).append(row)
    for (variant, n, m, share, method), own in groups.items():
        gaps = [_gap(row, best[row["instance"]]) for row in own if row["objective"] is not None]
        proofs = [row["gap_percent"] for row in own]
        proof = "–" if None in proofs else f"{max(proofs):.2g} %"
        wall, used = [row["wall_seconds"] for row in own], [row["processor_seconds"] for row in own]
        lines.append(
            f"| {variant} | {n:,} × {m} | {'–' if share is None else f'{share:g}'} | {method} | {len(own)} | "
            f"{_percent(gaps, fmean)} | {_percent(gaps, max)} | {proof} | {fmean(wall):.3g} | {fmean(used):.3g} | "
            f"{max(wall):.3g} |"
        )
    return "\n".join(lines)


def candidates_table(rows: list[dict[str, Any]]) -> str:
    """Return the gap of the best candidate of each source to the bound, mean over instances, raw and refined."""
    own = [row for row in rows if row["kind"] == "candidates"]
    lines = ["| tasks × models | candidates | gap, not refined | gap, refined |", "|--:|---|--:|--:|"]
    for n, m, source in dict.fromkeys((row["n"], row["m"], row["source"]) for row in own):
        gaps = [
            [row["gap_percent"] for row in own if (row["n"], row["source"], row["refined"]) == (n, source, refined)]
            for refined in (False, True)
        ]
        lines.append(f"| {n} × {m} | {source} | {' | '.join(_percent(part, fmean) for part in gaps)} |")
    return "\n".join(lines)


def _gap(row: dict[str, Any], bound: float) -> float:
    whole = row["n"] * row["mean_quality"] if row["variant"] == "quality" else row["dollars"]
    return 100.0 * max(0.0, row["objective"] - bound) / whole


def _percent(gaps: list[float], of: Any) -> str:
    return f"{of(gaps):.2g} %" if gaps else "no answer"
