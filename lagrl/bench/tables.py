"""Tables as aligned GitHub Markdown, records as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.printable import LINE, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_IN_CELL = 200  # characters


@dataclass(frozen=True)
class Table:
    """A titled table of text.

    Attributes
    ----------
    title
        Heading.
    header
        One name per column.
    rows
        Each as long as `header`.
    n_labels
        Columns that are aligned left; those after them hold numbers and are aligned right.
    note
        Paragraph below the table, may be empty.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    n_labels: int = 1
    note: str = ""


def to_markdown(table: Table) -> str:
    """Render a table with its heading and note; the source is aligned as well as the page.

    Raises
    ------
    ValueError
        If a row is not as long as the header.
    """
    body = [[markdown(cell, _MOST_IN_CELL).replace("|", "\\|") for cell in row] for row in (table.header, *table.rows)]
    widths = [max(3, *map(len, column)) for column in zip(*body, strict=True)]
    rule = ["-" * width if column < table.n_labels else "-" * (width - 1) + ":" for column, width in enumerate(widths)]

    def render(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if column < table.n_labels else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    lines = [f"### {markdown(table.title)}", "", *map(render, (body[0], rule, *body[1:]))]
    if table.note:
        lines += ["", markdown(table.note)]
    return "\n".join(lines) + "\n"


def to_csv(fields: Sequence[str], records: Sequence[Mapping[str, object]]) -> str:
    """Render records under one header line; a missing field or None is an empty cell.

    Text is put on one line, and an apostrophe before text that a spreadsheet would take for a formula.

    Raises
    ------
    ValueError
        If a record has a field that is not in `fields`.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in record.items()} for record in records)
    return text.getvalue()


def markdown(text: str, most: int = LINE) -> str:
    """Return text on one line, cut after `most` characters, without HTML and links."""
    return one_line(text, most).replace("<", "&lt;").replace("](", "]\\(")


def _cell(value: object) -> object:
    """Return text that no spreadsheet takes for a formula; numbers stay as they are."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
