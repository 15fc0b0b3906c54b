"""One writer to a file at a time."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from pathlib import Path

from lagrl.errors import OutputError

if sys.platform != "win32":
    import fcntl


def lock_exclusively(descriptor: int, path: Path) -> None:
    """Take the advisory lock of an open file; the system gives it back when the file is closed or the process dies.

    Platforms without such locks get none, file systems that refuse them a warning.

    Parameters
    ----------
    descriptor
        Of the open file.
    path
        Its name, for messages.

    Raises
    ------
    OutputError
        If someone else holds the lock; the message says who, where the system tells.
    """
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(f"{path}: {_holder(descriptor)}, or choose another file") from error
    except OSError as error:
        warnings.warn(
            f"{path}: cannot be locked ({error.strerror}); make sure that nobody else writes to it", stacklevel=3
        )


def unlock(descriptor: int) -> None:
    """Give the lock back even if a forked process still has the file open."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _holder(descriptor: int) -> str:
    inode = str(os.fstat(descriptor).st_ino)
    try:
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        lines = []
    # 1: FLOCK  ADVISORY  WRITE 4711 fe:00:271 0 EOF
    owners = [f[4] for f in map(str.split, lines) if len(f) >= 6 and f[1] == "FLOCK" and f[5].split(":")[-1] == inode]
    if str(os.getpid()) in owners:
        return "this process is already writing to it; close the first store"
    if owners:
        return f"process {owners[0]} is writing to it; wait for that process or stop it"
    return "another lagrl process is writing to it; wait for it or stop it"
