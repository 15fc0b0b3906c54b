"""Rows of the figures that are not of `lagrl eval`: one file per part, append-only, resumable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lagrl.bench.provenance import config_hash, git_revision, versions
from lagrl.errors import InputError
from lagrl.io.jsonl import JsonLines
from lagrl.io.line_format import LineFormat, read_lines
from lagrl.io.records import read_fields
from lagrl.printable import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

FIGURE_SCHEMA = "lagrl-paper-row/1"
PARTS = ("circuits", "knapsacks", "peers", "widths")
FIGURE_ROWS = LineFormat(
    fault="not a row of lagrl paper",
    remedy="give a file that lagrl paper wrote, or remove the line",
    heads=(f'{{"schema": "{FIGURE_SCHEMA}"'.encode(),),
)
_FIELDS: dict[str, Any] = {
    "schema": str,
    "part": str,
    "key": str,
    "config": dict,
    "values": list[dict[str, Any]],
    "versions": dict[str, str],
    "git_revision": str | None,
}
_PACKAGES = ("qiskit", "qiskit-aer", "qiskit-ibm-runtime", "ortools", "dwave-samplers")

FigureRow = dict[str, Any]
Watch = tuple["Callable[[int, int], None]", "Callable[[str], None]"]


def read_figure_rows(path: Path) -> list[FigureRow]:
    """Return the rows of a file, gzipped (`.gz`) or not; a torn last line is left out.

    Raises
    ------
    InputError
        If the file cannot be read, or a line is something else; it names file and line.
    """
    return [_checked(line, f"{path}: line {number}") for line, number in read_lines(path, FIGURE_ROWS)]


def complete_rows(
    path: Path,
    part: str,
    config: Mapping[str, Any],
    names: Sequence[str],
    make: Callable[[list[str]], Iterable[tuple[str, list[dict[str, Any]]]]],
    watch: Watch | None = None,
) -> list[FigureRow]:
    """Make the rows that a file does not have yet; return one row for each name, in the order of `names`.

    A row is on the disk as soon as it is made. It is kept under its name and the configuration, so that a run with
    other settings makes rows of its own in the same file.

    Parameters
    ----------
    path
        JSONL file, created if it is missing; its folder is not.
    part
        What the rows are of, one of `PARTS`.
    config
        Settings that the values depend on, plain JSON.
    names
        What is measured, such as instances.
    make
        Called with the names that are missing; yields a name and its values as they are finished.
    watch
        Two callbacks: one for the numbers of all and of finished rows, one for the name of each finished row.

    Raises
    ------
    OutputError
        If the file cannot be written, or another process writes to it.
    InputError
        If the file holds something else.
    """
    settings = json.loads(json.dumps(config))
    ending = config_hash(settings)
    found: dict[str, FigureRow] = {}

    def take(line: dict[str, Any], _: object) -> None:
        row = _checked(line, None)
        found[row["key"]] = row

    keys = {name: f"{part}:{name}:{ending}" for name in names}
    with JsonLines(path, FIGURE_ROWS, take, lock="held") as file:
        due = [name for name, key in keys.items() if key not in found]
        on_plan, on_row = watch or (lambda *_: None, lambda _: None)
        on_plan(len(names), len(names) - len(due))
        origin = {"versions": versions(*_PACKAGES), "git_revision": git_revision()} if due else {}
        for name, values in make(due) if due else ():
            row = {"schema": FIGURE_SCHEMA, "part": part, "key": keys[name], "config": settings, "values": values}
            file.append({**row, **origin})
            on_row(name)
    return [found[key] for key in keys.values()]


def _checked(line: dict[str, Any], source: str | None) -> FigureRow:
    if line.get("schema") != FIGURE_SCHEMA:
        raise InputError(
            f"{shown(line.get('schema'))} is not {FIGURE_SCHEMA!r}",
            source=source,
            field="schema",
            remedy="give a file that lagrl paper wrote",
        )
    read_fields(line, _FIELDS, source=source, remedy="give a file that lagrl paper wrote", allow_others=True)
    if line["part"] not in PARTS:
        raise InputError(
            f"{shown(line['part'])} given", source=source, field="part", remedy=f"known: {', '.join(PARTS)}"
        )
    return line
