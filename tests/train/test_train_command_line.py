"""The command line that both trainers share, and `lagrl train`."""

from __future__ import annotations

import builtins
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lagrl.cli.entry import main as lagrl
from lagrl.cli.train import installed_command
from lagrl.errors import InputError, UnknownNameError
from train.command_line import RunOptions, entry, parse, run_folder
from train.given_again import GivenAgain, SamplersAgain


@dataclass(frozen=True)
class Inner:
    size: int = 1


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    inner: Inner = field(default_factory=Inner)

    @classmethod
    def preset(cls, name: str) -> Settings:
        return cls(inner=Inner(10 if name == "reference" else 1))


def read(*words: str) -> tuple[Settings | GivenAgain, RunOptions]:
    return parse("prog", "About.", Settings, RunOptions, words)


def test_presets_come_first_and_are_overridden() -> None:
    """Wherever --preset stands, the other options change it."""
    assert read()[0] == Settings()
    assert read("--seed", "3", "--preset", "reference")[0] == Settings(3, Inner(10))
    config, options = read("--preset=reference", "--inner.size", "4", "--minutes", "2.5", "--out", "checkpoints/x")
    assert config == Settings(0, Inner(4))
    assert options == RunOptions(preset="reference", minutes=2.5, out=Path("checkpoints/x"))


def test_resume_takes_no_settings() -> None:
    """The archive has the hyper-parameters; the user's own rules and the other options can be given."""
    config, options = read("--resume", "runs/x", "--minutes", "3", "--expert", "mine:Rule", "--env.sampler", "mine:S")
    assert config == GivenAgain("mine:Rule", SamplersAgain("mine:S"))
    assert options.resume == Path("runs/x")
    assert options.minutes == 3.0
    with pytest.raises(InputError, match="that of the run"):
        read("--resume", "runs/x", "--seed", "1")


@pytest.mark.parametrize("words", [["--seed", "x"], ["--preset", "huge"], ["--sede", "1"], ["--device", "tpu"]])
def test_what_cannot_be_read_is_one_error(words: list[str]) -> None:
    """An error of tyro becomes a typed error of one line that names the help."""
    with pytest.raises(InputError, match="--help") as caught:
        read(*words)
    assert "│" not in str(caught.value)


def test_runs_are_named_after_their_checkpoint(tmp_path: Path) -> None:
    """--run comes first, then the name of --out, then the default; a folder with a run is an error."""
    assert run_folder(RunOptions(), "bc-0") == Path("runs/bc-0")
    assert run_folder(RunOptions(out=Path("checkpoints/mine")), "bc-0") == Path("runs/mine")
    assert run_folder(RunOptions(run=tmp_path), "bc-0") == tmp_path
    (tmp_path / "archive.json").write_text("{}")
    with pytest.raises(InputError, match=f"--resume {tmp_path}"):
        run_folder(RunOptions(run=tmp_path), "bc-0")


def test_a_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without torch the error is one line with the package to install, and exit code 2."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "train.bc.command", raising=False)
    monkeypatch.delitem(sys.modules, "train.bc.run", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    assert entry("prog", "train.bc.command", []) == 2
    assert (
        capsys.readouterr().err
        == "prog: error: training needs torch, which is not installed; in the folder of lagrl's source: "
        "pip install -c constraints.txt '.[rl]'\n"
    )


def test_lagrl_train_is_the_same_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`lagrl train bc …` passes its arguments to the installed command."""
    heard: list[list[str]] = []
    monkeypatch.setattr("train.bc.main", lambda argv: heard.append(argv) or 7)
    assert lagrl(["train", "bc", "--seed", "1"]) == 7
    assert heard == [["--seed", "1"]]


def test_lagrl_train_helps(capsys: pytest.CaptureFixture[str]) -> None:
    """The help lists the training methods."""
    for words in (["--help"], ["train", "--help"]):
        with pytest.raises(SystemExit):
            lagrl(words)
    said = " ".join(capsys.readouterr().out.split())
    assert "train bc" in said
    assert "train ppo" in said


def test_lagrl_train_of_what_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown method is one line that names the known ones."""
    assert lagrl(["train", "dqn"]) == 2
    assert "train bc, train ppo" in capsys.readouterr().err
    with pytest.raises(UnknownNameError):
        installed_command("train-dqn")
