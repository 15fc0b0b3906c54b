"""Origin of a number: versions, the revision of the code, the configuration."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import lagrl
from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEPENDENCIES = ("numpy", "numba", "llvmlite", "highspy", "pyvrp", "vrplib")
_CODE = ("lagrl", "envs", "policies", "train", "pyproject.toml")  # what is installed of a checkout
_CHECKOUT = Path(lagrl.__file__).resolve().parent.parent


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of lagrl, Python and the packages that numbers depend on, without importing them.

    Parameters
    ----------
    packages
        Distributions to add, such as `torch` for a trained controller.

    Returns
    -------
    Name to version; a package that is not installed is left out.
    """
    found = {"lagrl": lagrl.__version__, "python": platform.python_version()}
    for package in (*_DEPENDENCIES, *packages):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_revision(checkout: Path = _CHECKOUT) -> str | None:
    """Return the revision of lagrl's own checkout, with `-dirty` if its code differs from that; never fails.

    Only a changed tracked file of the installed packages makes it dirty; results, pictures and a user's files do not.

    Parameters
    ----------
    checkout
        The folder that holds `.git`. A folder inside another checkout, such as site-packages, has no revision.

    Returns
    -------
    12 hexadecimal digits (more if those are ambiguous); None without git or outside a checkout.
    """
    if not (checkout / ".git").exists():
        return None
    revision = _git(checkout, "rev-parse", "--short=12", "HEAD")
    changes = _git(checkout, "status", "--porcelain", "--untracked-files=no", "--", *_CODE)
    if not revision or changes is None:
        return None
    return f"{revision.strip()}-dirty" if changes.strip() else revision.strip()


def config_hash(config: Mapping[str, object]) -> str:
    """Return 12 hexadecimal digits that identify a configuration, whatever the order of its fields.

    Raises
    ------
    InputError
        If `config` is not plain JSON with finite numbers.
    """
    try:
        text = json.dumps(config, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"not plain JSON ({error})", source="configuration", remedy="give finite scalars") from error
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _git(checkout: Path, *arguments: str) -> str | None:
    # A surrounding hook exports GIT_DIR and the like, which would point elsewhere.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    environment["GIT_CEILING_DIRECTORIES"] = str(checkout.parent)  # a broken .git must not lead to one further up
    try:
        return subprocess.run(
            ["git", "-C", str(checkout), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=20,
            text=True,
            errors="replace",
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
