"""Setting of the C library's allocator: freed memory is kept for the next training step."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # glibc's malloc.h
_LARGEST = 2**31 - 1  # bytes; mallopt takes an int
_PAD = 2**28


def keep_memory() -> bool:
    """Keep freed memory in this process; return whether the C library accepted the setting.

    A backward pass on a CPU frees arrays of tens of megabytes and allocates the same sizes again. By default glibc
    returns them to the system, which then clears every page again: a third of the time of a PPO update. Other C
    libraries have no such setting and stay unchanged.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    # any setting ends glibc's adaptation: if the first one fails, the others would make it slower
    if not any(mallopt(_M_MMAP_THRESHOLD, size) == 1 for size in (2**30, 2**25)):  # old versions accept at most 2**25
        return False
    return all([mallopt(_M_TRIM_THRESHOLD, _LARGEST) == 1, mallopt(_M_TOP_PAD, _PAD) == 1])
