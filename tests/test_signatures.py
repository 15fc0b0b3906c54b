"""Kernels call others by their address, and can be compiled where only the temporary folder can be written."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from numba import config

from lagrl import signatures
from lagrl.signatures import inner_kernel, int64, kernel

_FILE = """
from lagrl.signatures import int64, kernel

@kernel(int64(int64, int64))
def quotient(a, b):
    return a // b

@kernel(int64(int64, int64))
def caller(a, b):
    return 10 * quotient(a, b)
"""


def test_a_kernel_is_called_by_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code is not in the kernel that calls it; that of an inner kernel is, inlined or not."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))  # numba shows no code that was loaded

    @kernel(int64(int64))
    def square(a: int) -> int:
        return a * a

    @inner_kernel(int64(int64))
    def cube(a: int) -> int:
        return a * a * a

    @kernel(int64(int64))
    def both(a: int) -> int:
        return square(a) + cube(a)

    assert both(3) == 36
    (code,) = both.inspect_llvm().values()
    lines = [line for line in code.splitlines() if "square" in line]
    assert any(line.startswith("declare") for line in lines)
    assert not any(line.startswith("define") for line in lines)
    assert "cube" not in "".join(line for line in code.splitlines() if line.startswith("declare"))


def test_called_kernels_are_loaded_from_the_cache_and_raise(tmp_path: Path) -> None:
    """A second process compiles nothing; the called kernel's result and its exception reach Python in both."""
    (tmp_path / "two.py").write_text(_FILE, "utf-8")
    check = (
        "import two; print(two.caller(7, 2), sum(two.caller.stats.cache_hits.values()))\n"
        "try: two.caller(1, 0)\n"
        "except ZeroDivisionError as error: print(error)"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(signatures.__file__).parents[1])])
    environment = {**os.environ, "PYTHONPATH": path, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for hits in (0, 1):
        run = subprocess.run([sys.executable, "-c", check], env=environment, capture_output=True, text=True, check=True)
        assert run.stdout.splitlines() == [f"30 {hits}", "integer division by zero"], run.stderr


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
