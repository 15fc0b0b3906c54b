"""Blocking access to the scheduler: threads, interruptions, closing."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scheduling_machines import PUB, constants, machines, make_task

from lagrl.errors import InputError
from lagrl.quantum.circuits.backend import Backend
from lagrl.quantum.scheduling.machine import Machine
from lagrl.quantum.scheduling.scheduler import Dispatcher, Scheduler
from lagrl.testing.simulated_machines import Behaviour, RandomStrings
from lagrl.testing.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from lagrl.quantum.circuits.backend import Execution, Job
    from lagrl.quantum.scheduling.tasks import TaskResult

pytest.importorskip("qiskit", reason="needs the quantum extra")


def threaded(backend: Backend, grace: float = 60.0) -> Machine:
    """Make the machine of a backend under its own name."""
    return Machine(backend.name, backend, grace)


@dataclass(frozen=True)
class Stuck(RandomStrings):
    """Backend that returns when its event is set."""

    begun: threading.Event = field(default_factory=threading.Event)
    goes: threading.Event = field(default_factory=threading.Event)

    def run(self, job: Job) -> Execution:
        self.begun.set()
        self.goes.wait(10.0)
        return super().run(job)


def test_virtual_hours_go_on_over_calls() -> None:
    """All calls share one loop whose clock never goes back; tasks after `close` start another."""
    qpus = machines([Behaviour(queue_seconds=3600.0, queue_spread=0.0)])
    loops: list[VirtualLoop] = []

    def make() -> VirtualLoop:
        loops.append(VirtualLoop())
        return loops[-1]

    dispatcher = Dispatcher(Scheduler(qpus, 1e5), make)
    assert not loops
    for j in range(3):
        assert dispatcher.run([make_task(f"{j}", qpus)])[0].backend == "q0"
        assert 3600.0 * (j + 1) < loops[0].time() < 3700.0 * (j + 1)
    dispatcher.close()
    dispatcher.close()
    assert dispatcher.run([make_task("again", qpus)])[0].backend == "q0"
    dispatcher.close()


def test_it_works_where_an_event_loop_runs_already() -> None:
    """A dispatcher works in a running event loop, as in a notebook."""
    qpus = machines([Behaviour()])
    dispatcher = Dispatcher(Scheduler(qpus), VirtualLoop)

    async def cell() -> list[TaskResult]:
        return dispatcher.run([make_task("a", qpus)])

    assert asyncio.run(cell())[0].backend == "q0"
    dispatcher.close()


def test_threads_may_call_at_the_same_time() -> None:
    """Threads that call first at the same time share one event loop, and all get their results."""
    qpus = [threaded(RandomStrings("q0")), threaded(RandomStrings("q1"))]
    assert all(isinstance(qpu.backend, Backend) for qpu in qpus)
    dispatcher = Dispatcher(Scheduler(qpus))
    barrier = threading.Barrier(8)

    def ask(i: int) -> list[TaskResult]:
        barrier.wait()
        return dispatcher.run([make_task(f"{i}.{j}", qpus) for j in range(5)])

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert [[result.key for result in results] for results in found] == [
        [f"{i}.{j}" for j in range(5)] for i in range(8)
    ]
    assert all(result.backend for results in found for result in results)
    dispatcher.close()


def test_closing_with_unfinished_jobs_releases_callers() -> None:
    """The caller gets CancelledError, a late result has no effect, and the dispatcher can be used again."""
    stuck = Stuck("q0")
    qpus = [threaded(stuck)]
    dispatcher = Dispatcher(Scheduler(qpus))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(dispatcher.run, [make_task("a", qpus), make_task("b", qpus)])
        assert stuck.begun.wait(10.0)
        dispatcher.close()
        with pytest.raises(CancelledError):
            future.result(10.0)
    stuck.goes.set()
    time.sleep(0.01)
    assert dispatcher.run([make_task("a", qpus)])[0].backend == "q0"
    dispatcher.close()


def test_an_interruption_sends_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while waiting cancels the tasks; the dispatcher can be used again."""
    stuck = Stuck("q0")
    qpus = [threaded(stuck)]
    dispatcher = Dispatcher(Scheduler(qpus))
    real = asyncio.run_coroutine_threadsafe

    def interrupted(*args: object) -> object:
        future = real(*args)

        def result() -> None:
            assert stuck.begun.wait(10.0)
            raise KeyboardInterrupt

        future.result = result
        return future

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dispatcher.run([make_task("a", qpus), make_task("b", qpus)])
    monkeypatch.undo()
    stuck.goes.set()
    assert dispatcher.run([make_task("c", qpus)])[0].backend == "q0"
    assert dispatcher.scheduler.rating("q0").n_done == 1
    dispatcher.close()


def test_errors_of_threads_come_out() -> None:
    """Errors of backends, and wrong results, are raised to the caller."""

    class Raising(RandomStrings):
        def run(self, job: Job) -> Execution:
            raise ZeroDivisionError

    class Empty(RandomStrings):
        def run(self, job: Job) -> None:
            return None

    qpus = [threaded(Raising("q0")), threaded(Empty("q1"))]
    dispatcher = Dispatcher(Scheduler(qpus))
    with pytest.raises(ZeroDivisionError):
        dispatcher.run([make_task("a", qpus[:1])])
    with pytest.raises(InputError, match="backend q1: gave NoneType"):
        dispatcher.run([make_task("b", qpus[1:])])
    dispatcher.close()


def test_equal_seeds_give_equal_strings() -> None:
    """The seed of the task, not the thread, determines what simulators draw."""
    qpus = [threaded(RandomStrings("q0"))]
    dispatcher = Dispatcher(Scheduler(qpus))
    first, second = (dispatcher.run([make_task(key, qpus)])[0] for key in "ab")
    np.testing.assert_array_equal(first.codes[0], second.codes[0])
    assert first.codes[0].shape == (len(PUB.values), 64)
    dispatcher.close()


class Counting(Stuck):
    """Counts concurrent threads, and calls."""

    inside = most = calls = 0

    def run(self, job: Job) -> Execution:
        kind = type(self)
        kind.inside, kind.calls = kind.inside + 1, kind.calls + 1
        kind.most = max(kind.most, kind.inside)
        done = super().run(job)
        kind.inside -= 1
        return done


def test_a_backend_never_runs_in_two_threads() -> None:
    """A job that was given up continues; no other job is sent there until it ends, and only it counts as running."""

    class Own(Counting):
        pass

    stuck = Own("q0")
    qpus = [threaded(stuck, grace=0.1)]
    dispatcher = Dispatcher(Scheduler(qpus, 0.05))
    first, second = (dispatcher.run([make_task(key, qpus)])[0] for key in "ab")
    assert "it may still run" in first.why and first.cost.jobs == 1
    assert "nobody takes jobs" in second.why and second.cost.jobs == 0
    assert [own.attempts[0].is_open for own in (first, second)] == [True, False]
    stuck.goes.set()
    while Own.inside:
        time.sleep(0.01)
    dispatcher.scheduler = Scheduler(qpus)
    assert dispatcher.run([make_task("c", qpus)])[0].backend == "q0"
    assert (Own.most, Own.calls) == (1, 2)
    dispatcher.close()


def test_a_stuck_backend_is_waited_for_a_while() -> None:
    """A blocked backend without an alternative is waited for, and takes jobs again."""
    stuck = Stuck("q0")
    qpus = [threaded(stuck)]
    dispatcher = Dispatcher(Scheduler(qpus, 0.1))
    threading.Timer(0.3, stuck.goes.set).start()
    with constants(RETRIES=0):
        results = dispatcher.run([make_task(key, qpus) for key in "ab"])
    assert [result.backend for result in results] == ["", "q0"]
    dispatcher.close()


def test_a_hanging_backend_blocks_no_other() -> None:
    """Only the job that hangs has no result; all other tasks go to the next tier."""
    stuck = Stuck("q0")
    qpus = [threaded(stuck), threaded(RandomStrings("q1"))]
    dispatcher = Dispatcher(Scheduler(qpus, 0.1))
    results = dispatcher.run([make_task(f"{j}", qpus, {"q1": 1}) for j in range(6)])
    assert [result.backend for result in results] == ["", *["q1"] * 5]
    stuck.goes.set()
    dispatcher.close()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), StopIteration()])
def test_an_error_that_ends_a_process_ends_only_the_job(error: BaseException) -> None:
    """An error that ends a process is raised to the caller; the event loop continues."""

    class Ending(RandomStrings):
        def run(self, job: Job) -> Execution:
            raise error

    qpus = [threaded(Ending("q0")), threaded(RandomStrings("q1"))]
    dispatcher = Dispatcher(Scheduler(qpus))
    with pytest.raises(RuntimeError, match=f"q0 a raised {type(error).__name__}"):
        dispatcher.run([make_task("a", qpus[:1])])
    assert dispatcher.run([make_task("b", qpus[1:])])[0].backend == "q1"
    dispatcher.close()


def test_an_error_of_a_machine_leaves_no_task_waiting() -> None:
    """All waiting tasks get the error, even if only an alarm asked; no slot stays taken."""

    class Silent(Machine):
        n_asked = 0

        def available_in(self, now: float) -> float:
            type(self).n_asked += 1
            if self.n_asked > 2:
                raise TypeError("nonsense")
            return 0.1

    qpus = [Silent("q0", RandomStrings("q0"))]
    dispatcher = Dispatcher(Scheduler(qpus))
    with pytest.raises(TypeError, match="nonsense"):
        dispatcher.run([make_task(key, qpus) for key in "ab"])
    assert dispatcher.scheduler._machines["q0"].n_jobs == 0
    dispatcher.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_starts_its_own_thread() -> None:
    """A forked process starts its own thread, as that of its parent does not exist."""
    qpus = [threaded(RandomStrings("q0"))]
    dispatcher = Dispatcher(Scheduler(qpus))
    dispatcher.run([make_task("a", qpus)])
    child = os.fork()
    if child == 0:
        try:
            is_answered = dispatcher.run([make_task("b", qpus)])[0].backend == "q0"
            dispatcher.close()
            os._exit(0 if is_answered else 1)
        finally:
            os._exit(2)
    for _ in range(500):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        time.sleep(0.01)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the child hangs")
    assert status == 0
    dispatcher.close()
