"""Kernels can be compiled where nothing but the temporary folder can be written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from numba import config

from lagrl import signatures


@pytest.mark.parametrize("is_ours", [True, False])
def test_the_cache_moves_to_a_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_ours: bool) -> None:
    """With package and home read-only; a folder that others could write is not used."""
    monkeypatch.setattr(signatures, "_is_writable", lambda folder: False)
    monkeypatch.setattr(signatures.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(config, "CACHE_DIR", "")
    usual = tmp_path / f"lagrl-kernels-{os.getuid()}"
    if not is_ours:
        usual.mkdir()
        usual.chmod(0o777)
    signatures._give_numba_a_cache()
    folder = Path(config.CACHE_DIR)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder == usual) == is_ours


def test_a_writable_place_is_left_to_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is changed where numba can cache by itself, or was told where to."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setattr(signatures, "_is_writable", lambda folder: True)
    signatures._give_numba_a_cache()
    assert config.CACHE_DIR == ""
