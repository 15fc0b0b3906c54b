"""Tables are aligned Markdown and readable CSV."""

from __future__ import annotations

import csv
import io

import pytest

from lagrl.bench.tables import Table, to_csv, to_markdown


def test_markdown_is_aligned_and_keeps_bars_and_newlines_inside_their_cells() -> None:
    """All lines of a table are as wide as each other, numbers to the right."""
    table = Table("Costs", ["name", "cost"], [["a|b", "7"], ["two\nlines", "12345"]], note="In units.")
    assert to_markdown(table) == (
        "### Costs\n\n"
        "| name      |  cost |\n"
        "| --------- | ----: |\n"
        "| a\\|b      |     7 |\n"
        "| two lines | 12345 |\n"
        "\nIn units.\n"
    )


def test_ragged_tables_are_refused() -> None:
    """A row of another length is a mistake of the caller."""
    with pytest.raises(ValueError, match="zip"):
        to_markdown(Table("Costs", ["name", "cost"], [["a"]]))


def test_csv_reads_back() -> None:
    """Commas, quotes and missing fields survive; unknown fields are refused."""
    text = to_csv(("name", "cost"), [{"name": 'a,"b"', "cost": 1.5}, {"name": "c", "cost": None}, {"cost": 2}])
    assert list(csv.DictReader(io.StringIO(text))) == [
        {"name": 'a,"b"', "cost": "1.5"},
        {"name": "c", "cost": ""},
        {"name": "", "cost": "2"},
    ]
    with pytest.raises(ValueError, match="price"):
        to_csv(("name",), [{"price": 1}])
