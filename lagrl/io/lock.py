"""Advisory locks on open files, which the system releases when the file is closed or its process ends."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from pathlib import Path

from lagrl.errors import OutputError

if sys.platform != "win32":
    import fcntl


def lock(descriptor: int, path: Path, *, wait: bool) -> None:
    """Lock an open file for this writer alone.

    Windows has no such locks. A file system that refuses them causes a warning.

    Parameters
    ----------
    descriptor
        Descriptor of the open file.
    path
        Its name, for messages.
    wait
        Whether to wait while another process holds the lock.

    Raises
    ------
    OutputError
        If another writer holds the lock and `wait` is false; the message names the process if the system reports it.
    """
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as error:
        raise OutputError(f"{path}: {_holder(descriptor)}, or choose another file") from error
    except OSError as error:
        warnings.warn(f"{path}: cannot be locked ({error.strerror}); use one process at a time", stacklevel=5)


def unlock(descriptor: int) -> None:
    """Release the lock, even if a forked process still has the file open."""
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
