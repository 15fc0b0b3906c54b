"""Processor time as the only clock, for a machine whose cores are shared with other work.

A process started while `LD_PRELOAD` names the library made here reads its own processor time from every clock, in
Python and in compiled solvers alike. All solvers then get the same processor seconds, however busy the machine is;
what a shared cache and memory cost remains. Waiting takes no time on this clock: it suits one busy thread only.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

LIBRARY = "processor_clock.so"

_SOURCE = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    (void)clock;
    return (int)syscall(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, now);
}

int gettimeofday(struct timeval *now, void *zone) {
    (void)zone;
    struct timespec used;
    int failed = clock_gettime(CLOCK_REALTIME, &used);
    now->tv_sec = used.tv_sec;
    now->tv_usec = used.tv_nsec / 1000;
    return failed;
}
"""


def make_library(folder: Path) -> Path:
    """Compile the library into a folder (Linux, a C compiler) and return its path.

    Raises
    ------
    OSError, CalledProcessError
        If there is no C compiler, or it fails.
    """
    source, library = folder / "processor_clock.c", folder / LIBRARY
    source.write_text(_SOURCE, encoding="ascii")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    return library
