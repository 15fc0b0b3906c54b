"""Checkpoints are written completely or not at all, with a complete card."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoints import some_card, some_checkpoint, some_net
from envs.action import ActionConfig
from lagrl.errors import InputError, OutputError
from policies.card import checked_card, hardware
from policies.checkpoint import load_checkpoint, save_checkpoint


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a good checkpoint."""
    return some_checkpoint(tmp_path)


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """The same weights and card give the same files."""
    net, card = some_net(), some_card()
    for name in ("a", "b"):
        save_checkpoint(tmp_path / name, net, ActionConfig(), card)
    for suffix in (".json", ".safetensors"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "magic"}, "card.kind: 'magic'"),
        ({"created": "yesterday"}, "card.created: 'yesterday'"),
        ({"seeds": 1}, "card: unknown seeds"),
        ({"training": {}}, "card.training: lacks hardware"),
        ({"results": [{"figures": {}}]}, r"card.results\[0\]: lacks command, measured"),
        ({"selection": {"ratio": float("nan")}}, "card: is not plain JSON"),
    ],
)
def test_incomplete_card(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """An incomplete or wrong card is an error before any file is written."""
    with pytest.raises(InputError, match=message):
        save_checkpoint(tmp_path / "a", some_net(), ActionConfig(), some_card(**changes))
    assert not list(tmp_path.iterdir())


def test_card_says_where_it_comes_from() -> None:
    """Time, versions and hardware are there, and no host is named."""
    card = checked_card(some_card())
    assert card["created"].endswith("+00:00")
    assert "torch" in card["versions"]
    assert os.uname().nodename not in hardware()


def test_diverged_weights_are_not_saved(path: Path) -> None:
    """NaN weights are an error that leaves the older checkpoint unchanged."""
    before = path.with_suffix(".safetensors").read_bytes()
    net = some_net()
    with torch.no_grad():
        net.head.bias.fill_(float("nan"))
    with pytest.raises(InputError, match=r"head\.bias: holds a weight that is not finite"):
        save_checkpoint(path, net, ActionConfig(), some_card())
    assert path.with_suffix(".safetensors").read_bytes() == before


@pytest.mark.parametrize("failing", [1, 2])
def test_full_disk_leaves_the_older_one(path: Path, failing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """If either file does not fit, both stay unchanged, and no partial file is left."""
    calls = iter(range(1, 9))
    sync = os.fsync

    def full(descriptor: int) -> None:
        if next(calls) == failing:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        save_checkpoint(path, some_net(5), ActionConfig(), some_card())
    monkeypatch.undo()
    assert torch.equal(load_checkpoint(path).net.head.weight, some_net(0).head.weight)
    assert sorted(file.name for file in path.parent.iterdir()) == ["tiny.json", "tiny.safetensors"]


def test_missing_folder(tmp_path: Path) -> None:
    """A missing folder is an error that names it."""
    with pytest.raises(OutputError, match=r"a\.json: cannot be written \(No such file or directory\)"):
        save_checkpoint(tmp_path / "no" / "a", some_net(), ActionConfig(), some_card())


def test_reading_while_it_is_overwritten(path: Path) -> None:
    """A reader during writes gets one complete write or another, never a mixture and never an error."""
    stop = threading.Event()
    failures: list[Exception] = []

    def read() -> None:
        while not stop.is_set():
            try:
                load_checkpoint(path)
            except InputError as error:
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    nets = [some_net(seed) for seed in (1, 2)]
    for turn in range(12):
        save_checkpoint(path, nets[turn % 2], ActionConfig(), some_card())
    stop.set()
    reader.join()
    assert not failures


def test_killed_at_any_moment_leaves_a_good_checkpoint(tmp_path: Path) -> None:
    """A writer that dies before the first rename leaves the older checkpoint unchanged."""
    path = some_checkpoint(tmp_path)
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[2]); from checkpoints import *\n"
        "from pathlib import Path\nimport policies.checkpoint as c\nwrite = c._write\n"
        "def die(path, content):\n    write(path, content)\n    os._exit(9)\nc._write = die\n"
        "some_checkpoint(Path(sys.argv[1]), seed=7)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)], check=False)
    assert done.returncode == 9
    assert torch.equal(load_checkpoint(path).net.head.weight, some_net(0).head.weight)
