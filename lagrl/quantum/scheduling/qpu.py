"""A quantum computer as the scheduler sees it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from lagrl.quantum.execution import CircuitExecutor, Execution
    from lagrl.quantum.scheduling.work import Job


@runtime_checkable
class QPU(Protocol):
    """Runs jobs, some time after it was asked."""

    @property
    def name(self) -> str:
        """As in `Option.backend`."""
        ...

    @property
    def max_width(self) -> int:
        """Most qubits of a circuit."""
        ...

    @property
    def places(self) -> int:
        """Most jobs it holds at once, waiting ones included."""
        ...

    def queue_seconds(self) -> float:
        """Return how long a job sent now is expected to wait before it begins."""
        ...

    def plan_seconds(self) -> float:
        """Return how many seconds of it may still be used; infinite where nobody counts."""
        ...

    def opens_in(self, now: float) -> float:
        """Return in how many seconds it takes jobs: 0 if it does now, infinite if never again.

        Parameters
        ----------
        now
            Seconds since the scheduler's start.
        """
        ...

    async def run(self, job: Job) -> Execution:
        """Run all circuits of a job.

        Whoever cancels it gives it up: one that still waits is taken back, one that runs goes on.

        Raises
        ------
        ExecutionError
            If there will be no result.
        """
        ...

    def is_running(self, key: str) -> bool:
        """Whether a job that was given up may have been executed, or still be: it was begun, or nobody knows."""
        ...

    @property
    def remembers(self) -> bool:
        """Whether it keeps jobs beyond this process."""
        ...

    def was_sent(self, job: Job) -> bool:
        """Whether an earlier process sent just this job here, so that asking again does not send it again."""
        ...


@dataclass(frozen=True, eq=False)
class ExecutorQPU:
    """Any executor as a QPU: a simulator, or a device of an account; a job at a time, in a thread.

    Attributes
    ----------
    executor
        What runs circuits; a `RuntimeExecutor` keeps its own journal of jobs.
    """

    executor: CircuitExecutor
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def name(self) -> str:
        """The executor's."""
        return self.executor.name

    @property
    def max_width(self) -> int:
        """The executor's."""
        return self.executor.max_width

    @property
    def places(self) -> int:
        """One."""
        return 1

    def queue_seconds(self) -> float:
        """Not known: 0."""
        return 0.0

    def plan_seconds(self) -> float:
        """Not counted."""
        return np.inf

    def opens_in(self, now: float) -> float:
        """Always open."""
        del now
        return 0.0

    async def run(self, job: Job) -> Execution:
        """Run in a thread; see `QPU.run`."""
        return await in_thread(self.executor, job, self._turn)

    def is_running(self, key: str) -> bool:
        """A thread cannot be stopped, so nobody knows."""
        del key
        return True

    @property
    def remembers(self) -> bool:
        """Whether the executor has a journal."""
        return getattr(self.executor, "journal", None) is not None

    def was_sent(self, job: Job) -> bool:
        """Ask the executor."""
        return was_sent(self.executor, job)


async def in_thread(executor: CircuitExecutor, job: Job, turn: threading.Lock) -> Execution:
    """Run a job in a thread of its own, which the process does not wait for when it ends.

    Executors are not made for two threads at once, and a job that was given up may still run: hence each waits for its
    turn, and one that was given up before does nothing.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Execution] = loop.create_future()

    def tell(act: Callable[[], None]) -> None:
        if not done.done():  # else given up
            act()

    def work() -> None:
        act: Callable[[], None]
        try:
            with turn:
                if done.done():  # given up
                    return
                result = executor.execute(job.pubs, job.shots, np.random.default_rng(job.seed), job.context)
            act = partial(done.set_result, result)
        except StopIteration as error:  # a future does not take it
            act = partial(done.set_exception, RuntimeError(f"{executor.name} raised {error!r}"))
        except BaseException as error:
            act = partial(done.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, act)

    threading.Thread(target=work, name=f"{executor.name} {job.key}", daemon=True).start()
    return await done


def was_sent(executor: CircuitExecutor, job: Job) -> bool:
    """Whether an executor that remembers jobs (`RuntimeExecutor.was_sent`) knows this one."""
    ask = getattr(executor, "was_sent", None)
    return callable(ask) and bool(ask(job.pubs, job.shots, np.random.default_rng(job.seed), job.context))
