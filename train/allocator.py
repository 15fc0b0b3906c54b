"""Asking the C library to keep freed memory, which a training step wants back at once."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # glibc's malloc.h
_LARGEST = 2**31 - 1  # bytes; mallopt takes an int
_PAD = 2**28


def keep_memory() -> bool:
    """Let freed memory stay with this process; tell whether the C library took the advice.

    A backward pass on a CPU frees arrays of tens of megabytes and asks for the same again. By default glibc returns
    them to the system, which then has to clear every page anew: a third of the time of a PPO update. Other C
    libraries have no such setting; they are left alone.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    # The first setting ends glibc's own adaptation: were it refused and the next ones not, things would get worse.
    if not any(mallopt(_M_MMAP_THRESHOLD, size) == 1 for size in (2**30, 2**25)):  # older ones take 2**25 at most
        return False
    return all([mallopt(_M_TRIM_THRESHOLD, _LARGEST) == 1, mallopt(_M_TOP_PAD, _PAD) == 1])
