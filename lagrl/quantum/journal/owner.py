"""Names of processes and threads in a journal's lines, and whether such a process still runs."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path


def this_process() -> str:
    """Return a name of this process that no other on this machine has had since the machine started."""
    return f"{socket.gethostname()} {os.getpid()} {_started(os.getpid())}"


def this_thread() -> str:
    """Return a name of this thread: its process's if it is the main thread, otherwise with its number appended.

    Several threads may each be about to send a job; with one name, the second would release the first's job.
    """
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
