"""Tables are aligned Markdown and readable CSV."""

from __future__ import annotations

import csv
import io

import pytest
from synthetic_rows import synthetic_row

from lagrl.bench.report import report
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


EVIL = "\x1b[2J\x1b]0;title\x07\u202e\r\n# heading\x9b1m"


def test_a_report_is_as_many_lines_whatever_its_rows_hold() -> None:
    """Newlines, HTML and escape sequences of rows neither add lines to the Markdown nor act on a terminal."""
    plain = [synthetic_row(instance, controller) for instance in ("a", "b") for controller in ("hwc", "cfm")]
    evil = [
        {
            **row,
            "versions": {"lagrl": f"1\n\n# {EVIL}"},
            "git_revision": f"abc\n\n## {EVIL}<img src=x>",
            "sampler": f"exact{EVIL}|<b>[x](http://x)",
            "fallback": EVIL,
        }
        for row in plain
    ]
    named = report(evil, baseline_sampler=evil[0]["sampler"])
    assert all(line.isprintable() for line in named.split("\n"))
    headings = [line for line in named.split("\n") if line.lstrip("> ").startswith("#")]
    assert len(headings) == len([line for line in report(plain).split("\n") if line.startswith("#")])
    assert "<img" not in named
    assert "](" not in named


def test_cells_are_not_formulas_and_numbers_stay_numbers() -> None:
    """Text that a spreadsheet would compute starts with an apostrophe; negative numbers do not."""
    values = ["=1+1", "+1", "-1", "@A1", " =1", "\t=1", "plain", -1.5, 2]
    text = to_csv(("value",), [{"value": value} for value in values])
    found = [row["value"] for row in csv.DictReader(io.StringIO(text))]
    assert found == ["'=1+1", "'+1", "'-1", "'@A1", "'=1", "'=1", "plain", "-1.5", "2"]


def test_cells_have_a_limit() -> None:
    """One long value does not make all lines of a table long."""
    text = to_markdown(Table("T", ["a"], [["x" * 10**6]]))
    assert max(map(len, text.split("\n"))) < 300
