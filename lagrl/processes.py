"""Processes that work for another one."""

from __future__ import annotations

import os
import threading
import time


def exit_with_parent(parent: int) -> None:
    """End this process soon after its parent: one that was killed cannot say goodbye.

    Parameters
    ----------
    parent
        The parent's process id, taken there.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
