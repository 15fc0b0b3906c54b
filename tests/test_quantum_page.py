"""The examples of docs/quantum.md run, and its tables list every sampler and option."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from lagrl.cli import entry as cli
from lagrl.samplers.families import FAMILIES
from lagrl.samplers.registry import make_sampler

PAGE = (Path(__file__).parent.parent / "docs" / "quantum.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_python_blocks_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All Python blocks run unchanged, each with names of its own, and print something."""
    pytest.importorskip("qiskit_aer")
    monkeypatch.chdir(tmp_path)
    assert len(PYTHON) == 6
    for block in PYTHON:
        exec(compile(block, "block.py", "exec"), {"__name__": "__main__"})
        assert capsys.readouterr().out


def test_the_commands_that_need_no_account_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every `lagrl …` line that needs no account exits with 0."""
    pytest.importorskip("qiskit_aer")
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^    lagrl (.*?)(?:\s{2,}#.*)?$", PAGE, flags=re.MULTILINE)
    local = [shlex.split(command) for command in commands if "ibm_kingston" not in command]
    assert len(local) >= 6
    for arguments in local:
        assert cli.main(arguments) == 0, f"{arguments}: {capsys.readouterr().err}"
    assert capsys.readouterr().out


def test_every_sampler_and_option_is_listed() -> None:
    """The tables name every sampler and every option of the code."""
    for name in FAMILIES:
        assert re.search(rf"^\| `{name}[`:]", PAGE, flags=re.MULTILINE), name
    options = {field.name for family in FAMILIES.values() for field in fields(family.options())}
    missing = {name for name in options if f"`{name}`" not in PAGE}
    assert missing == set()


def test_the_tables_examples_are_names() -> None:
    """Every sampler named in a command can be made."""
    pytest.importorskip("qiskit_aer")
    named = set(re.findall(r"--sampler (qaoa\S*|noisy\S*|ibm:Fake\S*)", PAGE))
    assert len(named) >= 4
    for text in named:
        make_sampler(text)
