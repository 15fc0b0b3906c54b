"""Versions, revision and configuration hash."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

import lagrl
from lagrl.bench.provenance import config_hash, git_revision, versions
from lagrl.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a checkout with a committed file of the package and a picture beside it."""
    _git(tmp_path, "init", "--quiet")
    (tmp_path / "lagrl").mkdir()
    (tmp_path / "lagrl" / "code.py").write_text("x = 1\n")
    (tmp_path / "picture.png").write_text("old")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def test_versions_are_those_installed() -> None:
    """lagrl, Python and the numerical packages are there, as the installation states them; absent ones are not."""
    found = versions("pytest", "no-such-package-of-lagrl")
    assert found["lagrl"] == lagrl.__version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert all(found[name] == metadata.version(name) for name in ("numpy", "numba", "highspy", "pyvrp", "pytest"))
    assert "no-such-package-of-lagrl" not in found


def test_asking_for_versions_imports_nothing() -> None:
    """A report must start quickly: stating numba's version does not load it."""
    code = (
        "import sys; from lagrl.bench.provenance import versions; import lagrl.bench.report, lagrl.bench.rows; "
        "versions(); print([m for m in ('numba', 'highspy', 'scipy', 'torch', 'qiskit') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "[]"


@_needs_git
def test_revision_names_the_commit_and_whether_code_changed(checkout: Path) -> None:
    """What the documents let a user make (rows, a controller, a picture) leaves it clean; changed code does not."""
    head = _git(checkout, "rev-parse", "HEAD")[:12]
    for made in ("rows.jsonl", "momentum.py", "picture.png"):
        (checkout / made).write_text("new")
    assert git_revision(checkout) == head
    (checkout / "lagrl" / "code.py").write_text("x = 2\n")
    assert git_revision(checkout) == f"{head}-dirty"


@_needs_git
def test_revision_is_never_that_of_a_checkout_around(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed inside another project, or run from its git hook, lagrl does not report that project's revision."""
    inside = checkout / "site-packages"
    inside.mkdir()
    assert git_revision(inside) is None
    monkeypatch.setenv("GIT_DIR", str(inside))
    assert git_revision(checkout) is not None


@_needs_git
def test_revision_never_fails(tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken repository and a missing git program give None."""
    broken = tmp_path / "broken"
    (broken / ".git").mkdir(parents=True)
    assert git_revision(broken) is None
    monkeypatch.setenv("PATH", str(broken))
    assert git_revision(checkout) is None


def test_config_hash_ignores_order_and_sees_values() -> None:
    """The hash is that of canonical JSON: order does not matter at any depth, every value does."""
    config = {"controller": "polyak", "parameters": {"step": 0.5, "decay": 2}}
    same = {"parameters": {"decay": 2, "step": 0.5}, "controller": "polyak"}
    text = b'{"controller":"polyak","parameters":{"decay":2,"step":0.5}}'
    assert config_hash(config) == config_hash(same) == hashlib.sha256(text).hexdigest()[:12]
    assert config_hash(config | {"controller": "adam"}) != config_hash(config)


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}])
def test_config_hash_refuses_what_is_not_json(value: object) -> None:
    """A configuration that cannot be written beside the result has no hash."""
    with pytest.raises(InputError, match="not plain JSON"):
        config_hash({"step": value})
