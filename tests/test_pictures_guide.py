"""The Python blocks of docs/guide/pictures.md run in order in one session and write the files that they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "guide" / "pictures.md").read_text(encoding="utf-8")


def test_blocks_run_and_write_their_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture is of the format of its suffix; the dark one has the dark background."""
    pytest.importorskip("matplotlib").use("Agg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(block, "pictures.md", "exec"), names)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("history.svg", "compare.svg", "bound.pdf", "multipliers.svg"),
    }
    assert (tmp_path / "bound.pdf").read_bytes().startswith(b"%PDF-")
    assert "#1e2129" in (tmp_path / "multipliers.svg").read_text()
    assert "#1e2129" not in (tmp_path / "compare.svg").read_text()


def test_every_command_with_a_picture_is_listed() -> None:
    """The commands that take --plot, by their options, are those of the table."""
    folder = Path(__file__).parent.parent / "lagrl" / "cli"
    with_plot = {path.stem for path in folder.glob("*.py") if "plot: Plot" in path.read_text(encoding="utf-8")}
    table = PAGE.partition("| command |")[2].partition("\n\n")[0]
    listed = {name.replace("eval", "evaluate") for name in re.findall(r"lagrl (\w+)", table)}
    assert with_plot | {"train"} == listed
