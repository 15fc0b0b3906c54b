"""Energy of the processor, measured by codecarbon."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from lagrl.bench import run as run_module
from lagrl.bench.cpu_meter import CpuMeter, counting_tracker, offline_tracker
from lagrl.bench.evaluation import Evaluation
from lagrl.bench.rows import read_rows
from lagrl.bench.run import run
from lagrl.cli.entry import main
from lagrl.errors import InputError, MissingExtraError
from lagrl.problems.bundled import bundled_names, bundled_path

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class FakeTracker:
    """Reports 1e-6 kWh for every block, and keeps the order of the calls."""

    calls: list[str] = field(default_factory=list)

    def start_task(self) -> None:
        """Note the call."""
        self.calls.append("start")

    def stop_task(self) -> Any:
        """Note the call; return the energy."""
        self.calls.append("stop")
        return SimpleNamespace(cpu_energy=1e-6)


def test_energy_is_in_joules_and_the_tracker_is_stopped() -> None:
    """1e-6 kWh are 3.6 J; an error in the block stops the tracker too."""
    tracker = FakeTracker()
    with CpuMeter(tracker).measuring() as energy:
        assert energy == {}
    assert energy == {"cpu_joules": 3.6}
    with pytest.raises(ValueError, match="inside"), CpuMeter(tracker).measuring():
        raise ValueError("inside")
    assert tracker.calls == ["start", "stop"] * 2


def test_rows_have_the_energy_of_their_solve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One measurement per row with `energy`, none without; several workers are refused."""
    tracker = FakeTracker()
    monkeypatch.setattr(run_module, "CpuMeter", lambda: CpuMeter(tracker))
    quick = Evaluation(
        (bundled_path(bundled_names()[0]),), ("polyak",), methods=("reference",), budgets=(2,), seeds=(0, 1)
    )
    run(quick, tmp_path / "with.jsonl", energy=True)
    assert [row["cpu_joules"] for row in read_rows(tmp_path / "with.jsonl")] == [3.6, 3.6]
    assert tracker.calls == ["start", "stop"] * 2
    run(quick, tmp_path / "without.jsonl")
    assert all("cpu_joules" not in row for row in read_rows(tmp_path / "without.jsonl"))
    with pytest.raises(InputError, match="give 1 worker"):
        run(quick, tmp_path / "two.jsonl", workers=2, energy=True)


def test_without_codecarbon_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to install it."""
    monkeypatch.setitem(sys.modules, "codecarbon.core.cpu", None)
    with pytest.raises(MissingExtraError, match="bench"):
        counting_tracker()


def test_without_a_counter_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An estimate of codecarbon is not called measured: the command refuses in one line and writes no rows."""
    cpu = pytest.importorskip("codecarbon.core.cpu")
    monkeypatch.setattr(cpu, "is_rapl_available", lambda: False)
    out = tmp_path / "rows.jsonl"
    assert (
        main(["eval", bundled_names()[0], "--out", str(out), "--controllers", "polyak", "--budgets", "2", "--energy"])
        != 0
    )
    text = capsys.readouterr()
    assert "energy: the processor's energy counter (RAPL) is missing" in text.err
    assert not out.exists()


def test_codecarbon_is_silent_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The tracker itself measures a block without output, without files, and without a counter too."""
    pytest.importorskip("codecarbon")
    with pytest.raises(InputError) if not _has_counter() else pytest.MonkeyPatch.context():
        counting_tracker()
    monkeypatch.chdir(tmp_path)
    with CpuMeter(offline_tracker()).measuring() as energy:
        sum(range(10**6))
    assert energy["cpu_joules"] >= 0
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def _has_counter() -> bool:
    from codecarbon.core.cpu import is_rapl_available

    return bool(is_rapl_available())
