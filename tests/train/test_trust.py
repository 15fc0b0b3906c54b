"""Files choose built-in rules only, and not where to write; the user gives everything else on the command line."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ppo_runs import TINY_OPTIONS, clone
from test_bc import TINY

from envs.config import EnvConfig
from lagrl.controllers.registry import CONTROLLERS
from lagrl.errors import InputError
from policies.checkpoint import save_checkpoint
from train.archive import load_archive, save_archive
from train.bc import main as bc
from train.bc.config import BCConfig
from train.experts import is_built_in
from train.ppo import main as ppo
from train.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable

MODULE = """
from pathlib import Path
from lagrl.controllers.held_wolfe_crowder import HeldWolfeCrowder
from lagrl.relaxation.sampler import ExactSampler
Path("imported").touch()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a module of the user's that notes its import."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("mine", None)
    return tmp_path


def _error(capsys: pytest.CaptureFixture[str], main: Callable[[list[str]], int], *arguments: str) -> str:
    """Run a command that must be refused; return the last line of its message."""
    capsys.readouterr()
    assert main(list(arguments)) == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def _edit(folder: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the record of an archive, with its checksum."""
    arrays, record = load_archive(Path(folder))
    change(record)
    save_archive(Path(folder), arrays, record)


def test_a_card_chooses_no_code(capsys: pytest.CaptureFixture[str]) -> None:
    """The expert of an initial checkpoint is not imported; given on the command line, it is."""
    checkpoint = clone()
    card = checkpoint.card | {"config": {"expert": "mine:HeldWolfeCrowder"}}
    save_checkpoint("tiny", checkpoint.net, checkpoint.action, card)
    arguments = [*TINY_OPTIONS, "--rollouts", "1", "--no-baseline", "--init", "tiny", "--run", "runs/a"]
    line = _error(capsys, ppo, *arguments)
    assert "'mine:HeldWolfeCrowder' is not built in" in line
    assert line.endswith("--expert mine:HeldWolfeCrowder")
    assert not Path("imported").exists()
    assert not Path("runs").exists()
    assert ppo([*arguments, "--expert", "mine:HeldWolfeCrowder"]) == 0
    assert Path("imported").exists()


@pytest.mark.parametrize(
    ("main", "field", "option", "name"),
    [
        (bc, "expert", "--expert", "mine:HeldWolfeCrowder"),
        (bc, "sampler", "--env.sampler", "mine:ExactSampler"),
        (bc, "route_sampler", "--env.route-sampler", "mine:ExactSampler"),
        (ppo, "expert", "--expert", "mine:HeldWolfeCrowder"),
    ],
)
def test_an_archive_chooses_no_code(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    main: Callable[[list[str]], int],
    field: str,
    option: str,
    name: str,
) -> None:
    """No rule of the user's in an archive is imported; the error says which option gives it again."""
    monkeypatch.setattr(Stop, "reason", "enough")  # the first archive is the last
    start = [*TINY] if main is bc else [*TINY_OPTIONS, "--init", "none", "--expert", "hwc", "--no-baseline"]
    assert main([*start, "--run", "runs/a"]) == 0

    def choose(record: dict[str, Any]) -> None:
        config = record["run"]["config"]
        (config if field == "expert" else config["env"])[field] = name

    _edit("runs/a", choose)
    line = _error(capsys, main, "--resume", "runs/a")
    assert f"{name!r} is not built in, and a file may not choose it" in line
    assert line.endswith(f"{option} {name}")
    assert not Path("imported").exists()
    assert f"'other:X' given, the file has {name!r}" in _error(capsys, main, "--resume", "runs/a", option, "other:X")
    assert not Path("imported").exists()
    assert main(["--resume", "runs/a", option, name]) == 0
    assert f"--resume runs/a {option} {name}" in capsys.readouterr().out
    assert Path("imported").exists()


def test_an_archive_does_not_choose_where_to_write(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resumed run writes to the default place of its folder or to --out."""
    monkeypatch.setattr(Stop, "reason", "enough")
    assert bc([*TINY, "--run", "runs/a"]) == 0
    assert Path("checkpoints/a.json").exists()
    _edit("runs/a", lambda record: record.update(out="../elsewhere/x"))
    line = _error(capsys, bc, "--resume", "runs/a")
    assert "out: wrote its checkpoint to '../elsewhere/x'" in line
    assert line.endswith("--out ../elsewhere/x")
    assert not Path("../elsewhere").exists()
    Path("checkpoints/a.json").unlink()
    assert bc(["--resume", "runs/a", "--out", "checkpoints/b"]) == 0
    assert "--resume runs/a --out checkpoints/b" in capsys.readouterr().out
    assert Path("checkpoints/b.json").exists()
    assert not Path("checkpoints/a.json").exists()


@pytest.mark.parametrize("name", ["mine:ExactSampler", "replay:x", "bandit:x", "ibm:ibm_x", "bandit"])
def test_a_saved_environment_chooses_built_in_samplers_only(name: str) -> None:
    """A sampler with code, a file or an account of the user's is refused from a record, and allowed as an argument."""
    config = EnvConfig().changed({"sampler": name})
    assert config.sampler == name
    with pytest.raises(InputError, match=r"sampler: .* is not built in"):
        EnvConfig.from_json(config.to_json())
    plain = replace(EnvConfig(), route_sampler="noisy:FakeKingston+shots=1", sampler="qaoa+width=6")
    assert EnvConfig.from_json(plain.to_json()) == plain


def test_built_in_experts_are_the_rules_of_lagrl() -> None:
    """Every classical rule and the target are built in; paths and installed plug-ins are not."""
    assert all(map(is_built_in, ["target", *CONTROLLERS]))
    assert not any(map(is_built_in, ["checkpoints/x", "./x", "mine:Rule", "installed", ""]))
    with pytest.raises(InputError, match="expert: 'checkpoints/x' is not built in"):
        BCConfig.from_json(json.loads(json.dumps(BCConfig(expert="checkpoints/x").to_json())))
