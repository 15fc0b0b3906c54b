"""The folder of the files that are shipped with the package: trained checkpoints, and a bandit's state."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def shipped_folder() -> Path:
    """Return the folder: in the package `policies` if installed, `checkpoints` in a checkout."""
    installed = _ROOT / "policies" / "shipped"
    return installed if installed.is_dir() else _ROOT / "checkpoints"


def or_shipped(path: Path, suffix: str) -> Path:
    """Return the path if it exists, else that of a shipped file `NAME` or `checkpoints/NAME`, with or without suffix.

    If there is no such file either, the path is returned.
    """
    if path.exists() or path.parent not in (Path(), Path("checkpoints")):
        return path
    shipped = (shipped_folder() / name for name in (path.name, path.name + suffix))
    return next((file for file in shipped if file.is_file()), path)
