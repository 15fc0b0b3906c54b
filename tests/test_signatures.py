"""Kernels can be compiled where nothing but the temporary folder can be written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from numba import config

from lagrl import signatures


@pytest.mark.parametrize("taken", ["not", "by a folder others can write", "by a file"])
def test_the_cache_moves_to_a_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: str) -> None:
    """With package and home read-only; a folder that others could write is not used."""
    monkeypatch.setattr(signatures, "_is_writable", lambda folder: False)
    monkeypatch.setattr(signatures.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(config, "CACHE_DIR", "")
    usual = tmp_path / f"lagrl-kernels-{os.getuid()}"
    if taken == "by a file":
        usual.write_text("x")
    elif taken != "not":
        usual.mkdir()
        usual.chmod(0o777)
    signatures._give_numba_a_cache()
    folder = Path(config.CACHE_DIR)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder == usual) == (taken == "not")


def test_no_home_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers may run as a user without one."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(signatures.Path, "home", homeless)
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setattr(signatures.tempfile, "gettempdir", lambda: str(tmp_path))
    signatures._give_numba_a_cache()
    assert not signatures._is_writable(signatures._home())


def test_a_writable_place_is_left_to_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is changed where numba can cache by itself, or has a configured folder."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setattr(signatures, "_is_writable", lambda folder: True)
    signatures._give_numba_a_cache()
    assert config.CACHE_DIR == ""
