"""The study of route policies over seeds and variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch")

from lagrl.bounds.route_checkpoint import load_route_policy
from train.study import main
from train.study.command import VARIANTS, checkpoint

if TYPE_CHECKING:
    from pathlib import Path

TINY = (
    "--updates 2 --validate-every 2 --instances 2 --validation-instances 1 --validation-customers 8 10 "
    "--policy.hidden 8 --policy.heads 2 --policy.step-hidden 8"
)


def test_a_second_call_trains_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It lists the same figures; a variant without a start trains none."""
    words = ["--seeds", "1", "--variants", "steps-alone", "--folder", str(tmp_path), f"--options={TINY}"]
    assert main(words) == 0
    first = capfd.readouterr()
    assert first.err.count("$ python") == 1
    assert main(words) == 0
    second = capfd.readouterr()
    assert "$ python" not in second.err
    assert second.out == first.out
    assert second.out.startswith("steps-alone seed 0: 5: ")
    assert load_route_policy(tmp_path / checkpoint("steps-alone", 0)).policy.hidden == 8
    assert not (tmp_path / f"{checkpoint('full', 0)}.safetensors").exists()


@pytest.mark.parametrize("option", ["--plot curves.svg", "--tensorboard=events"])
def test_options_whose_files_stay_on_a_node_are_refused(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a cluster, a picture or events of a training would be lost with the node's folder."""
    assert main(["--ray", "local", "--folder", str(tmp_path / "study"), f"--options={TINY} {option}"]) == 2
    word = option.split()[0]
    assert f"--options: {word} given with --ray" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_an_unknown_variant_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message has the name and the known ones; no folder is made."""
    assert main(["--variants", "fast", "--folder", str(tmp_path / "study")]) == 2
    message = capsys.readouterr().err
    assert "fast" in message
    assert next(iter(VARIANTS)) in message
    assert not (tmp_path / "study").exists()
