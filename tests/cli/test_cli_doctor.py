"""The command `lagrl doctor`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from command_runs import output_of

from lagrl.cli import entry as cli

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_doctor_prints_text_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints one object; a problem makes the exit code 1."""
    found = json.loads(output_of(capsys, "doctor", "--json"))
    assert found["ok"] is True
    assert {"name", "status", "message", "remedy"} == set(found["findings"][0])
    assert "Everything needed works." in output_of(capsys, "doctor")
    assert cli.main(["doctor", "--data", str(tmp_path / "none"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
