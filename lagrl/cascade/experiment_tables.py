"""Tables of the published experiments from their rows, as Markdown."""

from __future__ import annotations

from typing import Any, Final

Row = dict[str, Any]

EXPERIMENT_TITLES: Final = {
    "a": "Sizes",
    "b": "Depths",
    "c": "Shots",
    "d": "Sizes with one layer",
    "penalties": "Penalty of the quality floors",
}
_RIGHT: Final = (
    "right penalties",
    "right penalties and budget",
    "the same, warm start",
    "weighted start alone",
    "XY ring",
    "XY chain",
)
_BACKENDS: Final = ("fez", "kingston", "marrakesh")


def experiment_table(name: str, rows: list[Row]) -> str:
    """Return the tables of one experiment."""
    if name == "penalties":
        return _penalties(rows)
    tables = [_published(rows), _decoded(rows)]
    if any(row["source"] in _RIGHT for row in rows):
        tables.append(_right(rows))
    return "\n\n".join(tables)


def _published(rows: list[Row]) -> str:
    """Return raw validity per circuit and device: ideal and noisy, as published, as written and as run."""
    lines = [
        "Valid shots, raw, in %:",
        "",
        "| qubits | layers | device | published simulator | as written, ideal | as run, ideal | published hardware |"
        " as written, fake | as run, fake | uniform bits | depth, CZ: published | depth, CZ: fake |",
        "|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for qubits, layers in _circuits(rows):
        for backend in _BACKENDS:
            own = {
                (row["source"], row["backend"]): row
                for row in rows
                if (row["qubits"], row["layers"]) == (qubits, layers)
            }
            values = [
                own.get(("published simulator", None)),
                own.get(("as written", None)),
                own.get(("as run", None)),
                own.get(("published hardware", backend)),
                own.get(("as written", backend)),
                own.get(("as run", backend)),
                own.get(("uniform bits", None)),
            ]
            counts = [_counts(values[3]), _counts(values[5])]
            lines.append(
                f"| {qubits} | {layers} | {backend} | {' | '.join(map(_percent, values))} | {' | '.join(counts)} |"
            )
    return "\n".join(lines)


def _decoded(rows: list[Row]) -> str:
    """Return what feasibility-first decoding makes of each source: hits of the best answer, and floors met."""
    lines = [
        "After feasibility-first decoding, in %: shots that give the best answer / floors met on average:",
        "",
        "| qubits | layers | as written, ideal | as run, ideal | as run, FakeFez | uniform bits | uniform valid |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for qubits, layers in _circuits(rows):
        own = {
            (row["source"], row["backend"]): row for row in rows if (row["qubits"], row["layers"]) == (qubits, layers)
        }
        sources = (
            ("as written", None),
            ("as run", None),
            ("as run", "fez"),
            ("uniform bits", None),
            ("uniform valid", None),
        )
        lines.append(f"| {qubits} | {layers} | {' | '.join(_hits(own.get(source)) for source in sources)} |")
    return "\n".join(lines)


def _right(rows: list[Row]) -> str:
    """Return raw validity and decoded hits of the right circuits, ideal and on the fakes."""
    lines = [
        "Right circuits with one layer, valid shots, raw, in %, and (shots that give the best answer after decoding):",
        "",
        "| qubits | circuit | ideal | FakeFez | FakeKingston | FakeMarrakesh | CZ on FakeFez |",
        "|--:|---|--:|--:|--:|--:|--:|",
    ]
    right = [row for row in rows if row["source"] in _RIGHT]
    for qubits in sorted({row["qubits"] for row in right}):
        for source in _RIGHT:
            own = {row["backend"]: row for row in right if (row["qubits"], row["source"]) == (qubits, source)}
            if own:
                values = [
                    "–" if own.get(backend) is None else f"{_percent(own[backend])} ({100 * own[backend]['hit']:.3g})"
                    for backend in (None, *_BACKENDS)
                ]
                cz = own["fez"]["cz"] if "fez" in own else "–"
                lines.append(f"| {qubits} | {source} | {' | '.join(values)} | {cz} |")
    return "\n".join(lines)


def _penalties(rows: list[Row]) -> str:
    lines = [
        "Minimum of the formula over all 4,096 strings of the 12-qubit instance: dollars / floors met in % (tasks not"
        " assigned once):",
        "",
        "| λ_Q | published table | formula, λ_A = 50 | formula, larger λ_A |",
        "|--:|--:|--:|--:|",
    ]
    for row in sorted(rows, key=lambda row: float(row["lambda_quality"])):
        table = (
            "–" if row["table_dollars"] is None else f"{row['table_dollars']:.2f} / {100 * row['table_quality']:.0f}"
        )
        cells = [
            f"{row[f'{name}_dollars']:.3f} / {100 * row[f'{name}_quality']:.0f} ({row[f'{name}_unassigned']})"
            for name in ("published", "right")
        ]
        lines.append(f"| {row['lambda_quality']:g} | {table} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def _circuits(rows: list[Row]) -> list[tuple[int, int]]:
    return sorted({(row["qubits"], row["layers"]) for row in rows if row["source"] == "as written"})


def _percent(row: Row | None) -> str:
    return "–" if row is None else f"{100 * row['valid']:.2f}" if row["valid"] < 0.1 else f"{100 * row['valid']:.1f}"


def _hits(row: Row | None) -> str:
    return "–" if row is None else f"{100 * row['hit']:.3g} / {100 * row['floors']:.3g}"


def _counts(row: Row | None) -> str:
    return "–" if row is None else f"{row['depth']}, {row['cz']}"
