"""The command `lagrl generate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from command_runs import contents, error_of, output_of, solved

from lagrl.problems.cvrplib import read_instance
from lagrl.problems.solution import faults

if TYPE_CHECKING:
    import pytest


def test_what_is_generated_can_be_solved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed files exist, are reproducible, are replaced with --overwrite only, and can be solved."""
    command = ["generate", "--out", str(tmp_path), "--n-customers", "12", "--count", "2", "--seed", "5"]
    paths = [Path(line) for line in output_of(capsys, *command).splitlines()]
    assert len(paths) == 2
    assert contents(tmp_path) == {path.name for path in paths}
    before = [path.read_bytes() for path in paths]
    assert "--overwrite" in error_of(capsys, *command)
    output_of(capsys, *command, "--overwrite")
    assert [path.read_bytes() for path in paths] == before
    record = solved(capsys, str(paths[1]), "--evaluations", "5")
    assert faults(read_instance(paths[1]), record["routes"], record["cost"]) == []
    assert (record["bks"], record["gap_pct"]) == (None, None)
    by_name = solved(capsys, paths[1].stem, "--data", str(tmp_path), "--evaluations", "5")
    assert by_name["routes"] == record["routes"]
