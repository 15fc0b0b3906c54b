"""Rows of studies on disk: what a reader of them gets, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.harness import append_rows, read_rows, rows_in, run_in, write_rows
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


def test_a_study_of_another_checkout_is_run_there(tmp_path: Path) -> None:
    """It runs in the checkout's folder with the checkout's packages; its rows are returned, its failure is an error."""
    (tmp_path / "earlier.py").write_text("REVISION = 7\n")
    (tmp_path / "study.py").write_text(
        "import json, sys, earlier\n"
        "arguments, out = sys.argv[1:-2], sys.argv[-1]\n"
        "open(out, 'w').write(json.dumps({'rows': [{'revision': earlier.REVISION, 'arguments': arguments}]}))\n"
    )
    assert rows_in(tmp_path, ["study.py", "--steps", "3"]) == [{"revision": 7, "arguments": ["--steps", "3"]}]
    assert run_in(tmp_path, [sys.executable, "-c", "import earlier; print(earlier.__file__)"]).startswith(str(tmp_path))
    with pytest.raises(subprocess.CalledProcessError):
        run_in(tmp_path, [sys.executable, "-c", "import later"])
