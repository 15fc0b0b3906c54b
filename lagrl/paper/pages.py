"""Results of `lagrl paper` as files: table, numbers and pictures of every item, and one page of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.bench.tables import to_csv, to_markdown
from lagrl.errors import InputError, LagrlError, OutputError
from lagrl.io.atomic import unwritable, write_text
from lagrl.paper.items import NOT_KNOWN, SOURCE
from lagrl.paper.registry import ITEMS
from lagrl.plot import new_figure, save_figure, style

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lagrl.paper.items import ItemContent, PaperItem
    from lagrl.paper.sources import RowSource

_HEAD = f"""# Figures and tables of {SOURCE}, remade

Sharma and Lau, "Qubit-Scalable CVRP via Lagrangian Knapsack Decomposition and Noise-Aware Quantum Execution". Published
numbers are those that public summaries and fragments of the paper state. Nothing here has run on a quantum computer.
"""


def make_items(
    items: Sequence[PaperItem], source: RowSource, on_item: Callable[[str, str], None] = lambda *_: None
) -> dict[str, str]:
    """Make items into `OUT`, one after the other; return name to the reason of those that could not be made.

    Every item is `NAME.md`, `NAME.csv` and, for a figure, `NAME.svg` and `NAME.png`; `index.md` has all items of the
    folder, also those of earlier runs. Files are replaced whole.

    Parameters
    ----------
    items
        What to make.
    source
        The rows.
    on_item
        Called with each item's name and the reason, empty if it was made.

    Raises
    ------
    OutputError
        If the folder cannot be made or written.
    """
    out = source.config.out
    make_folder(out / "rows")
    failed: dict[str, str] = {}
    for item in items:
        try:
            write_item(item, item.make(source), out)
        except OutputError:
            raise  # the folder cannot be written: no other item can be either
        except LagrlError as error:
            failed[item.name] = str(error)
        on_item(item.name, failed.get(item.name, ""))
        write_text(out / "index.md", index_page(out, failed))
    return failed


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, unless it exists; OutputError if that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error


def write_item(item: PaperItem, content: ItemContent, out: Path) -> None:
    """Write the files of one item; the page last, so that an interrupted item is not in the index."""
    if not content.records:
        raise InputError("no value", field=item.name, remedy="give rows that have some")
    fields = list(dict.fromkeys(name for record in content.records for name in record))
    write_text(out / f"{item.name}.csv", to_csv(fields, content.records))
    if content.draw is not None:
        with style():
            figure = new_figure(*content.size)
            content.draw(figure)
            for suffix in ("svg", "png"):
                save_figure(figure, out / f"{item.name}.{suffix}")
    write_text(out / f"{item.name}.md", item_page(item, content))


def item_page(item: PaperItem, content: ItemContent) -> str:
    """Return the page of an item: what it shows, picture, tables, published numbers, and how ours differs."""
    parts = [f"## {item.title}\n", f"*In the paper:* {item.shows}\n", f"*How ours differs:* {item.differs}\n"]
    if content.draw is not None:
        parts.append(f"![{item.title}: {item.shows}]({item.name}.svg)\n")
    parts += [to_markdown(table) for table in content.tables]
    in_tables = any(name.startswith("published") for table in content.tables for name in table.header)
    if item.published and not in_tables:
        lines = ["| published in " + SOURCE + " | |", "|---|--:|"]
        parts.append("\n".join([*lines, *(f"| {own.what} | {own.value} |" for own in item.published)]) + "\n")
    elif not item.published:
        parts.append(f"Published numbers: {NOT_KNOWN}.\n")
    parts += [f"{note}\n" for note in content.notes]
    parts.append(f"All numbers: [{item.name}.csv]({item.name}.csv). Rows of revision {', '.join(content.revisions)}.\n")
    return "\n".join(parts)


def index_page(out: Path, failed: dict[str, str]) -> str:
    """Return the page with all items of a folder, and why others could not be made."""
    parts = [_HEAD]
    for name, item in ITEMS.items():
        page = out / f"{name}.md"
        if name in failed:
            parts.append(f"## {item.title}\n\n*In the paper:* {item.shows}\n\nNot made: {failed[name]}\n")
        elif page.exists():
            parts.append(page.read_text(encoding="utf-8"))
    return "\n".join(parts)
