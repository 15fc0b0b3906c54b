"""The study that kills commands: it finds no fault, and would find one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.torture import run as torture
from benchmarks.torture.kinds import WORKS, Work

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="cannot fork here")
def test_a_killed_evaluation_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    """The command ends with 0, and its rows say that nothing was lost, doubled or changed."""
    out = tmp_path / "rows.jsonl"
    command = [sys.executable, "-m", "benchmarks.torture.run", "--kills", "3", "--kinds", "eval", "--out", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=300)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert sum(len(row["kills"]) for row in rows) >= 3
    assert all(row["equal"] and row["finished"] == 24 for row in rows)
    assert not any(row["lost"] or row["doubled"] or row["failed"] for row in rows)


def test_losses_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A work that loses, doubles and changes its parts after a kill is found out."""
    states = iter([["a", "b"], ["a"], ["a", "c", "c"]])
    codes = iter([-9, -9, 0])
    monkeypatch.setattr(torture, "_start", lambda *_: next(codes))
    work = Work("", "", lambda folder: next(states), lambda folder: "other", "nothing")
    row = torture._sequence(work, tmp_path / "x", "wanted", iter([0.1, 0.2, 0.3]))
    assert row == {
        "kills": [[0.1, 2], [0.2, 1]], "finished": 3, "lost": 1, "doubled": 1, "failed": 0, "equal": False,
    }  # fmt: skip


def test_a_training_is_resumed_once_it_has_an_archive(tmp_path: Path) -> None:
    """Before the first archive the first command is repeated, later the one that resumes."""
    work = WORKS["train.bc"]
    assert work.command(tmp_path) == work.arguments.split()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "archive.json").touch()
    assert work.command(tmp_path)[:2] == ["--resume", "run"]
