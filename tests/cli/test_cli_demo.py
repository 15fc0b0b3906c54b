"""The command `lagrl demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from command_runs import contents, output_of

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demo_draws_into_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Controllers, budget and folder are those of the options."""
    pytest.importorskip("matplotlib", reason="the demonstration draws with matplotlib (extra viz)")
    text = output_of(capsys, "demo", "--out", str(tmp_path / "new"), "--controllers", "hwc", "--evaluations", "1")
    assert contents(tmp_path) == {"new", "new/demo.png"}
    assert "hwc" in text
    assert "cfm" not in text
