"""Atomic replacement of files: a reader sees the old content or the new, never a part of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lagrl.errors import LagrlError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success make it durable and rename it to `path`.

    If the body raises, the temporary file is removed and `path` stays as it was.

    Raises
    ------
    OutputError
        If the folder does not exist or cannot be written.
    """
    target = _regular(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise unwritable(target, error) from error
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
        sync_folder(target.parent)
    except LagrlError:  # some are OSErrors too, with a message of their own
        raise
    except OSError as error:
        raise unwritable(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `path` atomically and durably, in UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def require_writable(path: str | os.PathLike[str]) -> None:
    """Raise an error before a long computation if `path` cannot be written.

    Raises
    ------
    OutputError
        If `path` is a folder, or its folder is missing or not writable.
    """
    target = _regular(path)
    if not target.parent.is_dir():
        raise OutputError(f"{target}: folder {target.parent} does not exist; create it first")
    existing = target if target.exists() else target.parent
    if not os.access(existing, os.W_OK):
        raise OutputError(f"{target}: no permission to write; choose another folder")


def unwritable(target: Path, error: OSError) -> OutputError:
    """Return the error that says why `target` cannot be written."""
    reason = error.strerror or str(error)
    return OutputError(f"{target}: cannot be written ({reason}); check the folder, its permissions and free space")


def _regular(path: str | os.PathLike[str]) -> Path:
    """Return the path that links lead to, which is replaced instead of the link; refuse folders, devices and pipes."""
    target = Path(os.path.realpath(path))
    if os.path.isdir(target):
        raise OutputError(f"{path}: is a folder; give the name of a file")
    if os.path.lexists(target) and not os.path.isfile(target):
        raise OutputError(f"{path}: is not a regular file; give the name of a file")
    return target


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable; does nothing on platforms without folder handles."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
