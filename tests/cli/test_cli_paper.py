"""The command `lagrl paper`: list, cheap items from end to end, and mistakes in one line."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lagrl.cli import entry as cli
from lagrl.paper.registry import ITEMS

if TYPE_CHECKING:
    from pathlib import Path


def test_items_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every item has a line with what it shows and how long it takes."""
    assert cli.main(["paper", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(ITEMS)
    assert all("quick" in line and "full" in line for line in lines)


def test_tables_of_checkpoints_are_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Published values stand beside those of the shipped policies, in a page, in numbers and in the index."""
    out = tmp_path / "new" / "folder"
    assert cli.main(["paper", "table4", "table5", "--out", str(out), "--quick"]) == 0
    assert "2 of 2 items made" in capsys.readouterr().out
    page = (out / "table4.md").read_text(encoding="utf-8")
    assert "| GATv2 layers             | 4 " in page
    assert "GATv2 layers,4,2,2" in (out / "table4.csv").read_text(encoding="utf-8")
    index = (out / "index.md").read_text(encoding="utf-8")
    assert page in index
    assert "| discount factor γ                        | 0.99  " in index
    assert {path.name for path in out.iterdir()} == {
        "index.md",
        "rows",
        *(f"table{n}.{s}" for n in "45" for s in ("md", "csv")),
    }


def test_widths_are_run_and_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without data a quick run takes the bundled instances and says so; again, nothing is run."""
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    arguments = ["paper", "fig2", "fig9", "--quick", "--out", str(out)]
    assert cli.main(arguments) == 0
    rows = (out / "rows" / "widths.jsonl").read_bytes()
    assert "bundled" in (out / "fig9.md").read_text(encoding="utf-8")
    assert (out / "fig2.svg").exists()
    page = (out / "index.md").read_bytes()
    capsys.readouterr()
    assert cli.main(arguments) == 0
    assert (out / "rows" / "widths.jsonl").read_bytes() == rows
    assert (out / "index.md").read_bytes() == page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fig66", "--out", "OUT"], "did you mean 'fig6'"),
        ([], "ITEMS: none given; give some of fig1"),
        (["table4"], "--out: no folder given"),
        (["table4", "--out", "FILE"], "FILE/rows: cannot be written"),
        (["table4", "--out", "OUT", "--workers", "0"], "--workers: 0 given"),
        (["table1", "--out", "OUT", "--rows", "FILE"], "FILE: schema: rows of another schema"),
        (["table1", "--out", "OUT", "--rows", "absent"], "absent: cannot be read"),
        (["table4", "--out", "OUT", "--policies", "absent"], "not made: table4"),
        (["table4", "--out", "OUT", "--policies", "none"], "not made: table4"),
        (["fig9", "--out", "OUT"], "not made: fig9"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit code 2, one line that says what is wrong, and nothing but the folder asked for."""
    file = tmp_path / "FILE"
    file.write_text('{"schema": "another"}\n')
    given = [{"OUT": str(tmp_path / "OUT"), "FILE": str(file)}.get(word, word) for word in arguments]
    assert cli.main(["paper", *given]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("lagrl: error:")]
    assert len(errors) == 1
    assert message.replace("FILE", str(file)) in errors[0]


def test_listing_loads_no_heavy_package() -> None:
    """The items are known without matplotlib, torch, qiskit, numba and OR-Tools."""
    script = (
        "import sys; from lagrl.cli.entry import main; main(['paper', 'list']);"
        "print({'numba', 'torch', 'qiskit', 'matplotlib', 'ortools', 'pyvrp', 'highspy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "set()"
