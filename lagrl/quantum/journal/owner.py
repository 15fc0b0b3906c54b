"""Which process, and which thread of it, a journal's line is from, and whether that process is still alive."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path


def this_process() -> str:
    """Name this process as no other on this machine was named since it was started."""
    return f"{socket.gethostname()} {os.getpid()} {_started(os.getpid())}"


def this_thread() -> str:
    """Name this thread: as its process if it is the main one, else with its number as a fourth word.

    Several threads may each be about to send a job; were they one owner, the second would let go of the first's job.
    """
    if threading.current_thread() is threading.main_thread():
        return this_process()
    return f"{this_process()} {threading.get_native_id()}"


def process_of(owner: str) -> str:
    """Return the name of the process that an owner is, or is a thread of."""
    return " ".join(owner.split(" ")[:3])


def is_alive_elsewhere(owner: str) -> bool:
    """Whether a name by `this_process` or `this_thread` is of another process, on this machine, that still runs."""
    host, process, started = ([*owner.split(" "), "", ""])[:3]
    if sys.platform == "win32":  # no way to ask there, and os.kill would do what it says
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
    """When a process started, in the kernel's ticks, for numbers are given again; empty where the system is silent."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    after_name = status.rpartition(")")[2].split()  # the name may hold anything, spaces too
    is_dead = after_name[0] in ("Z", "X")
    return "dead" if is_dead else after_name[19]
