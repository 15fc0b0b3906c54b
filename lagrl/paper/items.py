"""What an item of the paper is: a figure or a table by name, its published numbers, and what is made of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.figure import Figure

    from lagrl.bench.tables import Table
    from lagrl.paper.sources import RowSource

SOURCE = "arXiv 2604.22194"
NOT_KNOWN = "not known to us"


@dataclass(frozen=True)
class Published:
    """A number that the paper reports.

    Attributes
    ----------
    what
        What was measured, in a few words.
    value
        The number with its unit, as text.
    """

    what: str
    value: str


@dataclass(frozen=True)
class ItemContent:
    """What was made of rows for one item.

    Attributes
    ----------
    tables
        Tables, ours beside published.
    records
        The numbers in full, one mapping per line of the CSV file; all have the same keys.
    revisions
        Git revisions of the rows, sorted.
    draw
        Draws the item on an empty figure; None for a table.
    size
        Width and height of the figure, inches.
    notes
        Sentences about these rows, such as which instances were run.
    """

    tables: tuple[Table, ...]
    records: Sequence[Mapping[str, Any]]
    revisions: tuple[str, ...]
    draw: Callable[[Figure], None] | None = field(default=None, repr=False)
    size: tuple[float, float] = (6.4, 4.0)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaperItem:
    """A figure or a table of the paper.

    Attributes
    ----------
    name
        Such as `fig6` or `table4`.
    shows
        What the item shows in the paper, one line.
    differs
        How ours differs from the paper's, one sentence.
    make
        Makes the item from rows.
    quick, full
        About how long the rows take on 2 cores, as text.
    published
        Numbers of the paper; empty where none is known to us.
    """

    name: str
    shows: str
    differs: str
    make: Callable[[RowSource], ItemContent] = field(repr=False)
    quick: str
    full: str
    published: tuple[Published, ...] = ()

    @property
    def title(self) -> str:
        """The name as in the paper, such as `Table IV`."""
        number = self.name.lstrip("figtable")
        roman = {"1": "I", "4": "IV", "5": "V", "7": "VII", "8": "VIII", "9": "IX"}
        return f"Fig. {number}" if self.name.startswith("fig") else f"Table {roman[number]}"
