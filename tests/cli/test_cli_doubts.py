"""Doubts about an instance: one line on stderr each, and no file is lost."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from command_runs import GOOD, error_of, run_script

if TYPE_CHECKING:
    from pathlib import Path


def in_the_unit_square(folder: Path) -> Path:
    """Save an instance whose distances are rounded to 0, with a solution in another format beside it."""
    path = folder / "tiny.vrp"
    path.write_text(GOOD.replace("2 3 4\n", "2 0.3 0.4\n").replace("3 6 8\n", "3 0.1 0.2\n"), encoding="utf-8")
    path.with_suffix(".sol").write_text("lkh, Cost: 0_243\n1 8 2 6 1 (#3)  Cost: 100\n", encoding="utf-8")
    return path


def test_doubts_are_one_line_each_on_stderr(tmp_path: Path) -> None:
    """A foreign solution and distances rounded to 0 do not keep an instance from being solved; the file stays."""
    path = in_the_unit_square(tmp_path)
    done = run_script(sys.executable, "-m", "lagrl", "solve", str(path), "--evaluations", "2", "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout)["bks"] is None
    rounded, foreign = done.stderr.splitlines()
    assert rounded.startswith("lagrl: warning: tiny: distances are rounded to whole numbers, and ")
    assert "--rounding none" in rounded
    assert foreign.startswith(f"lagrl: warning: {path.with_suffix('.sol')}: Route: 'lkh, Cost: 0_243' is neither")


def test_a_foreign_solution_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Routes go to another file than that of another solver."""
    path = in_the_unit_square(tmp_path)
    line = error_of(capsys, "solve", str(path), "--evaluations", "1", "--out", str(path.with_suffix(".sol")))
    assert "reference solution" in line


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_doubts_are_shown_once_by_eval(tmp_path: Path, workers: str) -> None:
    """Each instance is questioned once, however many rows and processes there are."""
    path = in_the_unit_square(tmp_path)
    path.with_suffix(".sol").unlink()
    path.write_text(path.read_text().replace("tiny", "X-n106-k14"))
    options = ["--controllers", "cfm", "--budgets", "2,3", "--workers", workers, "--out", "rows.jsonl"]
    done = run_script(sys.executable, "-m", "lagrl", "eval", str(path), *options, cwd=tmp_path)
    assert done.returncode == 0
    doubts = [line for line in done.stderr.splitlines() if "warning" in line]
    assert len(doubts) == 2
    assert "distances are rounded" in doubts[0]
    assert "routes cost less than the best known 26362" in doubts[1]
