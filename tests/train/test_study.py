"""The study of route policies over seeds and variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch")

from lagrl.bounds.route_checkpoint import load_route_policy
from train.study import main
from train.study.command import VARIANTS, StudyOptions, checkpoint, trained, training_ascent

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


def test_each_training_has_a_picture_of_its_own(tmp_path: Path) -> None:
    """In its own folder, on this machine and on a node, also if the training is continued from its archive."""
    pytest.importorskip("matplotlib")
    options = f"--options={TINY} --plot curves.svg"
    assert main(["--seeds", "1", "--variants", "steps", "--folder", str(tmp_path), options]) == 0
    assert list(tmp_path.rglob("*.svg")) == list(tmp_path.glob("runs/*/*.svg"))
    assert {path.parent.name for path in tmp_path.rglob("*.svg")} == {"full-0", "steps-0"}

    training = training_ascent(StudyOptions(options=f"{TINY} --plot=curves.svg"), "steps-alone", 0)
    sent: dict[str, bytes] = {}
    for is_continued in (False, True):
        for path, content in sent.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_bytes(content)
        words = training.words(tmp_path)
        assert ("--resume" in words) == is_continued
        files = trained(training, words, sent)
        assert files["runs/steps-alone-0/curves.svg"].startswith(b"<?xml")
        sent = {path: content for path, content in files.items() if not path.endswith(".svg")}


@pytest.mark.parametrize("picture", ["pictures/curves.svg", "/curves.svg", "--updates", "", "."])
def test_a_picture_without_a_plain_name_is_refused(
    picture: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All trainings would draw in one file; nothing is made."""
    assert main(["--folder", str(tmp_path / "study"), f"--options={TINY} --plot {picture}"]) == 2
    assert "--options: --plot" in (message := capsys.readouterr().err)
    assert "give a name without a folder, as in --plot curves.svg" in message
    assert not (tmp_path / "study").exists()


def test_events_that_stay_on_a_node_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a cluster, TensorBoard's files of a training would be lost with the node's folder."""
    words = ["--ray", "local", "--folder", str(tmp_path / "study"), f"--options={TINY} --tensorboard=events"]
    assert main(words) == 2
    assert "--options: --tensorboard=events given with --ray" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_an_unknown_variant_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message has the name and the known ones; no folder is made."""
    assert main(["--variants", "fast", "--folder", str(tmp_path / "study")]) == 2
    message = capsys.readouterr().err
    assert "fast" in message
    assert next(iter(VARIANTS)) in message
    assert not (tmp_path / "study").exists()
