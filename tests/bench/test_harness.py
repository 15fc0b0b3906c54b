"""Rows of studies on disk: what a reader of them gets, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.harness import append_rows, read_rows, write_rows
from lagrl.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_are_read_back_without_a_torn_line(tmp_path: Path) -> None:
    """Rows come back in order, with infinity and any text; a line cut short by a kill is left out, then replaced."""
    path = tmp_path / "rows.jsonl"
    write_rows(path, [{"cost": float("inf")}])
    append_rows(path, [{"name": "a\u2028b"}])
    with path.open("a") as stream:
        stream.write('{"co')
    rows = [{"cost": float("inf")}, {"name": "a\u2028b"}]
    assert read_rows(path) == rows
    append_rows(path, [{"cost": 3}])
    assert read_rows(path) == [*rows, {"cost": 3}]


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    """A file that is missing, and a whole line that is not JSON, are errors with the file, the line and a remedy."""
    path = tmp_path / "rows.jsonl"
    with pytest.raises(InputError, match=r"rows\.jsonl: cannot be read .*; give the rows of a run"):
        read_rows(path)
    path.write_text('{"cost": 1}\n{"cost": \n')
    with pytest.raises(InputError, match=r"rows\.jsonl: line 2: is not JSON .*; give the rows of a run"):
        read_rows(path)
