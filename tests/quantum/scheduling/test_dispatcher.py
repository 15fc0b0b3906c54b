"""The scheduler for those who wait: threads, interruptions, ends."""

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
from scheduling_machines import PUB, Dice, machines, work

from lagrl.errors import InputError
from lagrl.quantum.scheduling.dispatcher import Dispatcher
from lagrl.quantum.scheduling.qpu import QPU, ExecutorQPU
from lagrl.quantum.scheduling.scheduler import Scheduler, SchedulerOptions
from lagrl.quantum.scheduling.threads import JobThreads
from lagrl.testing.simulated_machines import Behaviour
from lagrl.testing.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from lagrl.quantum.circuits.execution import Execution, Pub
    from lagrl.quantum.scheduling.tasks import TaskResult
    from lagrl.relaxation.sampler import SampleContext

pytest.importorskip("qiskit", reason="needs the quantum extra")


@dataclass(frozen=True)
class Stuck(Dice):
    """Answers when it is told to."""

    begun: threading.Event = field(default_factory=threading.Event)
    goes: threading.Event = field(default_factory=threading.Event)

    def execute(self, pubs: list[Pub], shots: int, rng: np.random.Generator, context: SampleContext) -> Execution:
        self.begun.set()
        self.goes.wait(10.0)
        return super().execute(pubs, shots, rng, context)


def test_virtual_hours_go_on_over_calls() -> None:
    """One loop for all calls, the clock never set back; work after the end begins another."""
    qpus = machines([Behaviour(queue_seconds=3600.0, queue_spread=0.0)])
    loops: list[VirtualLoop] = []

    def make() -> VirtualLoop:
        loops.append(VirtualLoop())
        return loops[-1]

    dispatcher = Dispatcher(Scheduler(qpus, SchedulerOptions(timeout=1e5)), make)
    assert not loops
    for j in range(3):
        assert dispatcher.answer([work(f"{j}", qpus)])[0].backend == "q0"
        assert 3600.0 * (j + 1) < loops[0].time() < 3700.0 * (j + 1)
    dispatcher.close()
    dispatcher.close()
    assert dispatcher.answer([work("again", qpus)])[0].backend == "q0"
    dispatcher.close()


def test_it_works_where_an_event_loop_runs_already() -> None:
    """As in a notebook."""
    qpus = machines([Behaviour()])
    dispatcher = Dispatcher(Scheduler(qpus), VirtualLoop)

    async def cell() -> list[TaskResult]:
        return dispatcher.answer([work("a", qpus)])

    assert asyncio.run(cell())[0].backend == "q0"
    dispatcher.close()


def test_threads_may_ask_at_once() -> None:
    """Also for the very first work: all share one event loop, and all are answered."""
    qpus = [ExecutorQPU(Dice("q0")), ExecutorQPU(Dice("q1"))]
    assert all(isinstance(qpu, QPU) for qpu in qpus)
    dispatcher = Dispatcher(Scheduler(qpus))
    barrier = threading.Barrier(8)

    def ask(i: int) -> list[TaskResult]:
        barrier.wait()
        return dispatcher.answer([work(f"{i}.{j}", qpus) for j in range(5)])

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert [[answer.key for answer in answers] for answers in found] == [
        [f"{i}.{j}" for j in range(5)] for i in range(8)
    ]
    assert all(answer.backend for answers in found for answer in answers)
    dispatcher.close()


def test_closing_while_jobs_are_under_way_releases_who_waits() -> None:
    """The asker gets CancelledError, a result that comes later disturbs nobody, and it can begin anew."""
    stuck = Stuck("q0")
    qpus = [ExecutorQPU(stuck)]
    dispatcher = Dispatcher(Scheduler(qpus))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(dispatcher.answer, [work("a", qpus), work("b", qpus)])
        assert stuck.begun.wait(10.0)
        dispatcher.close()
        with pytest.raises(CancelledError):
            asked.result(10.0)
    stuck.goes.set()
    time.sleep(0.01)
    assert dispatcher.answer([work("a", qpus)])[0].backend == "q0"
    dispatcher.close()


def test_an_interruption_sends_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while waiting cancels the work; the dispatcher stays of use."""
    stuck = Stuck("q0")
    qpus = [ExecutorQPU(stuck)]
    dispatcher = Dispatcher(Scheduler(qpus))
    real = asyncio.run_coroutine_threadsafe

    def interrupted(*args: object) -> object:
        asked = real(*args)

        def result() -> None:
            assert stuck.begun.wait(10.0)
            raise KeyboardInterrupt

        asked.result = result
        return asked

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dispatcher.answer([work("a", qpus), work("b", qpus)])
    monkeypatch.undo()
    stuck.goes.set()
    assert dispatcher.answer([work("c", qpus)])[0].backend == "q0"
    assert dispatcher.scheduler.rating("q0").n_done == 1
    dispatcher.close()


def test_errors_of_threads_come_out() -> None:
    """Whatever an executor raises, and what it gives wrongly."""

    class Raising(Dice):
        def execute(self, *args: object) -> Execution:
            raise ZeroDivisionError

    class Empty(Dice):
        def execute(self, *args: object) -> None:
            return None

    qpus = [ExecutorQPU(Raising("q0")), ExecutorQPU(Empty("q1"))]
    dispatcher = Dispatcher(Scheduler(qpus))
    with pytest.raises(ZeroDivisionError):
        dispatcher.answer([work("a", qpus[:1])])
    with pytest.raises(InputError, match="executor q1: gave NoneType"):
        dispatcher.answer([work("b", qpus[1:])])
    dispatcher.close()


def test_it_takes_the_same_circuits() -> None:
    """The seed of the work, not the thread, decides what simulators draw."""
    qpus = [ExecutorQPU(Dice("q0"))]
    dispatcher = Dispatcher(Scheduler(qpus))
    first, second = (dispatcher.answer([work(key, qpus)])[0] for key in "ab")
    np.testing.assert_array_equal(first.codes[0], second.codes[0])
    assert first.codes[0].shape == (len(PUB.values), 64)
    dispatcher.close()


class Counting(Stuck):
    """Counts how many threads are inside, and the calls."""

    inside = most = calls = 0

    def execute(self, pubs: list[Pub], shots: int, rng: np.random.Generator, context: SampleContext) -> Execution:
        kind = type(self)
        kind.inside, kind.calls = kind.inside + 1, kind.calls + 1
        kind.most = max(kind.most, kind.inside)
        done = super().execute(pubs, shots, rng, context)
        kind.inside -= 1
        return done


def test_an_executor_never_runs_in_two_threads() -> None:
    """A job that was given up goes on; nothing is sent there until it ends, and only it is said to run."""

    class Own(Counting):
        pass

    stuck = Own("q0")
    qpus = [ExecutorQPU(stuck, JobThreads(grace=0.1))]
    dispatcher = Dispatcher(Scheduler(qpus, SchedulerOptions(timeout=0.05)))
    first, second = (dispatcher.answer([work(key, qpus)])[0] for key in "ab")
    assert "it may still run" in first.why and first.cost.jobs == 1
    assert "nobody takes jobs" in second.why and second.cost.jobs == 0
    assert qpus[0].is_running("a") and not qpus[0].is_running("b")
    stuck.goes.set()
    while Own.inside:
        time.sleep(0.01)
    dispatcher.scheduler = Scheduler(qpus)
    assert dispatcher.answer([work("c", qpus)])[0].backend == "q0"
    assert (Own.most, Own.calls) == (1, 2)
    dispatcher.close()


def test_a_stuck_executor_is_waited_for_a_while() -> None:
    """Where there is no other one; it takes jobs when it goes on."""
    stuck = Stuck("q0")
    qpus = [ExecutorQPU(stuck)]
    dispatcher = Dispatcher(Scheduler(qpus, SchedulerOptions(timeout=0.1, retries=0)))
    threading.Timer(0.3, stuck.goes.set).start()
    answers = dispatcher.answer([work(key, qpus) for key in "ab"])
    assert [answer.backend for answer in answers] == ["", "q0"]
    dispatcher.close()


def test_one_that_hangs_takes_no_work_from_others() -> None:
    """Only the job that hangs is lost to the product state; all else goes to the next tier."""
    stuck = Stuck("q0")
    qpus = [ExecutorQPU(stuck), ExecutorQPU(Dice("q1"))]
    dispatcher = Dispatcher(Scheduler(qpus, SchedulerOptions(timeout=0.1)))
    answers = dispatcher.answer([work(f"{j}", qpus, {"q1": 1}) for j in range(6)])
    assert [answer.backend for answer in answers] == ["", *["q1"] * 5]
    stuck.goes.set()
    dispatcher.close()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), StopIteration()])
def test_what_ends_a_process_ends_only_the_job(error: BaseException) -> None:
    """The asker is told; the event loop goes on."""

    class Ending(Dice):
        def execute(self, *args: object) -> Execution:
            raise error

    qpus = [ExecutorQPU(Ending("q0")), ExecutorQPU(Dice("q1"))]
    dispatcher = Dispatcher(Scheduler(qpus))
    with pytest.raises(RuntimeError, match=f"q0 a raised {type(error).__name__}"):
        dispatcher.answer([work("a", qpus[:1])])
    assert dispatcher.answer([work("b", qpus[1:])])[0].backend == "q1"
    dispatcher.close()


def test_one_that_cannot_tell_how_it_is_leaves_nobody_waiting() -> None:
    """All who wait get the error, also where nobody but a clock asked; no place stays taken."""

    class Silent(ExecutorQPU):
        n_asked = 0

        def opens_in(self, now: float) -> float:
            type(self).n_asked += 1
            if self.n_asked > 2:
                raise TypeError("nonsense")
            return 0.1

    qpus = [Silent(Dice("q0"))]
    dispatcher = Dispatcher(Scheduler(qpus))
    with pytest.raises(TypeError, match="nonsense"):
        dispatcher.answer([work(key, qpus) for key in "ab"])
    assert dispatcher.scheduler._slots["q0"].n_inside == 0
    dispatcher.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_begins_its_own_thread() -> None:
    """Its parent's thread is not there."""
    qpus = [ExecutorQPU(Dice("q0"))]
    dispatcher = Dispatcher(Scheduler(qpus))
    dispatcher.answer([work("a", qpus)])
    child = os.fork()
    if child == 0:
        try:
            is_answered = dispatcher.answer([work("b", qpus)])[0].backend == "q0"
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
