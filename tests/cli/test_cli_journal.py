"""Journals on the command line: written, summarised, replayed, given up and resumed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lagrl.cli import entry as cli
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.lines import JOURNAL
from lagrl.relaxation.sampler import SampleContext, SamplingCost

if TYPE_CHECKING:
    from pathlib import Path


def test_a_journal_is_written_summarised_and_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--journal` keeps every answer, `lagrl journal` summarises them, `replay:FILE` gives the same routes."""
    file = tmp_path / "run.sqlite"
    command = ["solve", "G-n16-k3", "--evaluations", "6", "--shots", "32", "--json"]
    assert cli.main([*command, "--sampler", "qaoa+width=6", "--journal", str(file), "--price", "2"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["price"] == 0.0
    assert first["shots"] == 32 * first["circuits"] > 0
    assert cli.main(["journal", str(file), "--json", "--price", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["calls"], told["jobs"], told["samplers"], told["price"]) == (6, 0, ["qaoa+width=6"], 0.0)
    assert cli.main(["journal", str(file)]) == 0
    assert "6 calls of qaoa+width=6" in capsys.readouterr().out
    assert cli.main([*command, "--sampler", f"replay:{file}"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["routes"], again["cost"], again["circuits"]) == (first["routes"], first["cost"], first["circuits"])
    assert cli.main([*command, "--sampler", f"replay:{file}", "--seed", "1"]) == 2
    assert "run.sqlite" in capsys.readouterr().err
    assert cli.main([*command[:-1], "--sampler", f"replay:{file}", "--price", "2"]) == 0
    told = capsys.readouterr().out
    assert f"knapsacks by statevector: {first['circuits']} circuits, {first['shots']:,} shots, " in told
    assert f"depth up to {first['depth']}, " in told and "price 0" in told
    assert cli.main(["journal", str(file), "--give-up", "job0"]) == 2
    assert "unknown pending job" in capsys.readouterr().err
    assert cli.main(["journal", str(tmp_path / "none.sqlite"), "--give-up", "job0"]) == 2
    assert not (tmp_path / "none.sqlite").exists()
    assert "none.sqlite" in capsys.readouterr().err
    (tmp_path / "empty.sqlite").touch()
    assert cli.main(["journal", str(tmp_path / "empty.sqlite"), "--give-up", "job0"]) == 2
    assert not (tmp_path / "empty.sqlite").read_bytes()
    assert cli.main(["solve", "G-n16-k3", "--price", "-1"]) == 2
    assert "price: -1.0 given" in capsys.readouterr().err


def test_names_in_a_journal_do_not_act_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Escape sequences and newlines in runs, jobs and samplers are printed as text; JSON holds them as they are."""
    evil, job = "\x1b[2J\n# run\x07", "a" * 64
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal, journal.calling(SampleContext(evil, 0)):
        journal.intend_job(job, evil)
        journal.submitted_job(job, evil)
        journal.unusable_job(job, evil, SamplingCost(backend=evil))
    assert cli.main(["journal", str(path)]) == 0
    assert cli.main(["journal", str(path), "--give-up", evil * 99]) == 2
    printed = capsys.readouterr()
    for line in (printed.out + printed.err).split("\n"):
        assert line.isprintable()
        assert len(line) < 1500
    assert "pending: unusable \\x1b[2J\\n# run\\x07 of run" in printed.out
    assert cli.main(["journal", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pending"][0]["run"] == evil


def test_a_journal_is_imported_and_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--import` makes a journal of an old file, `--export` writes one; each says so, and mistakes are one line."""
    old, new, copy = tmp_path / "old.jsonl", tmp_path / "new.sqlite", tmp_path / "copy.jsonl"
    plan = {"kind": "plan", "call": "x", "plan": {"work": []}}
    old.write_bytes(JOURNAL.first_line + JOURNAL.encode(plan))
    assert cli.main(["journal", str(old)]) == 2
    assert f"{old}: is a journal of lines, as earlier versions wrote them; import it" in capsys.readouterr().err
    assert cli.main(["journal", str(new), "--import", str(old)]) == 0
    printed = capsys.readouterr()
    assert f"imported: {old}; it is marked" in printed.err and "0 calls of no sampler" in printed.out
    with Journal(new, read_only=True) as journal:
        assert journal.kept_plan("x") == {"work": []}
    assert cli.main(["journal", str(new), "--import", str(old)]) == 2
    assert f"{old}: was imported before" in capsys.readouterr().err
    assert cli.main(["journal", str(new), "--export", str(copy)]) == 0
    assert f"exported: {copy}" in capsys.readouterr().err
    assert JOURNAL.decode(copy.read_bytes().splitlines()[1], copy, 2) == plan
    assert cli.main(["journal", str(new), "--export", str(copy)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert cli.main(["journal", str(tmp_path / "bad.sqlite"), "--import", str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl: cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["solve", "G-n16-k3", "--sampler", "qaoa+width=5", "--journal", "{kept}"],
        ["eval", "G-n16-k3", "--controllers", "cfm", "--out", "{kept}"],
    ],
)
def test_an_interruption_says_how_to_resume(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After Ctrl-C a message names the file from which the same command resumes."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lagrl.solver.solve", interrupted)
    monkeypatch.setattr("lagrl.bench.run.run", interrupted)
    kept = str(tmp_path / "kept.sqlite")
    assert cli.main([part.format(kept=kept) for part in command]) == 130
    assert f"run the same command again to resume from {kept}" in capsys.readouterr().err
