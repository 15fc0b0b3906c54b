"""Advisory locks on open files, which the system releases when the file is closed or its process ends."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from lagrl.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    import fcntl

LOCK_FILE = "run.lock"


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


@contextlib.contextmanager
def result_lock(result: Path, remedy: str) -> Iterator[None]:
    """Keep other processes from making the same result, a folder or a file, while the body runs.

    The lock is one on the file `run.lock` in the folder, or on FILE.lock, which holds the process and the machine. The
    system releases it when the process ends, however it ends; the file is removed at the end of the body.

    Parameters
    ----------
    result
        An existing folder, or a file in an existing folder.
    remedy
        What the user can do if another process has it, for the message.

    Raises
    ------
    OutputError
        If another process makes it, named with its machine if known, or the lock's file cannot be written.
    """
    path = result / LOCK_FILE if result.is_dir() else result.with_name(f"{result.name}.lock")
    try:
        descriptor = _locked(path, result, remedy)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); check the folder's permissions") from error
    try:
        with contextlib.suppress(OSError):  # only for the message of another process
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {platform.node()}".encode(), 0)
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # under the lock: a process that waits for this file sees that it is no longer the lock's
        unlock(descriptor)
        os.close(descriptor)


def _locked(path: Path, result: Path, remedy: str) -> int:
    """Open and lock a file; again, if another process has removed it in between."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        try:
            if sys.platform != "win32":
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        except BlockingIOError as error:
            pid, _, machine = os.pread(descriptor, 300, 0).decode(errors="replace").partition(" ")
            owner = f"process {pid} on {machine}" if pid.isdecimal() and machine.isprintable() else "another process"
            os.close(descriptor)
            raise OutputError(f"{result}: {owner} is working on it; {remedy}") from error
        except OSError as error:
            warnings.warn(f"{path}: cannot be locked ({error.strerror}); use one process at a time", stacklevel=5)
            return descriptor
        os.close(descriptor)


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
