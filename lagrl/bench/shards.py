"""Shards: an evaluation or collection in parts, each made by a process of its own, and the parts joined again."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lagrl.bench.provenance import config_hash
from lagrl.bench.rows import ROWS, read_rows
from lagrl.errors import InputError
from lagrl.io.atomic import replacing
from lagrl.io.line_format import LineFormat, read_lines
from lagrl.io.records import from_record
from lagrl.quantum.bandit.traces import TRACES, check_line

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

Cell = TypeVar("Cell")
_SHOWN = 5  # shards that a message names


@dataclass(frozen=True)
class CellShard:
    """Part of the cells of an evaluation or collection: cells number-1, number-1+of, … in their order.

    Attributes
    ----------
    number, of
        Number of the shard, from 1, and number of shards. A shard without cells is allowed.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise InputError(f"{self} given", field="shard", remedy="give I/N with I from 1 to N, as in 2/8")

    def __str__(self) -> str:
        """Return the form that `parse` reads."""
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> CellShard:
        """Return the shard of a text such as `2/8`; InputError if it is none."""
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
        if not found:
            raise InputError(f"{text!r:.80} given", field="shard", remedy="give I/N with I from 1 to N, as in 2/8")
        return cls(int(found[1]), int(found[2]))

    def select(self, cells: Mapping[str, Cell], settings: Mapping[str, object]) -> dict[str, tuple[Cell, ShardCell]]:
        """Return the cells of this shard by key, each with its place among all cells.

        Parameters
        ----------
        cells
            All cells by key, in the order in which one process would make them.
        settings
            What else all shards have in common, plain JSON.
        """
        made_of = config_hash({"cells": list(cells), "settings": dict(settings)})
        numbers = range(self.number - 1, len(cells), self.of)
        keys = list(cells)
        return {
            keys[number]: (cells[keys[number]], ShardCell(str(self), number, len(cells), made_of)) for number in numbers
        }


@dataclass(frozen=True)
class ShardCell:
    """Place of a row or run among the cells of a sharded run; the field `shard` of its line.

    Attributes
    ----------
    shard
        The shard that made it, such as `2/8`.
    cell, cells
        Number of the cell, from 0, and number of all cells.
    configuration
        Hash of the keys of all cells and of the settings that the shards share.
    """

    shard: str
    cell: int
    cells: int
    configuration: str

    def __post_init__(self) -> None:
        shard = CellShard.parse(self.shard)
        if not (0 <= self.cell < self.cells and self.cell % shard.of == shard.number - 1):
            raise InputError(f"cell {self.cell} of {self.cells} in shard {shard}", field="cell", remedy=_REMEDY)

    def record(self) -> dict[str, Any]:
        """Return the place as plain JSON values."""
        return asdict(self)


_REMEDY = "give files that lagrl eval or lagrl traces wrote with --shard"


@dataclass(frozen=True, eq=False)
class _Part:
    """A cell as a file holds it: its lines without the field `shard`, the last of them a row or the end of a run."""

    path: Path
    place: ShardCell
    lines: list[dict[str, Any]]


def merge(paths: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str]) -> int:
    """Write the rows, or the decisions, of all shards to one file, in the order of an unsharded run.

    The file is replaced as a whole; it is that of an unsharded run, except for seconds, versions and revisions.

    Parameters
    ----------
    paths
        Files that `lagrl eval --shard` wrote, or files that `lagrl traces --shard` wrote; gzipped or not.
    out
        File to write.

    Returns
    -------
    Number of rows or runs.

    Raises
    ------
    InputError
        If a file cannot be read or was made without --shard, the files are of different configurations, a cell is in
        two files with different contents, or cells are missing.
    OutputError
        If `out` cannot be written.
    """
    files = [Path(path) for path in paths]
    kinds = {path: _is_traces(path) for path in files}
    traces = [path for path in files if kinds[path]]
    rows = [path for path in files if kinds[path] is False]
    if traces and rows:
        problem = f"decisions, but {rows[0]} has rows"
        raise InputError(problem, source=str(traces[0]), remedy="merge the files of one command at a time")
    parts = _whole([part for path in files for part in (_runs_of(path) if traces else _rows_of(path))])
    with replacing(out) as temporary, temporary.open("wb") as stream:
        if traces:
            stream.writelines(map(TRACES.encode, _decisions(_common_header(traces), parts)))
        else:
            stream.writelines(ROWS.encode(line) for part in parts for line in part.lines)
    return len(parts)


def _is_traces(path: Path) -> bool | None:
    """Return whether a file starts as one of decisions; None if it is empty."""
    either = LineFormat(
        "neither a result row nor a decision trace", _REMEDY, heads=(*ROWS.heads, *TRACES.heads), warns=False
    )
    first = next(read_lines(path, either), None)
    return None if first is None else "kind" in first[0]


def _rows_of(path: Path) -> list[_Part]:
    return [_part(path, number, [row]) for number, row in enumerate(read_rows(path), 1)]


def _runs_of(path: Path) -> list[_Part]:
    """Return the finished runs of a file, the arms of each decision beside it in place of their number."""
    parts: list[_Part] = []
    arms: dict[int, dict[str, Any]] = {}
    lines: list[dict[str, Any]] = []
    for line, number in read_lines(path, TRACES):
        try:
            check_line(line)
            match line["kind"]:
                case "arms":
                    arms[line["number"]] = line
                case "decision":
                    lines.append({**line, "arms": arms[line["arms"]]})
                case "run":
                    parts.append(_part(path, number, [*lines, line]))
                    lines = []
        except (KeyError, InputError) as error:
            TRACES.refuse(path, number, error)
    return parts


def _part(path: Path, number: int, lines: list[dict[str, Any]]) -> _Part:
    last = dict(lines[-1])
    place, source = last.pop("shard", None), f"{path}: line {number}"
    if place is None:
        raise InputError("made without --shard", source=source, field="shard", remedy=_REMEDY)
    return _Part(path, from_record(ShardCell, place, "shard", source=source, remedy=_REMEDY), [*lines[:-1], last])


def _whole(parts: Sequence[_Part]) -> list[_Part]:
    """Return one part for each cell, in order; refuse what is mixed, contradictory or missing."""
    if not parts:
        raise InputError("no finished row or run", source="shards", remedy=_REMEDY)
    first = parts[0]
    found: dict[int, _Part] = {}
    for part in parts:
        place = part.place
        if (place.configuration, place.cells) != (first.place.configuration, first.place.cells):
            problem = f"{place.cells} cells of configuration {place.configuration}, but {first.path} has"
            problem += f" {first.place.cells} of {first.place.configuration}"
            raise InputError(problem, source=str(part.path), field="shard", remedy="merge shards of the same settings")
        if CellShard.parse(place.shard).of != CellShard.parse(first.place.shard).of:
            problem = f"shard {place.shard}, but {first.path} has {first.place.shard}"
            raise InputError(problem, source=str(part.path), field="shard", remedy="merge shards of one division")
        other = found.setdefault(place.cell, part)
        if other.lines != part.lines:
            problem = f"shard {place.shard} is also in {other.path}, with other results"
            raise InputError(problem, source=str(part.path), field="shard", remedy="give each shard once")
    missing = sorted(set(range(first.place.cells)) - set(found))
    if missing:
        of = CellShard.parse(first.place.shard).of
        shards = sorted({cell % of + 1 for cell in missing})
        named = ", ".join(f"{number}/{of}" for number in shards[:_SHOWN]) + (", …" if len(shards) > _SHOWN else "")
        problem = f"{len(missing)} of {first.place.cells} cells are missing, of --shard {named}"
        raise InputError(problem, source="shards", remedy="give their files, or run them again to complete them")
    return [found[cell] for cell in sorted(found)]


def _common_header(paths: Iterable[Path]) -> dict[str, Any]:
    """Return the header of the first file; settings that differ from it are refused."""
    headers = {path: next(read_lines(path, TRACES))[0] for path in paths}
    first = next(iter(headers))
    for path, header in headers.items():
        if header.get("settings") is None or header["settings"] != headers[first]["settings"]:
            problem = f"other settings than {first}"
            raise InputError(problem, source=str(path), field="settings", remedy="merge shards of the same settings")
    return headers[first]


def _decisions(header: dict[str, Any], parts: Iterable[_Part]) -> Iterable[dict[str, Any]]:
    """Yield the lines of a file of decisions; arms are numbered anew, before the first decision among them."""
    yield header
    numbers: dict[str, int] = {}
    for part in parts:
        for line in part.lines:
            if line["kind"] != "decision":
                yield line
                continue
            content = json.dumps({**line["arms"], "number": None}, sort_keys=True)
            if content not in numbers:
                numbers[content] = len(numbers)
                yield {**line["arms"], "number": numbers[content]}
            yield {**line, "arms": numbers[content]}
