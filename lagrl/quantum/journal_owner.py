"""Which process a journal's line is from, and whether that process is still alive."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path


def this_process() -> str:
    """Name this process as no other on this machine was named since it was started."""
    return f"{socket.gethostname()} {os.getpid()} {_started(os.getpid())}"


def is_alive_elsewhere(owner: str) -> bool:
    """Whether a name by `this_process` is of another process, on this machine, that still runs."""
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
