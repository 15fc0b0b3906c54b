"""`python -m train.bandit`: a state and its card from traces, evaluated on others; without torch."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent.parent / "quantum" / "bandit"))

from small_logs import log

from lagrl.bench.trace_table import TraceTable
from lagrl.bench.trace_training import fit
from lagrl.errors import InputError
from lagrl.quantum.bandit.options import read_state
from lagrl.quantum.bandit.traces import TraceLog
from lagrl.relaxation.sampler import SampleContext
from train.bandit import main


def written(path: Path, *args: object, **kwargs: object) -> Path:
    """Write a log of decisions."""
    file = TraceLog(path)
    for trace in log(*args, **kwargs):
        file.note(SampleContext(trace.run, trace.step), [trace.decision])
    return path


def test_a_state_is_trained_and_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The state has the regression's weights, the card describes its training, and a rerun gives the same bytes."""
    traces, others = written(tmp_path / "a.jsonl", 400), written(tmp_path / "b.jsonl", 400, seed=1, name="j")
    state = tmp_path / "state.json"
    command = [str(traces), "--out", str(state), "--validate", str(others), "--ridge", "0.5"]
    assert main(command) == 0
    said = capsys.readouterr().out
    for name in ("trained (linucb)", "best static (fine/", "uniform", "product"):
        assert name in said
    read = read_state(state)
    np.testing.assert_allclose(read.model.weights, fit(TraceTable.of(log(400)), 0.5).weights, atol=1e-9)
    assert (read.alpha, read.epsilon) == (0.1, 0.05)
    card = json.loads((tmp_path / "state.card.json").read_text())
    assert card["traces"] == [{"name": "a.jsonl", "sha256": hashlib.sha256(traces.read_bytes()).hexdigest()}]
    assert card["decisions"] == {"read": 400, "trained on": 400}
    values = {own["policy"].split()[0]: own["doubly_robust"]["value"] for own in card["validation"]["estimates"]}
    assert values["trained"] > values["uniform"] > values["product"]
    before = state.read_bytes(), (tmp_path / "state.card.json").read_bytes()
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(traces.read_bytes()))
    assert main([str(packed), *command[1:]]) == 0
    assert state.read_bytes() == before[0]
    assert json.loads((tmp_path / "state.card.json").read_text())["traces"][0]["sha256"] == card["traces"][0]["sha256"]
    assert main(command) == 0
    assert (state.read_bytes(), (tmp_path / "state.card.json").read_bytes()) == before


def test_exploration_and_what_is_held_out(tmp_path: Path) -> None:
    """Alpha and epsilon are written to the state; decisions held out are not learned from."""
    traces, state = written(tmp_path / "a.jsonl", 120), tmp_path / "state.json"
    written(traces, 60, width=3)
    for words, alpha, epsilon in ((["--epsilon", "0"], 0.1, 0.0), (["--alpha", "0"], 0.0, 0.05)):
        assert main([str(traces), "--out", str(state), *words]) == 0
        assert (read_state(state).alpha, read_state(state).epsilon) == (alpha, epsilon)
        assert read_state(state).model.n_observations == 180
    assert main([str(traces), "--out", str(state), "--holdout", "width:3", "--holdout", "backend:poor"]) == 0
    card = json.loads((tmp_path / "state.card.json").read_text())
    assert read_state(state).model.n_observations == card["decisions"]["trained on"] < 120
    assert card["holdout"] == ["width:3", "backend:poor"]


def test_the_best_static_arm_is_on_no_backend_held_out(tmp_path: Path) -> None:
    """The best static arm is on no backend held out, although other decisions list its arms."""
    traces, state = written(tmp_path / "a.jsonl", 2000), tmp_path / "state.json"
    assert main([str(traces), "--out", str(state), "--holdout", "backend:fine"]) == 0
    assert not json.loads((tmp_path / "state.card.json").read_text())["best_static"].startswith("fine")


def test_each_policy_is_evaluated_separately(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A policy never followed is evaluated by the model alone; an arm that may not run is omitted and reported."""
    traces, state = written(tmp_path / "a.jsonl", 400), tmp_path / "state.json"
    others = TraceLog(tmp_path / "b.jsonl")
    for trace in log(200, seed=1, name="j"):
        if trace.decision.arm.backend:  # nobody took product
            others.note(SampleContext(trace.run, trace.step), [trace.decision])
    command = [str(traces), "--out", str(state), "--validate"]
    assert main([*command, str(tmp_path / "b.jsonl")]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "–" in lines["product"]
    assert "the model alone" in lines["product"]
    assert "–" not in lines["uniform"]
    estimates = {
        own["policy"]: own for own in json.loads((tmp_path / "state.card.json").read_text())["validation"]["estimates"]
    }
    assert estimates["product"]["snips"] is None
    assert estimates["product"]["doubly_robust"]["effective"] == 0.0

    written(tmp_path / "c.jsonl", 100, seed=2, name="k", forbidden=("fine",))
    assert main([*command, str(tmp_path / "c.jsonl")]) == 0
    said = capsys.readouterr().out
    assert "is omitted: it may run in none of these decisions" in said
    card = json.loads((tmp_path / "state.card.json").read_text())
    assert card["best_static"].startswith("fine")
    assert card["validation"]["best_static_may_run"] == 0.0
    assert [own["policy"] for own in card["validation"]["estimates"]] == ["trained (linucb)", "uniform", "product"]

    written(tmp_path / "c.jsonl", 300, seed=2, name="k")
    assert main([*command, str(tmp_path / "c.jsonl")]) == 0
    assert "best static may run in 75.0% of these decisions" in capsys.readouterr().out


def test_a_failed_evaluation_does_not_lose_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is written before the evaluation."""

    def broken(*_: object, **__: object) -> None:
        raise InputError("no judgement")

    traces, others = written(tmp_path / "a.jsonl", 60), written(tmp_path / "b.jsonl", 60, seed=1, name="j")
    monkeypatch.setattr("train.bandit.command.evaluate", broken)
    assert main([str(traces), "--out", str(tmp_path / "state.json"), "--validate", str(others)]) == 2
    assert read_state(tmp_path / "state.json").model.n_observations == 60
    assert "validation" not in json.loads((tmp_path / "state.card.json").read_text())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--holdout", "backend:ibm_x"], "backend ibm_x is not in the traces; there are fine, poor"),
        (["--holdout", "fine"], "--holdout: 'fine' given; write backend:NAME or width:N"),
        (["--policy", "greedy"], "unknown option --policy"),
        (["--alpha", "-1"], "--alpha: -1.0 given; give a finite number of 0 or more"),
        (["--alpha", "inf"], "--alpha: inf given"),
        (["--epsilon", "2"], "--epsilon: 2.0 given"),
        (["--epsilon", "5"], "--epsilon: 5.0 given"),
        (["--epsilon", "nan"], "--epsilon: nan given"),
        (["--ridge", "-1"], "--ridge: -1.0 given"),
        (["--ridge", "0"], "--ridge: 0.0 given"),
        (["--validate", "{traces}"], "instances were trained on, such as i0"),
        (["--validate", "{folder}/none.jsonl"], "none.jsonl: cannot be read"),
        (["--validate", "{folder}/one.jsonl"], "decisions on one instance"),
        (["--out", "{traces}"], "is read as traces"),
        (["--out", "{folder}/none/state.json"], "does not exist"),
        (["{folder}/poem.txt"], "poem.txt: line 1: not a decision trace"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad input is refused in one line, and nothing is written."""
    traces = written(tmp_path / "a.jsonl", 30)
    written(tmp_path / "one.jsonl", 5, n_instances=1, name="j")
    (tmp_path / "poem.txt").write_text("Roses are red\n")
    before = traces.read_bytes()
    given = [word.format(traces=traces, folder=tmp_path) for word in words]
    out = [] if "--out" in given else ["--out", str(tmp_path / "state.json")]
    assert main([str(traces), *given, *out]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.glob("state*"))
    assert traces.read_bytes() == before


def test_torch_is_not_needed() -> None:
    """No package of the extra rl is imported."""
    script = (
        "import sys, train.bandit, train.bandit.command; print([m for m in ('torch', 'gymnasium') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"
