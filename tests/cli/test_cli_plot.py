"""Every command that ends in numbers draws them with --plot, and refuses what it cannot draw before the work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.command_runs import SMALL, error_of, output_of

pytest.importorskip("matplotlib", reason="needs the viz extra")

CARBON = Path(__file__).parents[2] / "docs/rows/carbon.jsonl.gz"
COMMANDS = {
    "solve": ("solve", SMALL, "--evaluations", "3"),
    "bound": ("bound", SMALL, "--evaluations", "3"),
    "eval": ("eval", "--out", "ROWS", SMALL, "--controllers", "cfm", "--budgets", "2"),
    "report": ("report", "ROWS"),
    "traces": ("traces", "--out", "TRACES", SMALL, "--evaluations", "2", "--widths", "4", "--shots", "16"),
    "devices": ("devices", "FakeKingston", "--widths", "4"),
    "journal": ("journal", "JOURNAL"),
    "cascade": ("cascade", "experiment", "penalties"),
    "carbon": ("carbon", "experiment", "saving", "--show-rows", str(CARBON)),
}
NEEDED = {"traces": "qiskit_aer", "devices": "qiskit_ibm_runtime"}
GROUPS = {"solve": "route", "bound": "bound", "eval": "profile", "report": "profile", "devices": "4 qubits"} | {
    "journal": "steps",
    "cascade": "penalty",
    "carbon": "means",
}


def words(name: str, folder: Path) -> list[str]:
    """A command with its files in a folder."""
    names = {"ROWS": "rows.jsonl", "TRACES": "traces.jsonl", "JOURNAL": "a.journal.sqlite"}
    files = {word: str(folder / name) for word, name in names.items()}
    return [files.get(word, word) for word in COMMANDS[name]]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_draws_its_numbers(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The SVG holds the elements of its picture, and nothing else is written beside it."""
    if name in NEEDED:
        pytest.importorskip(NEEDED[name])
    if name == "report":
        output_of(capsys, *words("eval", tmp_path))
    if name == "journal":
        sampler = ("--sampler", "qaoa+width=4", "--journal", str(tmp_path / "a.journal.sqlite"))
        output_of(capsys, "solve", SMALL, "--evaluations", "2", "--shots", "16", *sampler)
    picture = tmp_path / "a.svg"
    output_of(capsys, *words(name, tmp_path), "--plot", str(picture))
    text = picture.read_text()
    assert f'id="{GROUPS.get(name, "share of ")}' in text
    assert not re.search(r"<dc:date>", text)
    assert [path.name for path in tmp_path.glob(".*")] == [
        path.name for path in tmp_path.glob(".*") if not path.name.startswith(".a.svg")
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_file_is_refused_before_the_work(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong suffix and a missing folder are one line each, and no result is made."""
    for file, problem in (("a.gif", "ends in .png, .svg or .pdf"), ("no/a.svg", "does not exist; create it first")):
        line = error_of(capsys, *words(name, tmp_path), "--plot", str(tmp_path / file))
        assert problem in line
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named_before_the_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line says what to install."""
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    line = error_of(capsys, *words("eval", tmp_path), "--plot", str(tmp_path / "a.svg"))
    assert "drawing needs matplotlib, which is not installed; " in line
    assert list(tmp_path.iterdir()) == []
