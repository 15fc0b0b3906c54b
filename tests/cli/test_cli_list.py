"""The command `lagrl list`: every name that an option accepts, with one line of explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lagrl.cli import entry as cli
from lagrl.controllers import registry as controllers
from lagrl.problems.bundled import bundled_names, bundled_path
from lagrl.problems.locate import DATA_VARIABLE
from lagrl.quantum.devices.fakes import known_fakes
from lagrl.relaxation.seeding import SEEDINGS
from lagrl.samplers import registry as samplers

if TYPE_CHECKING:
    from pathlib import Path


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    """Return the names that the command prints, and their explanations."""
    assert cli.main(["list", *arguments]) == 0
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines()}


def test_every_name_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Names are those of the registries, with at least three words on each."""
    found = listed(capsys, "controllers")
    assert set(controllers.CONTROLLERS) == set(found) - {"learned", "checkpoints/NAME", "module:attribute"}
    assert "Camerini" in found["cfm"] and "Held" in found["hwc"]
    names = [name.partition("[")[0].partition(":")[0] for name in listed(capsys, "samplers")]
    assert names == [*samplers.FAMILIES, "module"]
    assert list(listed(capsys, "seedings")) == list(SEEDINGS)
    for kind in ("controllers", "samplers", "seedings"):
        assert all(len(text.split()) >= 3 for text in listed(capsys, kind).values())


def test_instances_are_the_bundled_ones_and_those_of_a_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bundled instances come with their size, files of the folder with their path."""
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    found = listed(capsys, "instances")
    assert list(found) == list(bundled_names())
    assert found["G-n16-k3"].startswith("bundled: 15 customers, at least 3 vehicles, best known ")
    (tmp_path / "own.vrp").write_bytes(bundled_path("G-n16-k3").read_bytes())
    assert listed(capsys, "instances", "--data", str(tmp_path))["own"] == str(tmp_path / "own.vrp")
    assert cli.main(["list", "instances", "--data", str(tmp_path / "none")]) == 2
    assert "--data" in capsys.readouterr().err


def test_backends_are_the_usable_fakes(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line has the number of qubits."""
    pytest.importorskip("qiskit_ibm_runtime")
    found = listed(capsys, "backends")
    assert list(found) == known_fakes()
    assert found["FakeHanoi"].endswith("27 qubits")


@pytest.mark.parametrize("arguments", [["list"], ["list", "planets"]])
def test_an_unknown_kind_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """One line on stderr, exit code 2."""
    assert cli.main(arguments) == 2
    message = capsys.readouterr().err
    assert "controllers" in message and "backends" in message and message.count("\n") == 1
