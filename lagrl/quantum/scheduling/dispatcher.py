"""Blocking access to the scheduler, through an event loop in a thread."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lagrl.quantum.scheduling.scheduler import Scheduler
    from lagrl.quantum.scheduling.tasks import Task, TaskResult


class Dispatcher:
    """Passes tasks to a scheduler and waits, also where an event loop runs already (a notebook).

    The thread starts with the first tasks and ends with `close`; tasks after that start another one.

    Parameters
    ----------
    scheduler
        Runs the tasks.
    make_loop
        Returns a new event loop; `VirtualLoop` for simulated time.
    """

    def __init__(
        self, scheduler: Scheduler, make_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    ) -> None:
        self.scheduler = scheduler
        self._make_loop = make_loop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._lock = threading.Lock()

    def run(self, tasks: Sequence[Task]) -> list[TaskResult]:
        """Run all tasks and return their results; may be called from several threads. Raises what `Scheduler.run` does.

        Raises `CancelledError` if another thread calls `close` meanwhile (of `concurrent.futures`).
        """
        self._forget_parent()
        with self._lock:
            future = asyncio.run_coroutine_threadsafe(self.scheduler.run(tasks), self._running_loop())
        try:
            return future.result()
        except BaseException:  # Ctrl-C: nothing more is sent
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel all unfinished tasks and end the thread; may be called twice."""
        self._forget_parent()
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            if loop is None or thread is None:
                return
            asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _forget_parent(self) -> None:
        """Forget the thread of the parent process after a fork: it does not exist here."""
        if self._process != os.getpid():
            self._process, self._lock, self._loop, self._thread = os.getpid(), threading.Lock(), None, None

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = self._make_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="lagrl scheduler", daemon=True)
            self._thread.start()
        return self._loop


async def _cancel_all() -> None:
    """Cancel all other coroutines of the loop, and wait until they have ended."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
