from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ppo_runs import TINY_OPTIONS, clone, clone_file

from lagrl.controllers.registry import controller_factory
from policies.checkpoint import load_checkpoint, save_checkpoint
from train.curves import read_curves
from train.ppo import main
from train.stop import Stop

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def train(tmp_path: Path, *arguments: str) -> int:
    return main([*TINY_OPTIONS, "--run", str(tmp_path / "run"), "--out", str(tmp_path / "out"), *arguments])


def test_run_ends_with_a_checkpoint_and_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command trains, prints the comparison with the clone, and writes a checkpoint that is never worse."""
    init = clone_file(tmp_path)
    assert train(tmp_path, "--init", str(init), "--seed", "5") == 0
    said = capsys.readouterr().out
    assert f"next: lagrl eval --suite bundled --controllers {init},{tmp_path / 'out'} --out rows.jsonl" in said
    assert controller_factory(str(tmp_path / "out"))()
    assert "clone" in said
    checkpoint = load_checkpoint(tmp_path / "out")
    card = checkpoint.card
    assert card["kind"] == "ppo"
    assert card["command"].startswith("lagrl train ppo --rollouts 4")
    assert card["training"]["parent"] == str(init)
    assert card["config"]["expert"] == "hwc"
    assert card["config"]["seed"] == 5
    selection = card["selection"]
    assert selection["best"]["3"] <= selection["initial"]["3"]
    assert (selection["rollout"] > 0) == ("gain" in selection)
    assert "lower limit of its paired gain" in selection["rule"]
    assert card["selection"]["not_used_for_choosing"]["initial"].keys() == {"3"}
    assert [row["step"] for row in read_curves(tmp_path / "run" / "curves.jsonl")] == [0, 1, 2, 3, 4]
    assert not (tmp_path / "run" / "tensorboard").exists()


def test_from_scratch_must_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --init nothing is trained; --init none trains from scratch."""
    assert train(tmp_path) == 2
    assert "--init none" in capsys.readouterr().err
    assert train(tmp_path, "--init", "none", "--no-baseline", "--imitation", "0", "0", "--rollouts", "1") == 0
    assert load_checkpoint(tmp_path / "out").card["training"]["parent"] is None


def test_nothing_is_said_of_rollouts_that_were_not_validated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends before its first validation does not claim that its rollouts were worse than the clone."""
    init = clone_file(tmp_path)
    monkeypatch.setattr(Stop, "reason", "enough")
    assert train(tmp_path, "--init", str(init), "--mode", "diagonal") == 0
    assert "clone again: no rollout validated yet" in capsys.readouterr().out
    assert "no rollout of PPO has been validated yet" in load_checkpoint(tmp_path / "out").card["description"]


def test_bad_starts_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A checkpoint of another mode, a foreign, a missing and an overwritten one are separate errors."""
    init = clone_file(tmp_path)
    assert train(tmp_path, "--init", str(init), "--policy.hidden", "16") == 2
    error = capsys.readouterr().err.strip()
    assert "tiny: --init: has a network of another size: hidden 8, not 16; give its size (--policy.hidden 8)" in error
    assert "\n" not in error
    assert train(tmp_path, "--init", str(init), "--env.action.mode", "direction") == 2
    assert "'diagonal'" in capsys.readouterr().err
    assert main([*TINY_OPTIONS, "--init", str(init), "--run", str(tmp_path / "run"), "--out", str(init)]) == 2
    assert "--out" in capsys.readouterr().err
    record = init.with_suffix(".json")
    content = json.loads(record.read_text())
    record.write_text(json.dumps(content | {"format": "something else"}))
    assert train(tmp_path, "--init", str(init)) == 2
    assert "tiny.json" in capsys.readouterr().err
    assert train(tmp_path, "--init", str(tmp_path / "nothing")) == 2
    assert "nothing" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_resume_is_for_runs_of_ppo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without an archive resuming fails, a finished run stays unchanged, and no run is overwritten."""
    assert main(["--resume", str(tmp_path)]) == 2
    assert "archive.json" in capsys.readouterr().err
    init = str(clone_file(tmp_path))
    assert train(tmp_path, "--init", init, "--rollouts", "1") == 0
    before = (tmp_path / "run" / "curves.jsonl").read_text()
    out = ["--out", str(tmp_path / "out")]
    assert main(["--resume", str(tmp_path / "run"), "--device", "cpu", *out]) == 0
    assert (tmp_path / "run" / "curves.jsonl").read_text() == before
    assert train(tmp_path, "--init", init) == 2
    assert "--resume" in capsys.readouterr().err


def test_a_time_limit_completes_a_rollout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the number of minutes, every part of a run adds a rollout, and prints the command to continue."""
    init, out = str(clone_file(tmp_path)), ["--out", str(tmp_path / "out")]
    minutes = ["--minutes", "0.00001"]
    assert train(tmp_path, "--init", init, *minutes) == 0
    assert f"lagrl train ppo --resume {tmp_path / 'run'} --out {tmp_path / 'out'}" in capsys.readouterr().out
    done = read_curves(tmp_path / "run" / "curves.jsonl")[-1]["step"]
    for more in (1, 2):
        assert main(["--resume", str(tmp_path / "run"), *out, *minutes, "--device", "cpu"]) == 0
        assert read_curves(tmp_path / "run" / "curves.jsonl")[-1]["step"] == done + more


def test_other_episodes_of_the_clone_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A clone of other episodes than this run's, and prices beyond the bounds, are lines at the start."""
    checkpoint = clone()
    config = {"expert": "hwc", "env": {"start": "linear", "bounds": None, "max_steps": 6, "min_steps": 3}}
    card = checkpoint.card | {"config": config}
    save_checkpoint(tmp_path / "tiny", checkpoint.net, checkpoint.action, card)
    bounds = ["--env.start", "zero", "--env.bounds", "-1", "3"]
    assert train(tmp_path, "--init", str(tmp_path / "tiny"), "--rollouts", "1", *bounds) == 0
    said = capsys.readouterr().err
    assert "trained on other episodes: start linear, here zero; bounds none, here -1.0 3.0\n" in said
    assert "multipliers stay within -1 and 3; 100% of the generated instances have prices" in said


def test_tensorboard_is_written_on_request(tmp_path: Path) -> None:
    """--tensorboard FOLDER gets a folder of the run's name, and is part of the command to resume."""
    init = clone_file(tmp_path)
    events = tmp_path / "events"
    assert train(tmp_path, "--init", str(init), "--rollouts", "1", "--tensorboard", str(events)) == 0
    assert list((events / "run").glob("events.out.tfevents.*"))
