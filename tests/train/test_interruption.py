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

    Main = Callable[[list[str]], int]

BC = [*TINY, "--validate-every", "2"]
PPO = [*TINY_OPTIONS, "--init", "tiny"]

PLACES = [
    # training, its options, where it is interrupted, after which other report, complete steps in the archive
    (bc, BC, "validation, instance 2", "", 0),  # of the expert
    (bc, BC, "round 1, ", "", 0),
    (bc, BC, "round 2, ", "", 2),
    (bc, BC, "epoch 2, ", "", 1),
    (bc, BC, "held-out states", "", 0),
    (bc, BC, "validation, instance 2", "epoch 2, ", 1),  # of the policy
    (ppo, PPO, "validation, instance 1", "", 0),  # of the clone
    (ppo, PPO, "update after rollout 1, epoch 2", "", 0),  # of the critic
    (ppo, PPO, "rollout 2, step 3", "", 1),
    (ppo, PPO, "validation, instance 2", "rollout 2, step 5", 1),
    (ppo, PPO, "episode of the expert", "rollout 3, step 1", 2),
    (ppo, PPO, "update after rollout 3, epoch 1", "", 2),
]

CHILD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background process ignores it
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


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[Main, Path]:
    """Return the paths of one complete run of each training."""
    folder = tmp_path_factory.mktemp("whole")
    clone_file(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for main, options, name in ((bc, BC, "bc"), (ppo, PPO, "ppo")):
            assert main([*options, "--run", name, "--out", f"{name}.out"]) == 0
    return {bc: folder / "bc", ppo: folder / "ppo"}


def interrupting(monkeypatch: pytest.MonkeyPatch, text: str, after: str = "", signals: int = 1) -> None:
    """Send SIGINT to this process where a report begins with a text for the first time after another one."""
    report, waited, sent = Progress.report, [after] if after else [], []

    def reported(self: Progress, kind: str, pieces: float, said: str) -> None:
        if waited and said.startswith(waited[0]):
            waited.clear()
        elif not waited and said.startswith(text) and not sent:
            sent.append(said)
            for _ in range(signals):
                os.kill(os.getpid(), signal.SIGINT)
        report(self, kind, pieces, said)

    monkeypatch.setattr(Progress, "report", reported)


def steps_in(name: str) -> int:
    """Return the number of complete steps in a run's curves."""
    return len([row for row in read_curves(Path(name, "curves.jsonl")) if row["step"]])


def resumed(main: Main, said: str) -> int:
    """Call the command that an interrupted run has printed; return the exit code."""
    command = shlex.split(said.partition("resume with: ")[2].splitlines()[0])
    return main([*command[3:], "--device", "cpu"])


def assert_equal_runs(one: Path, other: Path) -> None:
    """Assert equal curves, arrays and weights of two runs, to the last bit."""
    rows = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in read_curves(run / "curves.jsonl")]
        for run in (one, other)
    ]
    assert rows[0] == rows[1]
    (first, _), (second, _) = (load_archive(run) for run in (one, other))
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    weights = [run.with_name(f"{run.name}.out.safetensors").read_bytes() for run in (one, other)]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(("main", "options", "text", "after", "steps"), PLACES)
def test_an_interrupted_step_is_repeated(
    main: Main,
    options: list[str],
    text: str,
    after: str,
    steps: int,
    whole: dict[Main, Path],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The archive is that of the last complete step; the printed command continues it; nothing differs at the end."""
    with monkeypatch.context() as patch:
        interrupting(patch, text, after)
        assert main([*options, "--run", "cut", "--out", "cut.out"]) == 0
    said = capfd.readouterr()
    assert "Ctrl-C: the last complete step is saved" in said.err
    assert "Ctrl-C" in said.out
    assert steps_in("cut") == steps
    assert resumed(main, said.out) == 0
    assert_equal_runs(Path("cut").resolve(), whole[main])


def test_a_row_without_its_archive_is_not_doubled(
    whole: dict[Main, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A kill between PPO's row of the initial policy and its archive leaves a row that the resumed run repeats."""
    with monkeypatch.context() as patch:
        interrupting(patch, "validation")
        assert ppo([*PPO, "--run", "cut", "--out", "cut.out"]) == 0
    first = (whole[ppo] / "curves.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)[0]
    assert not read_curves(Path("cut", "curves.jsonl"))
    Path("cut", "curves.jsonl").write_text(first, encoding="utf-8")
    assert resumed(ppo, capfd.readouterr().out) == 0
    assert_equal_runs(Path("cut").resolve(), whole[ppo])


@pytest.mark.parametrize(("main", "options", "text", "after", "steps"), PLACES)
def test_a_second_ctrl_c_saves_the_same(
    main: Main,
    options: list[str],
    text: str,
    after: str,
    steps: int,
    whole: dict[Main, Path],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Two signals end the run at once, with code 130; the last complete step is saved and continued to the same end."""
    with monkeypatch.context() as patch:
        interrupting(patch, text, after, signals=2)
        assert main([*options, "--run", "cut", "--out", "cut.out"]) == 130
    said = capfd.readouterr().err
    unit = "epoch" if main is bc else "rollout"
    assert f"{unit} {steps} is saved; resume with: lagrl train" in said
    assert resumed(main, said) == 0
    assert_equal_runs(Path("cut").resolve(), whole[main])


@pytest.mark.parametrize(
    ("main", "options", "places"),
    [
        (bc, BC, [("round 1, ", ""), ("validation, instance 1", "epoch 2, "), ("round 2, ", ""), ("epoch 4, ", "")]),
        (ppo, PPO, [("validation, instance 2", ""), ("update after rollout 2", ""), ("rollout 4, step 2", "")]),
    ],
)
def test_a_run_can_be_interrupted_again_and_again(
    main: Main,
    options: list[str],
    places: list[tuple[str, str]],
    whole: dict[Main, Path],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A resumed run is interrupted as a new one is, by one signal or two, and ends the same."""
    arguments = [*options, "--run", "cut", "--out", "cut.out"]
    for number, (text, after) in enumerate(places):
        with monkeypatch.context() as patch:
            interrupting(patch, text, after, signals=1 + number % 2)
            assert main(arguments) == (130 if number % 2 else 0)
        capfd.readouterr()
        arguments = ["--resume", "cut", "--out", "cut.out", "--device", "cpu"]
    assert main(arguments) == 0
    assert_equal_runs(Path("cut").resolve(), whole[main])


def test_before_its_first_state_nothing_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the expert's episodes before PPO's first archive ends with code 130."""
    with monkeypatch.context() as patch:
        interrupting(patch, "episode of the expert")
        assert ppo([*PPO, "--run", "cut", "--out", "cut.out"]) == 130
    assert not Path("cut/archive.json").exists()


@pytest.mark.parametrize(("main", "options"), [(bc, BC), (ppo, PPO)])
def test_a_second_ctrl_c_while_the_result_is_written(
    main: Main, options: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The checkpoint is written to its end, then the command to continue is printed, and the code is 130."""
    from train import run

    save, sent = run.save_checkpoint, []

    def saved(*arguments: object) -> None:
        if steps_in("cut") == 1 and not sent:  # after the first signal: the last act of the run
            sent.append(1)
            os.kill(os.getpid(), signal.SIGINT)
        save(*arguments)

    with monkeypatch.context() as patch:
        interrupting(patch, "epoch 2, " if main is bc else "rollout 2, step 1")
        patch.setattr(run, "save_checkpoint", saved)
        assert main([*options, "--run", "cut", "--out", "cut.out"]) == 130
    assert sent
    assert "1 is saved; resume with: lagrl train" in capfd.readouterr().err
    assert Path("cut.out.safetensors").exists()


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
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": root},
    )


def acknowledged(process: subprocess.Popen[str]) -> float:
    """Send SIGINT to a process that has printed `reached`; return the seconds to its line about it."""
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "reached\n"
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    while "Ctrl-C: the last complete step is saved" not in (line := process.stderr.readline()):
        assert line
    return time.monotonic() - sent


@pytest.mark.parametrize(
    ("name", "options", "text", "steps"),
    [("bc", BC, "epoch 2", [1]), ("bc", BC, "round 2, ", [1, 2]), ("ppo", PPO, "rollout 2", [0, 1])],
)
def test_ctrl_c_is_acknowledged_and_ends_within_seconds(
    name: str, options: list[str], text: str, steps: list[int]
) -> None:
    """A signal within an epoch, a collection or a rollout is answered at once; the process ends with code 0."""
    process = started(f"train.{name}", text, 0.3, [*options, "--run", "cut", "--out", "cut.out"])
    try:
        seconds = acknowledged(process)
        begun = time.monotonic()
        said, error = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, error
    assert seconds < 3
    assert time.monotonic() - begun < 5
    assert f"lagrl train {name} --resume cut" in said
    assert [row["step"] for row in read_curves(Path("cut/curves.jsonl"))] == steps


@pytest.mark.parametrize(
    ("main", "options", "text", "message"),
    [
        (bc, BC, "round 2, ", "epoch 2 is saved; resume with: lagrl train bc --resume cut --out cut.out"),
        (ppo, PPO, "rollout 2", "rollout 1 is saved; resume with: lagrl train ppo --resume cut --out cut.out"),
    ],
)
def test_a_second_ctrl_c_ends_a_step_that_does_not_return(
    main: Main, options: list[str], text: str, message: str, whole: dict[Main, Path]
) -> None:
    """The second signal writes the last complete step and ends with code 130; resumed, the run ends the same."""
    name = "bc" if main is bc else "ppo"
    process = started(f"train.{name}", text, 60, [*options, "--run", "cut", "--out", "cut.out"])
    try:
        acknowledged(process)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert message in error
    assert main(["--resume", "cut", "--out", "cut.out", "--device", "cpu"]) == 0
    assert_equal_runs(Path("cut").resolve(), whole[main])
