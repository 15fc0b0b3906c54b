"""The CPU hours of the presets: every kind of work is measured and counted, and the page has the committed figures."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("tyro")  # only the study needs it

from benchmarks.harness import read_rows
from benchmarks.training_hours import run
from envs.config import EnvConfig
from policies.config import PolicyConfig
from train.bc import main as bc
from train.bc.config import BCConfig
from train.config import without_routes
from train.ppo import main as ppo
from train.ppo.config import PPOConfig

ROOT = Path(__file__).parents[2]
POLICY = PolicyConfig(hidden=8, layers=1, heads=2, critic_hidden=8)
ENV = EnvConfig(n_max=12, n_customers=(6, 10), min_steps=3, max_steps=6, route_sampler="exact", route_every=2)
TINY = {"policy": POLICY, "validation_instances": 2, "validation_sizes": (6, 10), "budgets": (3,)}
CLONING = BCConfig(rounds=3, first_episodes=9, episodes=9, held_out=3, batch_size=8, env=without_routes(ENV), **TINY)
FINE_TUNING = PPOConfig(
    rollouts=5, n_envs=2, n_steps=8, batch_size=4, n_epochs=3, imitation_states=8, critic_warmup=2, env=ENV, **TINY
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make both presets tiny."""
    monkeypatch.setattr(BCConfig, "preset", classmethod(lambda cls, name: CLONING))
    monkeypatch.setattr(PPOConfig, "preset", classmethod(lambda cls, name: FINE_TUNING))
    monkeypatch.setattr(run, "EPISODES", 6)
    monkeypatch.setattr(run, "INSTANCES", 1)


def test_every_kind_of_work_is_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Rows have the pieces of the whole run's plan and CPU seconds of each; the table adds them up."""
    run.main(out=tmp_path / "rows.jsonl", presets=("small",))
    rows = read_rows(tmp_path / "rows.jsonl")
    pieces = {(row["trainer"], row["kind"]): row["pieces"] for row in rows}
    assert pieces[("bc", "validation")] == 2 * (3 + 1)
    assert pieces[("ppo", "rollout")] == 5 * 8
    assert (pieces[("ppo", "critic update")], pieces[("ppo", "update")]) == (2, 3)
    assert {kind for _, kind in pieces} == {"validation", "collection", "epoch", "rollout", "critic update", "update"}
    assert all(0 < row["seconds"] < 60 for row in rows)
    table = capsys.readouterr().out
    assert "| `train.bc` | `small` | " in table
    run.main(out=tmp_path / "rows.jsonl", presets=("small",))
    assert capsys.readouterr().out == table  # nothing is measured again


def test_an_update_is_scaled_to_all_epochs_and_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a rollout's update with one epoch of two seconds of three stands for one of twice as many states."""
    meter = run._Meter()
    for kind in ("validation", "rollout", "critic update", "update"):
        meter.pieces[kind], meter.seconds[kind] = 2, 6.0
    meter.within["update"] = 4.0
    monkeypatch.setattr(run, "_learned", lambda *_: meter)
    measured = run.measured_ppo(replace(FINE_TUNING, expert="hwc"))
    assert measured["rollout"] == (5 * 8, pytest.approx(3.0))
    assert measured["update"] == (3, pytest.approx(2 * (1.0 + 3 * 2.0)))
    assert measured["critic update"] == (2, pytest.approx(2 * 3.0))


def test_the_page_and_the_help_have_the_committed_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """The page has the table that its command prints; `--help` of both trainings has the rounded sums."""
    rows = ROOT / "docs" / "rows" / "training_hours.jsonl"
    run.main(show_rows=rows)
    table = capsys.readouterr().out
    assert table.count("\n") == 6
    assert table in (ROOT / "docs" / "results" / "training.md").read_text(encoding="utf-8")
    hours: Counter[tuple[str, str]] = Counter()
    for row in read_rows(rows):
        hours[row["preset"], row["trainer"]] += row["pieces"] * row["seconds"] / 3600
    minutes = [rf"{60 * hours['small', trainer]:.0f} \({trainer}\)" for trainer in ("bc", "ppo")]
    large = [rf"{hours['reference', trainer]:.0f} \({trainer}\)" for trainer in ("bc", "ppo")]
    said = f"small, {' or '.join(minutes)} CPU minutes; reference, as published, {' or '.join(large)} CPU hours"
    for main in (bc, ppo):
        with pytest.raises(SystemExit):
            main(["--help"])
        assert re.search(said, re.sub(r"[\s│]+", " ", capsys.readouterr().out))
