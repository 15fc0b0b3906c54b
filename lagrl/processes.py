"""Processes: one thread in each child, their end with their parent, and names by which others see if they run."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""Variables of the environment that make libraries compute with one thread, read when they are loaded."""


@contextlib.contextmanager
def one_thread_each() -> Iterator[None]:
    """Let the processes that are spawned meanwhile compute with one thread each; this process stays as it is."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def exit_with_parent(parent: int) -> None:
    """Watch the parent, given by its process id, and end this process within a second after it: it may be killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def this_process() -> str:
    """Return a name of this process that no other on this machine has had since the machine started."""
    return _named(os.getpid())


@cache
def _named(process: int) -> str:
    return f"{socket.gethostname()} {process} {_started(process)}"


def this_thread() -> str:
    """Return a name of this thread: its process's if it is the main thread, otherwise with its number appended."""
    if threading.current_thread() is threading.main_thread():
        return this_process()
    return f"{this_process()} {threading.get_native_id()}"


def process_of(owner: str) -> str:
    """Return the name of the process from that of a process or thread."""
    return " ".join(owner.split(" ")[:3])


def is_alive_elsewhere(owner: str) -> bool:
    """Whether the name of a process or thread belongs to another process of this machine that still runs."""
    host, process, started = ([*owner.split(" "), "", ""])[:3]
    if sys.platform == "win32":  # os.kill would end the process there
        return False
    if host != socket.gethostname() or not process.isdigit() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)
    except PermissionError:
        pass
    except OSError:
        return False
    return _started(int(process)) == started


def _started(process: int) -> str:
    """Return when a process started, in kernel ticks, because its number may be reused; empty if not known."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    after_name = status.rpartition(")")[2].split()  # the name may contain spaces
    is_dead = after_name[0] in ("Z", "X")
    return "dead" if is_dead else after_name[19]
