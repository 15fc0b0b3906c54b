"""The scheduler for those who wait: an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lagrl.quantum.scheduling.scheduler import Scheduler
    from lagrl.quantum.scheduling.work import Answer, Work


class Dispatcher:
    """Hands work to a scheduler and waits, also where an event loop runs already (a notebook).

    The thread begins with the first work, and ends with `close`; work after that begins another.

    Parameters
    ----------
    scheduler
        Who answers.
    make_loop
        Makes the event loop; `VirtualLoop` for simulated time.
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

    def answer(self, work: Sequence[Work]) -> list[Answer]:
        """Answer all pieces of work; several threads may ask at once. See `Scheduler.answer` for what it raises.

        Raises
        ------
        CancelledError
            If another thread closes it meanwhile (`concurrent.futures`).
        """
        self._require_own()
        with self._lock:
            asked = asyncio.run_coroutine_threadsafe(self.scheduler.answer(work), self._begun())
        try:
            return asked.result()
        except BaseException:  # Ctrl-C: nothing more is sent
            asked.cancel()
            raise

    def close(self) -> None:
        """Give up what is under way, and end the thread; closing twice is fine."""
        self._require_own()
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            if loop is None or thread is None:
                return
            asyncio.run_coroutine_threadsafe(_give_up_all(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _require_own(self) -> None:
        """Forget the thread of a process that this one was forked from: here it is not."""
        if self._process != os.getpid():
            self._process, self._lock, self._loop, self._thread = os.getpid(), threading.Lock(), None, None

    def _begun(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = self._make_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="lagrl scheduler", daemon=True)
            self._thread.start()
        return self._loop


async def _give_up_all() -> None:
    """Cancel all other tasks of the loop, and wait until they have ended."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
