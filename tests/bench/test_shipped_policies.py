"""The script that makes the shipped policies again."""

from __future__ import annotations

import gzip
import json
import shlex
from pathlib import Path

import pytest

from benchmarks.shipped_policies import run
from benchmarks.shipped_policies.run import Remake, checkpoint, is_trained, main, training
from lagrl.errors import InputError

ROOT = run.ROOT


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of commands that are called; they leave the files that real ones leave."""
    commands: list[str] = []

    def call(folder: Path, command: str) -> None:
        commands.append(command)
        words = command.split()
        out = next((words[i + 1] for i, word in enumerate(words) if word == "--out"), "")
        if words[1] == "train" and words[2] in ("bc", "ppo"):
            name = Path(out).name if out else Path(words[words.index("--resume") + 1]).name
            (folder / "runs" / name).mkdir(parents=True, exist_ok=True)
            (folder / "runs" / name / "curves.jsonl").write_text("{}\n")
            selection = {"epochs_done": 32, "not_used_for_choosing": {}}
            card = {"selection": selection, "config": {"rounds": 8, "epochs_per_round": 4}}
            (folder / "checkpoints" / f"{name}.json").write_text(json.dumps({"card": card}))
        elif out:
            (folder / out).write_text("{}\n")

    monkeypatch.setattr(run, "call", call)
    return commands


def test_everything_is_made_once(called: list[str], tmp_path: Path) -> None:
    """Each seed's clone comes before its policy; a second call trains nothing, and completes the rows only."""
    remake = Remake(data=tmp_path, folder=tmp_path / "shipped", jobs=1)
    assert main(remake) == 0
    trainings = [command for command in called if "train bc" in command or "train ppo" in command]
    assert trainings == [command for seed in run.SEEDS for command in training(seed)]
    assert sum(command.startswith("lagrl eval") for command in called) == 2
    assert sum("equal_seconds" in command for command in called) == 1
    called.clear()
    assert main(remake) == 0
    assert not any("train" in command.split()[:2] for command in called)


def test_an_unfinished_training_is_resumed(called: list[str], tmp_path: Path) -> None:
    """A run with an archive whose card lacks the last epoch, or the confirmation, is continued."""
    folder = tmp_path / "shipped"
    run.prepare(folder)
    for name in ("bc-small", "ppo-small"):
        (folder / "runs" / name).mkdir(parents=True)
        (folder / "runs" / name / "archive.json").write_text("{}")
        selection = {"epochs_done": 5}
        card = {"selection": selection, "config": {"rounds": 8, "epochs_per_round": 4}}
        (folder / "checkpoints" / f"{name}.json").write_text(json.dumps({"card": card}))
    assert not is_trained(folder, "bc", "bc-small")
    run.train(folder, 0)
    assert called == ["lagrl train bc --resume runs/bc-small", "lagrl train ppo --resume runs/ppo-small"]


def test_results_replace_the_repositorys_files(called: list[str], tmp_path: Path) -> None:
    """Checkpoints, curves, pictures and gzipped rows are copied, traces are not."""
    root, folder = tmp_path / "root", tmp_path / "shipped"
    for part in ("checkpoints", "docs/rows/training", "docs/pictures"):
        (root / part).mkdir(parents=True)
    assert main(Remake(data=tmp_path, folder=folder, jobs=1)) == 0
    run.install(folder, root)
    assert (root / "checkpoints" / "ppo-small-seed2.json").exists()
    assert (root / "docs/rows/training/bc-small.jsonl").exists()
    assert gzip.decompress((root / "docs/rows/learned.jsonl.gz").read_bytes()) == b"{}\n"
    assert not list((root / "docs/rows").glob("bandit*"))


def test_missing_instances_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the folder of instances nothing is started."""
    monkeypatch.delenv("LAGRL_DATA", raising=False)
    with pytest.raises(InputError, match="--data: None given"):
        main(Remake(folder=tmp_path / "shipped"))
    assert not (tmp_path / "shipped").exists()


def test_shipped_cards_have_these_commands() -> None:
    """The command in each shipped card is the script's, whatever the form of the program's name was."""
    for seed in run.SEEDS:
        for kind, command in zip(("bc", "ppo"), training(seed), strict=True):
            card = json.loads((ROOT / "checkpoints" / f"{checkpoint(kind, seed)}.json").read_text())["card"]
            assert shlex.split(card["command"])[3:] == shlex.split(command)[3:]
