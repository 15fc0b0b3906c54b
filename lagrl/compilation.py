"""Compilation of the kernels before any clock starts."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ROOT = Path(__file__).parent
_MOST_PROCESSES = 4  # more find no kernels that do not wait for others
_WORKER = """import gc, importlib, sys
gc.disable()
for name in sys.stdin: importlib.import_module(name.strip()); print(flush=True)"""
_NICENESS = 10  # of the compilation in the background

_in_background: dict[str, subprocess.Popen[str]] = {}  # by room


BOUND_ROOMS = ("bounds", "controllers")
"""Rooms whose kernels the route bound needs: the bundle method finishes its ascents."""


@cache
def kernel_modules(*rooms: str) -> tuple[str, ...]:
    """Return the names of the modules with compiled kernels in these rooms (default: all), sorted.

    They are the files `*_kernels.py` of this package.
    """
    files = sorted(file.relative_to(_ROOT) for file in _ROOT.rglob("*_kernels.py"))
    chosen = [file for file in files if not rooms or file.parts[0] in rooms]
    return tuple(".".join(("lagrl", *file.with_suffix("").parts)) for file in chosen)


def compile_kernels(*rooms: str, later: Sequence[str] = (), on_start: Callable[[], None] = lambda: None) -> None:
    """Compile the kernels of these rooms, or load them from numba's cache; a second call does nothing.

    Kernels have explicit signatures and are compiled when their module is imported: after this call, none of these
    rooms' kernels is compiled any more. Where the cache is empty, several processes fill it together. HiGHS and PyVRP
    are imported too, so that their import time is not measured either.

    Parameters
    ----------
    rooms
        Folders of the package, such as `relaxation`; none for all.
    later
        Those of them that are not needed at once (default: none). Where the cache turns out empty, the kernels of each
        are compiled by a process in the background after this call, see `is_ready`.
    on_start
        Called when the cache turns out not to hold them, after the first module.
    """
    first = [room for room in rooms if room not in later and is_ready(room)]
    was_empty = _compile(first, on_start) if first or not rooms else False
    for room in later:
        if room in rooms and is_ready(room) and not (was_empty and _compile_in_background(room)):
            _compile([room], on_start)
    for module in ("highspy", "pyvrp.search"):
        importlib.import_module(module)


def is_ready(room: str) -> bool:
    """Return whether no process in the background compiles a room's kernels; see `compile_kernels`."""
    return room not in _in_background or _in_background[room].poll() is not None


def _compile(rooms: Sequence[str], on_start: Callable[[], None]) -> bool:
    """Import the kernel modules of these rooms (none: all); return whether the cache did not hold them."""
    missing = [name for name in kernel_modules(*rooms) if name not in sys.modules]
    modules = [name for name in _in_order(missing) if name not in sys.modules]  # with what they need
    alone = [name for name, needed in _needs(modules).items() if not needed and name in modules]
    first = min(alone, key=lambda name: _file(name).stat().st_size, default=None)  # soon compiled
    with _without_collector():
        was_empty = first is not None and _import_and_tell(first)
        if was_empty:
            on_start()
            _import_with_others([name for name in modules if name != first])
        for module in modules:
            importlib.import_module(module)
    return was_empty


@contextmanager
def _without_collector() -> Iterator[None]:
    """Switch the search for unreachable cycles off: it takes a fifth of the time of compiling."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _compile_in_background(room: str) -> bool:
    """Start a process that fills numba's cache with a room's kernels, until this one ends; return whether it could."""
    try:
        process = _start_worker()
    except OSError:
        return False
    atexit.register(process.kill)
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
    assert process.stdin is not None
    with suppress(OSError):  # it failed: the kernels are compiled when they are imported
        process.stdin.writelines(f"{module}\n" for module in _in_order(kernel_modules(room)))
        process.stdin.close()
    _in_background[room] = process
    return True


def _file(module: str) -> Path:
    return _ROOT / Path(*module.split(".")[1:]).with_suffix(".py")


def _in_order(modules: Sequence[str]) -> list[str]:
    """Return kernel modules and those they need, each after what it needs."""
    return list(TopologicalSorter(_needs(modules)).static_order())


def _needs(modules: Sequence[str]) -> dict[str, set[str]]:
    """Return the kernel modules that each of these imports, and each of those."""
    needs: dict[str, set[str]] = {}
    remaining = list(modules)
    while remaining:
        module = remaining.pop()
        if module not in needs:
            text = _file(module).read_text("utf-8")
            needs[module] = set(re.findall(r"^from (lagrl\.[\w.]+_kernels) import", text, re.MULTILINE))
            remaining.extend(needs[module])
    return needs


def _import_and_tell(module: str) -> bool:
    """Import a kernel module; return whether a kernel was compiled, so that the cache did not hold it."""
    members = vars(importlib.import_module(module)).values()
    return any(sum(member.stats.cache_misses.values()) for member in members if hasattr(member, "stats"))


def _import_with_others(modules: Sequence[str]) -> None:
    """Import kernel modules, each after those it needs, while other processes compile some of them for numba's cache.

    Where processes cannot start, or fail, nothing is lost: the kernels are compiled when they are imported.
    """
    needs = {module: needed & set(modules) for module, needed in _needs(modules).items() if module in modules}
    order = TopologicalSorter(needs)
    order.prepare()
    changed = threading.Condition()
    waiting: list[str] = []

    def take() -> str | None:
        """Return the module for which most others wait, once there is one; None if all are finished."""
        with changed:
            while order.is_active():
                waiting.extend(order.get_ready())
                if waiting:
                    waiting.sort(key=lambda module: len(_needed_for(module, needs)))
                    return waiting.pop()
                changed.wait()
        return None

    def work(compile_one: Callable[[str], object]) -> None:
        while module := take():
            try:
                compile_one(module)
            finally:
                with changed:
                    order.done(module)
                    changed.notify_all()

    with ExitStack() as at_the_end:
        processes = _start_workers(min(_MOST_PROCESSES, len(modules), usable_cores()) - 1, at_the_end)
        threads = at_the_end.enter_context(ThreadPoolExecutor(max(len(processes), 1)))
        for process in processes:
            threads.submit(work, partial(_compile_in, process))
        try:
            work(importlib.import_module)
        except BaseException:
            for process in processes:  # what they would still do takes no time then
                process.kill()
            raise


def _start_workers(number: int, at_the_end: ExitStack) -> list[subprocess.Popen[str]]:
    """Start processes that end with the stack; fewer, where no more can start."""
    processes: list[subprocess.Popen[str]] = []
    with suppress(OSError):
        while len(processes) < number:
            processes.append(_start_worker())
            at_the_end.callback(processes[-1].wait)
            at_the_end.callback(processes[-1].kill)
    return processes


def _needed_for(module: str, needs: dict[str, set[str]]) -> set[str]:
    """Return the modules that wait for one, directly or not."""
    direct = {other for other, needed in needs.items() if module in needed}
    return direct.union(*(_needed_for(other, needs) for other in direct))


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_worker() -> subprocess.Popen[str]:
    """Start a process that imports the modules it reads, with this process's search path and cache.

    Raises
    ------
    OSError
        If it cannot start.
    """
    from numba import config  # takes most of a second

    if not sys.executable:
        raise OSError("Python does not know its own path")
    settings: Any = config
    search_path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    environment = {**os.environ, "PYTHONPATH": search_path}
    if settings.CACHE_DIR:
        environment["NUMBA_CACHE_DIR"] = settings.CACHE_DIR
    command = [sys.executable, "-P", "-c", _WORKER]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment)


def _compile_in(process: subprocess.Popen[str], module: str) -> None:
    """Let a process import a module, and wait until it has."""
    assert process.stdin is not None and process.stdout is not None
    with suppress(OSError):  # it failed before
        process.stdin.write(f"{module}\n")
        process.stdin.flush()
        process.stdout.readline()
