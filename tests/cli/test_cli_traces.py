"""The command `lagrl traces`: decisions are collected and resumed; other settings are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lagrl.bench.collect import Collection, generated_problems
from lagrl.cli import entry as cli
from lagrl.errors import InputError
from lagrl.quantum.bandit.arm_policies import LinearModel
from lagrl.quantum.bandit.features import NAMES
from lagrl.quantum.bandit.options import BanditOptions, BanditState
from lagrl.quantum.bandit.traces import read_traces
from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.lines import JOURNAL

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("qiskit_aer", reason="needs the quantum extra")

FEW = [
    *("--generated", "2", "--customers", "14,18", "--seed", "3", "--evaluations", "4", "--shots", "16"),
    *("--backends", "FakeMumbai/FakeParis", "--families", "qaoa", "--depths", "1", "--placements", "line0"),
]


def lines(path: Path) -> list[dict]:
    """Return the records of a file of traces."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def collect(out: Path, *more: str) -> int:
    """Run the command with few settings."""
    return cli.main(["traces", "--out", str(out), *FEW, *more])


def test_traces_are_collected_and_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One run for each instance, controller, width and seed; a cut file is completed to the same bytes."""
    out, part = tmp_path / "all.jsonl", tmp_path / "part.jsonl"
    grid = ("--controllers", "cfm,hwc", "--widths", "3,4", "--seeds", "0,1")
    assert collect(out, *grid) == 0
    assert "16 runs added" in capsys.readouterr().err
    header, *rest = lines(out)
    assert header["kind"] == "header"
    assert header["settings"]["epsilon"] == 1.0
    assert header["versions"]["lagrl"]
    runs = [line for line in rest if line["kind"] == "run"]
    traces = read_traces([out])
    assert len({run["key"] for run in runs}) == 16
    assert sum(run["decisions"] for run in runs) == len(traces) > 30
    assert {trace.decision.knapsack.width for trace in traces} <= {1, 2, 3, 4}
    assert {trace.instance for trace in traces} == {run["instance"] for run in runs}
    for trace in traces:
        assert trace.decision.propensity == pytest.approx(1 / trace.decision.screened.is_allowed.sum())
    assert {trace.decision.arm.backend for trace in traces} == {"", "fake_mumbai", "fake_paris"}

    whole = out.read_bytes()
    cut = [i for i, line in enumerate(lines(out)) if line["kind"] == "run"][6]
    part.write_bytes(b"".join(whole.splitlines(keepends=True)[: cut + 3])[:-9])  # killed within the eighth run
    assert collect(part, *grid) == 0
    assert "9 runs added" in capsys.readouterr().err
    assert part.read_bytes() == whole
    assert collect(out, *grid) == 0
    assert "0 runs added" in capsys.readouterr().err
    assert out.read_bytes() == whole

    assert collect(out, "--shots", "17") == 2
    assert "shots 16 there, 17 now" in capsys.readouterr().err
    assert collect(out, "--noise", "density") == 2
    assert "method 'surrogate' there, 'density' now" in capsys.readouterr().err
    assert out.read_bytes() == whole


def test_a_trained_state_is_logged_on_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its decisions are logged with their propensities; ε = 0 is refused."""
    state, out = tmp_path / "state.json", tmp_path / "traces.jsonl"
    rng = np.random.default_rng(0)
    model = LinearModel.fitted(rng.normal(size=(200, len(NAMES))), rng.normal(size=200))
    BanditState(0.1, 0.3, model).write(state)
    assert collect(out, "--state", str(state), "--widths", "4") == 0
    traces = [trace for trace in read_traces([out]) if trace.decision.knapsack.width > 1]
    propensity = np.array([trace.decision.propensity for trace in traces])
    n_allowed = np.array([trace.decision.screened.is_allowed.sum() for trace in traces])
    is_lot = np.isclose(propensity, 0.3 / n_allowed)
    assert (is_lot | np.isclose(propensity, 0.7 + 0.3 / n_allowed)).all()
    assert not is_lot.all()
    BanditState(0.2, 0.3, model).write(state)
    capsys.readouterr()
    assert collect(out, "--state", str(state), "--widths", "4") == 2
    assert "settings: was started with other settings: state" in capsys.readouterr().err
    BanditState(0.2, 0.0, model).write(state)
    assert collect(tmp_path / "other.jsonl", "--state", str(state)) == 2
    assert "epsilon" in capsys.readouterr().err


def test_jobs_are_not_paid_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results of an account's device are kept beside the traces, and an interrupted run is repeated from them."""
    offline = DeviceBackend.of
    monkeypatch.setattr(DeviceBackend, "of", lambda name: offline("FakeMumbai"))
    out = tmp_path / "traces.jsonl"
    command = [
        "traces",
        "G-n16-k3",
        "--out",
        str(out),
        "--evaluations",
        "3",
        "--shots",
        "16",
        *FEW[10:],
        "--widths",
        "3",
    ]
    command[command.index("FakeMumbai/FakeParis")] = "ibm_a"
    assert cli.main(command) == 0
    whole, kept = out.read_bytes(), tmp_path / "traces.journal.sqlite"
    with Journal(kept, read_only=True) as journal:
        summary = journal.summary()
    assert summary.jobs > 0
    out.write_bytes(b"".join(whole.splitlines(keepends=True)[:-2]))
    assert cli.main(command) == 0
    assert out.read_bytes() == whole
    with Journal(kept, read_only=True) as journal:
        assert journal.summary() == summary
    old = tmp_path / "traces.journal.jsonl"
    old.write_bytes(JOURNAL.first_line)
    assert cli.main(command) == 2
    assert f"import it: lagrl journal {kept} --import {old}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epsilon", "0.5"], "epsilon: 0.5 given; give a state too"),
        (["--epsilon", "0"], "epsilon: 0.0 given; give a share above 0"),
        (["--state", "none.json"], "none.json: no such file"),
        (["--backends", "FakeKingstn"], "did you mean 'FakeKingston'"),
        (["--families", "qaao"], "unknown circuit family"),
        (["--widths", "3,three"], "--widths: '3,three' is not a list of whole numbers"),
        (["--widths", "3,3"], "widths: 3, 3 given; give each once"),
        (["--widths", ""], "widths: nothing given"),
        (["--customers", "20"], "--customers: '20' given; give two numbers"),
        (["--generated", "0"], "generated"),
        (["--controllers", "cfn"], "cfn"),
        (["--evaluations", "0"], "evaluations"),
        (["--seeds", "-1"], "seed"),
        (["--noise", "density", "--width", "12"], "12 given, density takes 10 qubits"),
        (["G-n16-k3", "G-n16-k3"], "problems: "),
    ],
)
def test_bad_input_is_reported_in_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on stderr, exit code 2, and no file."""
    out = tmp_path / "traces.jsonl"
    assert collect(out, *words) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert not out.exists()


def test_a_width_beside_widths_is_refused() -> None:
    """The option width of the bandit would have no effect here."""
    with pytest.raises(InputError, match="width: 5 given; give it in widths"):
        Collection(problems=generated_problems(1, (14, 14), 0), options=BanditOptions(width=5))


def test_instances_are_required(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files, names or --generated are required; options of generated instances alone are refused."""
    out = str(tmp_path / "traces.jsonl")
    assert cli.main(["traces", "--out", out]) == 2
    assert "give files, names, --suite or --generated N" in capsys.readouterr().err
    assert cli.main(["traces", "G-n16-k3", "--out", out, "--seed", "3"]) == 2
    assert "--seed: nothing is generated" in capsys.readouterr().err
    assert cli.main(["traces", "G-n16-k3", "--out", str(tmp_path / "none" / "t.jsonl")]) == 2
    assert "folder" in capsys.readouterr().err
