"""Ctrl-C within every kind of step: acknowledged, saved, and repeated with equal results."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from ppo_runs import TINY_OPTIONS, clone_file
from test_bc import TINY

from train import bc as train_package
from train.archive import load_archive
from train.bc import main as bc
from train.curves import read_curves
from train.ppo import main as ppo
from train.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

BC = [*TINY, "--validate-every", "2"]
PPO = [*TINY_OPTIONS, "--init", "tiny"]

CHILD = """
import sys, time
from train.progress import Progress
from {module} import main
report = Progress.report
def slow(self, kind, pieces, text):
    if text.startswith("{text}"):
        print("reached", flush=True)
        time.sleep({seconds})
    report(self, kind, pieces, text)
Progress.report = slow
sys.exit(main())
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    clone_file(tmp_path)
    return tmp_path


def interrupting(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Send SIGINT to this process the first time that a report begins with a text."""
    report, sent = Progress.report, []

    def reported(self: Progress, kind: str, pieces: float, said: str) -> None:
        if said.startswith(text) and not sent:
            sent.append(said)
            os.kill(os.getpid(), signal.SIGINT)
        report(self, kind, pieces, said)

    monkeypatch.setattr(Progress, "report", reported)


def same_run(one: str, other: str) -> None:
    """Assert equal curves and equal arrays of two runs, to the last bit."""
    rows = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in read_curves(Path(name, "curves.jsonl"))]
        for name in (one, other)
    ]
    assert rows[0] == rows[1]
    (first, _), (second, _) = (load_archive(Path(name)) for name in (one, other))
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


@pytest.mark.parametrize(
    ("main", "options", "text", "steps"),
    [
        (bc, BC, "validation, instance 2", 0),  # of the expert
        (bc, BC, "round 2", 2),
        (bc, BC, "epoch 2, ", 1),
        (bc, BC, "held-out states", 0),
        (ppo, PPO, "episode of the expert", None),
        (ppo, PPO, "validation, instance 1", 0),
        (ppo, PPO, "rollout 2, step 3", 1),
        (ppo, PPO, "update after rollout 3, epoch 1", 2),
    ],
)
def test_an_interrupted_step_is_repeated(
    main: Callable[[list[str]], int],
    options: list[str],
    text: str,
    steps: int | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The archive is that of the last complete step; the printed command continues it; nothing differs at the end."""
    with monkeypatch.context() as patch:
        interrupting(patch, text)
        code = main([*options, "--run", "cut", "--out", "cut.out"])
    said = capsys.readouterr().out
    if steps is None:  # before its first state
        assert code == 130
        assert not Path("cut/archive.json").exists()
        return
    assert code == 0
    assert "Ctrl-C" in said
    assert len([row for row in read_curves(Path("cut/curves.jsonl")) if row["step"]]) == steps
    command = shlex.split(said.partition("resume with: ")[2])
    assert main([*command[3:], "--device", "cpu"]) == 0
    assert main([*options, "--run", "whole", "--out", "whole.out"]) == 0
    same_run("cut", "whole")
    assert Path("cut.out.safetensors").read_bytes() == Path("whole.out.safetensors").read_bytes()


def test_a_result_that_was_not_confirmed_is_confirmed_later(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C within the last validation keeps the complete run; resumed, it measures the result again."""
    count = 0

    def last(self: Progress, kind: str, pieces: float, text: str) -> None:
        nonlocal count
        count += kind == "validation" and pieces
        if count == 7:  # three validations of two instances, and the first instance of the confirmation
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "report", last)
        assert ppo([*PPO, "--run", "cut", "--out", "cut.out"]) == 0
    said = capsys.readouterr().out
    assert "stopped (Ctrl-C); resume with" in said
    assert "others" not in said
    assert ppo(["--resume", "cut", "--out", "cut.out", "--device", "cpu"]) == 0
    assert "others" in capsys.readouterr().out


def started(module: str, text: str, seconds: float, options: list[str]) -> subprocess.Popen[str]:
    """Return a process that trains and waits, with `reached` printed, where a report begins with a text."""
    root = str(Path(train_package.__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", CHILD.format(module=module, text=text, seconds=seconds), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": root},
    )


def test_ctrl_c_is_acknowledged_and_ends_within_seconds() -> None:
    """A signal within an epoch is answered at once; the process ends with code 0 and a command to resume."""
    process = started("train.bc", "epoch 2", 0.3, [*BC, "--run", "cut", "--out", "cut.out"])
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "reached\n"
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        said, error = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, error
    assert time.monotonic() - sent < 5
    assert "Ctrl-C: the last complete step is saved" in error
    assert "lagrl train bc --resume cut" in said
    assert [row["step"] for row in read_curves(Path("cut/curves.jsonl"))] == [1]


def test_a_second_ctrl_c_still_saves() -> None:
    """In a step that does not return, the second signal writes the last complete rollout and ends with code 130."""
    process = started("train.ppo", "rollout 2", 60, [*PPO, "--run", "cut", "--out", "cut.out"])
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "reached\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "Ctrl-C" not in (line := process.stderr.readline()):
            assert line
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "rollout 1 is saved; resume with: lagrl train ppo --resume cut --out cut.out" in error
    assert load_archive(Path("cut"))[1]["run"]["num_timesteps"] == 15
    assert ppo(["--resume", "cut", "--out", "cut.out", "--device", "cpu"]) == 0
    assert read_curves(Path("cut/curves.jsonl"))[-1]["step"] == 4
