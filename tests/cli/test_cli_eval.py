"""The commands `lagrl eval` and `lagrl report`: rows made, resumed and reported."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from command_runs import GOOD, SMALL, contents, on_a_terminal, output_of

from lagrl.bench.rows import read_rows
from lagrl.cli import entry as cli
from lagrl.problems.bundled import bundled_names

if TYPE_CHECKING:
    from pathlib import Path


def test_eval_takes_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its .vrp files are run in the order of their names; other files are left out."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name in ("b", "a"):
        (folder / f"{name}.vrp").write_text(GOOD.replace("tiny", name), encoding="utf-8")
    (folder / "notes.txt").write_text("notes", encoding="utf-8")
    rows = tmp_path / "rows.jsonl"
    output_of(capsys, "eval", str(folder), "--controllers", "constant", "--budgets", "2", "--out", str(rows))
    assert [row["instance"] for row in read_rows(rows)] == ["a", "b"]


def test_eval_resumes_and_report_reads_its_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run adds nothing; after a loss only what is missing is made; the report names what was compared."""
    rows = tmp_path / "rows.jsonl"
    command = ["eval", "--suite", "bundled", "--controllers", "cfm,perturbed", "--budgets", "1,2", "--out", str(rows)]
    output_of(capsys, *command)
    whole = rows.read_text(encoding="utf-8")
    n_rows = len(bundled_names()) * 4
    assert whole.count("\n") == n_rows
    output_of(capsys, *command, "--sampler", "exact")  # as in solve; the same rows
    assert rows.read_text(encoding="utf-8") == whole
    lines = whole.splitlines(keepends=True)
    rows.write_text("".join(lines[:-3]) + lines[-3][:50], encoding="utf-8")  # killed while writing
    with pytest.warns(UserWarning, match="torn"):
        assert cli.main(command) == 0
    assert "3 rows added" in capsys.readouterr().err
    assert len({row["key"] for row in read_rows(rows)}) == n_rows
    assert all(row["feasible"] for row in read_rows(rows))
    text = output_of(capsys, "report", str(rows))
    assert "`perturbed`" in text
    assert "cfm" in text
    out = tmp_path / "report.csv"
    assert output_of(capsys, "report", str(rows), "--format", "csv", "--out", str(out)) == ""
    assert out.read_text(encoding="utf-8").startswith("section,")
    assert contents(tmp_path) == {"rows.jsonl", "report.csv"}


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a matter of Unix")
def test_eval_shows_no_bar_before_the_names_are_checked() -> None:
    """An unknown controller is one line on a terminal, without the codes that draw a bar."""
    code, printed = on_a_terminal("-m", "lagrl", "eval", SMALL, "--controllers", "cmf", "--out", os.devnull)
    assert code == 2
    assert printed.startswith("lagrl: error: unknown controller 'cmf'; did you mean 'cfm'?")
    assert printed.count("\n") == 1
    assert "\x1b" not in printed
