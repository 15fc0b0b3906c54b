"""The guide on carbon-aware placement: its blocks run, and its commands give the printed figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lagrl.cli.entry import main

PAGE = (Path(__file__).parent.parent / "docs" / "guide" / "where-to-run-a-model.md").read_text(encoding="utf-8")


def test_commands_print_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first two commands give the emissions and the saving of the page."""
    monkeypatch.chdir(tmp_path)
    (generate,) = re.findall(r"^    lagrl (carbon generate tonight.json --layers .*)$", PAGE, flags=re.MULTILINE)
    assert main(generate.split()) == 0
    capsys.readouterr()
    assert main(["carbon", "solve", "tonight.json"]) == 0
    printed = capsys.readouterr().out.splitlines()
    for line in printed[:2]:
        assert f"    {line}\n" in PAGE
    for number in re.findall(r"\d+\.\d+ %", printed[2]):
        assert number in PAGE


def test_blocks_run(capsys: pytest.CaptureFixture[str]) -> None:
    """The Python blocks run in order in one session."""
    pytest.importorskip("qiskit_aer")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(block, "where-to-run-a-model.md", "exec"), names)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "4361.7 (24, 48) 0.0"
    circuit, product = map(int, re.findall(r"(\d+) %", second))
    assert circuit < product
