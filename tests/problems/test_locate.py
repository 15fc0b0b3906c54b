"""Finding instances on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lagrl.errors import InputError, UnknownNameError
from lagrl.problems.locate import data_folder, find_instance, set_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("name", "family"), [("X-n101-k25", "X"), ("CMT1", "CMT"), ("Golden_1", "Golden")])
def test_the_set_is_what_the_name_begins_with(name: str, family: str) -> None:
    """CVRPLIB's names start with their set."""
    assert set_of(name) == family


@pytest.mark.parametrize("name", ["", "../X-n1", "X/Y", "X\\Y", "X.vrp", "7", "X\n", "X" * 200])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    """A path, an extension or a control character never reaches the file system."""
    with pytest.raises(UnknownNameError, match="is not an instance name"):
        find_instance(name, tmp_path)


def test_the_option_comes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--data wins over LAGRL_DATA."""
    (tmp_path / "a").mkdir()
    monkeypatch.setenv("LAGRL_DATA", str(tmp_path))
    assert data_folder(tmp_path / "a") == tmp_path / "a"
    assert data_folder() == tmp_path


@pytest.mark.parametrize("value", [None, "", "no-such-folder"])
def test_a_missing_folder_names_both_remedies(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the option and the environment variable."""
    monkeypatch.delenv("LAGRL_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("LAGRL_DATA", value)
    with pytest.raises(InputError, match=r"LAGRL_DATA: .*--data DIR or set LAGRL_DATA=DIR"):
        data_folder()


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    """--data with a file names the option and the value."""
    (tmp_path / "f").touch()
    with pytest.raises(InputError, match=r"--data: .*f' is not a folder"):
        data_folder(tmp_path / "f")


def test_instances_lie_in_the_folder_or_in_their_set(tmp_path: Path) -> None:
    """The folder itself comes first, then the set inside."""
    (tmp_path / "X").mkdir()
    (tmp_path / "X" / "X-n5-k2.vrp").touch()
    assert find_instance("X-n5-k2", tmp_path) == tmp_path / "X" / "X-n5-k2.vrp"
    (tmp_path / "X-n5-k2.vrp").touch()
    assert find_instance("X-n5-k2", tmp_path) == tmp_path / "X-n5-k2.vrp"


def test_an_unknown_instance_gets_a_guess(tmp_path: Path) -> None:
    """A near miss is named, with the folder that was searched."""
    (tmp_path / "X-n101-k25.vrp").touch()
    with pytest.raises(UnknownNameError, match="did you mean 'X-n101-k25'") as caught:
        find_instance("X-n101-k26", tmp_path)
    assert str(tmp_path) in str(caught.value)
