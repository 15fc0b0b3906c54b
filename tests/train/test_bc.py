"""`python -m train.bc`: its output files, and equal results after an interruption."""

from __future__ import annotations

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pytest
import torch

from lagrl.controllers.registry import controller_factory
from lagrl.solver import SolveConfig, solve
from policies.checkpoint import load_checkpoint
from policies.network import DiagonalPrecondNet
from train import bc as train_package
from train.archive import load_archive, save_archive
from train.bc import main
from train.bc.config import BCConfig
from train.bc.run import learning_rate
from train.curves import read_curves
from train.progress import Progress
from train.stop import Stop
from train.validation import measure, validation_set

if TYPE_CHECKING:
    from collections.abc import Callable

TINY = shlex.split("""
    --rounds 2 --epochs-per-round 2 --first-episodes 6 --episodes 4 --held-out 3 --n-envs 2 --batch-size 8
    --learning-rate 0.01 --validate-every 1 --validation-instances 3 --validation-sizes 6 12 --budgets 2 4
    --policy.hidden 8 --policy.heads 2 --policy.layers 1 --policy.critic-hidden 8 --device cpu
    --env.n-max 12 --env.n-customers 6 12 --env.min-steps 2 --env.max-steps 5 --seed 3
""")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(name: str, *more: str) -> int:
    return main([*TINY, "--out", f"checkpoints/{name}", *more])


def stop_after(epochs: int, name: str) -> type:
    """Return a `Stop` that requests an end when the curves have this number of epochs."""

    class StopAfter(Stop):
        @property
        def reason(self) -> str | None:
            curves = Path("runs", name, "curves.jsonl")
            return "enough" if curves.exists() and len(read_curves(curves)) >= epochs else None

    return StopAfter


def rows_of(name: str) -> list[dict[str, float]]:
    """Return the rows of the curves without the seconds."""
    return [
        {key: value for key, value in row.items() if key != "seconds"}
        for row in read_curves(Path("runs", name, "curves.jsonl"))
    ]


def assert_same_run(one: str, other: str) -> None:
    """Same curves, and the same arrays to the last bit: weights, optimiser, generators, best candidate."""
    assert rows_of(one) == rows_of(other)
    (first, record), (second, other_record) = (load_archive(Path("runs", name)) for name in (one, other))
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    for entry in ("epoch", "updates", "manifest", "expert_scores", "imitation", "best", "generators"):
        assert record["run"][entry] == other_record["run"][entry], entry
    nets = [load_checkpoint(f"checkpoints/{name}").net.state_dict() for name in (one, other)]
    assert all(torch.equal(nets[0][name], nets[1][name]) for name in nets[0])


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_resumed_run_equals_an_undisturbed_one(monkeypatch: pytest.MonkeyPatch, epochs: int) -> None:
    """A run stopped within or between rounds and resumed gives the same bits; so does a second run."""
    assert train("whole") == 0
    assert train("again") == 0
    assert_same_run("whole", "again")
    with monkeypatch.context() as patch:
        patch.setattr("train.run.Stop", stop_after(epochs, "halves"))
        assert train("halves") == 0
    assert len(rows_of("halves")) == epochs
    torch.rand(7)  # what happens in between must not matter
    earlier: list[int] = []

    class WithEarlier(Progress):
        def __init__(self, *args: Any, **options: Any) -> None:
            earlier.extend(row["step"] for row in options["earlier"])
            super().__init__(*args, **options)

    monkeypatch.setattr("train.run.Progress", WithEarlier)
    assert main(["--resume", "runs/halves"]) == 0
    assert earlier == list(range(1, epochs + 1))
    assert_same_run("whole", "halves")


def test_checkpoint_card_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    """The best validated candidate is kept; card and message have its figures, the expert's, and the next command."""
    assert train("mine", "--mean-weight", "2") == 0
    checkpoint, rows = load_checkpoint("checkpoints/mine"), rows_of("mine")
    problems = validation_set(1_000_003, 3, (6, 12))
    scores = measure(controller_factory("checkpoints/mine"), problems, (2, 4)).means
    assert np.mean(list(scores.values())) == pytest.approx(min(row["validation"] for row in rows))
    card = checkpoint.card
    assert card["kind"] == "bc"
    assert card["config"]["expert"] == "hwc"
    assert card["config"]["mean_weight"] == 2.0
    assert card["command"].startswith("lagrl train bc --rounds 2")
    assert card["selection"]["policy"] == {str(budget): round(score, 6) for budget, score in scores.items()}
    expert = measure(controller_factory("hwc"), problems, (2, 4)).means
    assert card["selection"]["expert"] == {str(budget): round(score, 6) for budget, score in expert.items()}
    said = capsys.readouterr()
    assert "next: lagrl train ppo --init checkpoints/mine\n" in said.out
    assert f"{scores[2]:.4f}" in said.out
    assert f"{expert[2]:.4f}" in said.out
    assert "epoch 4/4" in said.err


def test_every_part_of_the_first_step_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first epoch is complete, validation, episodes and states are counted."""
    monkeypatch.setattr("train.progress.LINE_SECONDS", 0.0)
    assert train("mine", "--rounds", "1", "--epochs-per-round", "1") == 0
    before = capsys.readouterr().err.partition("epoch 1/1")[0]
    shown = ("validation, instance 1/3", "round 1/1: 6 episodes", "round 1, 0/6", "round 1, 6/6", "epoch 1, 8/")
    assert [part for part in shown if f"bc: {part}" not in before] == []


def test_training_changes_the_actor_and_only_the_actor() -> None:
    """The clone follows its expert on the training data, and its critic is still untrained."""
    assert train("mine", "--epochs-per-round", "15", "--validate-every", "30") == 0
    arrays, _ = load_archive(Path("runs/mine"))
    torch.manual_seed(3)
    first = DiagonalPrecondNet(load_checkpoint("checkpoints/mine").policy).state_dict()
    for name, weights in first.items():
        assert torch.equal(arrays[f"net/{name}"], weights) == name.startswith("critic."), name
    rows = rows_of("mine")
    assert rows[-1]["mse"] < 0.5 * rows[0]["mse"]


def test_the_policy_decides() -> None:
    """As a controller, the checkpoint gives other multipliers than with changed weights."""
    assert train("mine") == 0
    (problem,) = validation_set(1, 1, (40, 40))
    config = SolveConfig(evaluations=5, method="reference")
    trained = solve(problem, config, controller=controller_factory("checkpoints/mine"))
    checkpoint = load_checkpoint("checkpoints/mine")
    with torch.no_grad():
        checkpoint.net.head.bias.add_(0.5)
    from policies.controller import PolicyController

    other = solve(problem, config, controller=lambda: PolicyController(checkpoint))
    assert len(trained.ascents[0].trace) == 5
    assert trained.ascents[0].trace.exact_value[0] == other.ascents[0].trace.exact_value[0]
    assert trained.ascents[0].trace.exact_value[1:] != other.ascents[0].trace.exact_value[1:]


def test_direction_mode_clones_the_target(capsys: pytest.CaptureFixture[str]) -> None:
    """`--mode direction` changes the meaning of actions and the expert, and is part of the command for PPO."""
    assert train("there", "--mode", "direction") == 0
    assert "next: lagrl train ppo --init checkpoints/there --mode direction\n" in capsys.readouterr().out
    checkpoint = load_checkpoint("checkpoints/there", expect_mode="direction")
    assert checkpoint.card["config"]["expert"] == "target"


def test_archives_of_version_0_1_are_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive with the names of version 0.1 resumes to the same run as one with today's names."""
    assert train("whole") == 0
    with monkeypatch.context() as patch:
        patch.setattr("train.run.Stop", stop_after(2, "old"))
        assert train("old") == 0
    arrays, record = load_archive(Path("runs/old"))
    run = record["run"]
    run["config"]["lanes"] = run["config"].pop("n_envs")
    run["best"]["epoch"] = run["best"].pop("step")
    del record["init"]
    record["arguments"] = shlex.split(record.pop("command"))[3:]
    save_archive(Path("runs/old"), arrays, record)
    assert main(["--resume", "runs/old"]) == 0
    assert_same_run("whole", "old")
    commands = [load_checkpoint(f"checkpoints/{name}").card["command"] for name in ("whole", "old")]
    assert commands[1] == commands[0].replace("whole", "old").replace("lagrl train bc", "python -m train.bc")


def test_ctrl_c_saves_and_resume_ends_the_same(folder: Path) -> None:
    """After SIGINT the process ends with code 0 and a command to resume, which gives the same run."""
    more = ["--epochs-per-round", "30", "--validate-every", "20"]
    command = [sys.executable, "-m", "train.bc", *TINY, "--out", "checkpoints/cut", *more]
    environment = os.environ | {"PYTHONPATH": str(Path(train_package.__file__).parents[2])}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    curves = folder / "runs/cut/curves.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (curves.exists() and curves.read_text().count("\n") >= 3):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Ctrl-C" in said
    assert "--resume runs/cut" in said
    assert 3 <= len(rows_of("cut")) < 60
    assert main(["--resume", "runs/cut"]) == 0
    assert train("whole", *more) == 0
    assert_same_run("whole", "cut")


def _remove_shard() -> None:
    Path("runs/mine/dataset/shard-0000.npz").unlink()


def _damage_shard() -> None:
    Path("runs/mine/dataset/shard-0000.npz").write_bytes(b"PK")


@pytest.mark.parametrize(("harm", "said"), [(_remove_shard, "missing"), (_damage_shard, "damaged")])
def test_a_bad_shard_is_named_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], harm: Callable[[], None], said: str
) -> None:
    """The error is one line with the shard's name and a remedy, exit code 2; the checkpoint is unchanged."""
    with monkeypatch.context() as patch:
        patch.setattr("train.run.Stop", stop_after(1, "mine"))
        train("mine")
    before = Path("checkpoints/mine.safetensors").read_bytes()
    harm()
    capsys.readouterr()
    assert main(["--resume", "runs/mine"]) == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert "shard-0000.npz" in message
    assert said in message
    assert "put back" in message
    assert Path("checkpoints/mine.safetensors").read_bytes() == before


def test_full_disk_ends_the_run_and_keeps_what_was_saved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the second round's data do not fit, the exit code is 2; resumed later, the run gives the same results."""
    assert train("whole") == 0
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if "shard-0001" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    monkeypatch.setattr("train.saved_steps.SAVE_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert train("short") == 2
    assert "No space left" in capsys.readouterr().err
    load_checkpoint("checkpoints/short")
    assert main(["--resume", "runs/short"]) == 0
    assert_same_run("whole", "short")


def test_a_finished_run_resumes_to_its_end() -> None:
    """The checkpoint is written again, to another path if given; partial files of a killed process are removed."""
    assert train("mine") == 0
    parts = [Path("runs/mine/.curves.jsonl.x.part"), Path("runs/mine/dataset/.shard-0001.npz.x.part")]
    for part in parts:
        part.touch()
    assert main(["--resume", "runs/mine", "--out", "checkpoints/copy"]) == 0
    assert not any(part.exists() for part in parts)
    assert (
        load_checkpoint("checkpoints/copy").card["selection"] == load_checkpoint("checkpoints/mine").card["selection"]
    )


def _foreign() -> None:
    path = Path("runs/mine/archive.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"record": {"trainer": "ppo"}, "record_sha256": None}))


def _unknown_setting() -> None:
    path = Path("runs/mine/archive.json")
    content = json.loads(path.read_text())
    content["record"]["run"]["config"]["sede"] = 1
    del content["record_sha256"]
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(("harm", "said"), [(_foreign, "'ppo', not of bc"), (_unknown_setting, "sede")])
def test_archives_of_other_runs_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], harm: Callable[[], None], said: str
) -> None:
    """A run of another trainer, or of a version with other settings, is not resumed."""
    monkeypatch.setattr("train.run.Stop", stop_after(1, "mine"))
    train("mine")
    harm()
    assert main(["--resume", "runs/mine"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--expert", "hcw"], "did you mean 'hwc'"),
        (["--preset", "smal"], "smal"),
        (["--rounds", "0"], "rounds"),
        (["--beta", "1.5"], "beta"),
        (["--env.sampler", "exakt"], "unknown sampler 'exakt'"),
        (["--env.route-sampler", "exakt"], "unknown sampler 'exakt'"),
        (["--out", "/dev/null/folder/mine"], "/dev/null/folder: cannot write"),
        (["--env.action.base-step", "-1"], "base_step"),
        (["--policy.hidden", "7"], "hidden"),
        (["--device", "tpu"], "device"),
        (["--threads", "0"], "threads"),
        (["--minutes", "0"], "minutes"),
        (["--seed", "-1"], "seed"),
        (["--held-out", "7"], "held_out"),
        (["--budgets", "0"], "budgets"),
        (["--validation-sizes", "9", "8"], "validation_sizes"),
        (["--resume", "runs/none"], "no archive there"),
        (["--nonsense"], "nonsense"),
    ],
)
def test_mistakes_are_told_in_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    """The error names the field and the value, the exit code is 2, and no run is started."""
    assert main([*([] if "--resume" in arguments else TINY), *arguments]) == 2
    message = capsys.readouterr().err.strip()
    assert said in message
    assert message.startswith("lagrl train bc: error: ")
    assert "\n" not in message
    assert not Path("runs").exists() or not any(Path("runs").iterdir())


def test_a_run_is_not_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    """A second run of the same name is an error, with the command that resumes the first."""
    assert train("mine") == 0
    assert train("mine") == 2
    assert "--resume runs/mine" in capsys.readouterr().err


def test_configuration_stays_the_runs_own(capsys: pytest.CaptureFixture[str]) -> None:
    """With --resume, hyper-parameters are an error: the curves would belong to neither run."""
    assert train("mine") == 0
    assert main(["--resume", "runs/mine", "--rounds", "3"]) == 2
    assert "that of the run" in capsys.readouterr().err


def test_before_the_first_validation_the_policy_is_saved_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that ends early leaves a checkpoint, and prints that it is not validated."""
    monkeypatch.setattr("train.run.Stop", stop_after(1, "mine"))
    assert train("mine", "--validate-every", "3") == 0
    assert load_checkpoint("checkpoints/mine").card["selection"]["policy"] == {}
    assert "not validated" in capsys.readouterr().out


def test_the_clock_does_not_steer_the_schedule() -> None:
    """Learning rates fall from the first to the last over the epochs of the configuration."""
    config = BCConfig(rounds=2, epochs_per_round=2, learning_rate=1.0, last_learning_rate=0.1)
    rates = [learning_rate(config, epoch) for epoch in range(4)]
    assert rates[0] == 1.0
    assert rates[-1] == pytest.approx(0.1)
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("name", ["small", "reference"])
def test_presets_come_back_from_json(name: str) -> None:
    """A preset survives its JSON form unchanged."""
    config = BCConfig.preset(name)
    assert BCConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_disk_full_on_curves(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The first archive is written before the first epoch, so that a run that fails later can be resumed."""

    def fail(*args: object, **kwargs: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("train.curves.JsonLines.append", fail)
        assert train("mine") == 2
    assert "No space left" in capsys.readouterr().err
    assert main(["--resume", "runs/mine"]) == 0
    assert len(rows_of("mine")) == 4
