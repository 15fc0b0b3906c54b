"""Callers of the scheduler: several at once, several event loops, and mistakes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling_machines import PUB, constants, executions, machines, make_task

from lagrl.errors import InputError
from lagrl.quantum.scheduling.scheduler import Scheduler
from lagrl.quantum.scheduling.tasks import Candidate, Task, TaskResult
from lagrl.relaxation.sampler import SampleContext
from lagrl.testing.simulated_machines import Behaviour, RandomStrings, SimulatedMachine
from lagrl.testing.virtual_time import run_virtually

if TYPE_CHECKING:
    from lagrl.quantum.circuits.backend import Execution

pytest.importorskip("qiskit", reason="needs the quantum extra")


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(
        st.tuples(
            st.builds(
                Behaviour,
                failures=st.sampled_from([0.0, 0.5]),
                is_dead=st.booleans(),
                hangs=st.booleans(),
                plan_seconds=st.sampled_from([np.inf, 3.0, 9.0]),
                windows=st.sampled_from([(), ((0.0, 9.0),), ((20.0, 60.0),)]),
            ),
            st.integers(0, 2),
        ),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from([0.0, 0.5, 25.0])), min_size=1, max_size=3),
    st.booleans(),
)
def test_callers_do_not_disturb_each_other(
    seed: int, kinds: list[tuple[Behaviour, int]], calls: list[tuple[int, float]], cancels: bool
) -> None:
    """Concurrent calls, one of them possibly cancelled: no task is lost or executed twice."""
    qpus = machines([behaviour for behaviour, _ in kinds], seed)
    tiers = {qpu.name: tier for qpu, (_, tier) in zip(qpus, kinds, strict=True)}
    scheduler = Scheduler(qpus, 40.0)

    async def call(number: int, n_tasks: int, begins: float) -> list[TaskResult]:
        await asyncio.sleep(begins)
        return await scheduler.run([make_task(f"{number}.{j}", qpus, tiers) for j in range(n_tasks)])

    async def main() -> list[list[TaskResult] | BaseException]:
        tasks = [asyncio.ensure_future(call(i, *own)) for i, own in enumerate(calls)]
        if cancels:
            await asyncio.sleep(7.0)
            tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with constants(QUEUE_LENGTH=2):
        found = run_virtually(main())
    for number, results in enumerate(found):
        if isinstance(results, asyncio.CancelledError):
            assert cancels and number == 0
            continue
        assert isinstance(results, list)
        assert [result.key for result in results] == [f"{number}.{j}" for j in range(calls[number][0])]
        assert all(result.backend or result.why for result in results)
        assert all(executions(qpus, result.key) == 1 for result in results if result.backend)
    assert all(n == 1 for qpu in qpus for n in qpu.executed.values())
    assert len({key for qpu in qpus for key in qpu.executed}) == sum(len(qpu.executed) for qpu in qpus)
    for qpu in qpus:  # a job that has begun is not stopped
        assert qpu.used_seconds < qpu.behaviour.plan_seconds + 2.1
    assert all(own.n_jobs == 0 for own in scheduler._machines.values())


def test_errors_of_backends_are_raised_and_free_their_slots() -> None:
    """An error other than ExecutionError ends the call; the next one finds all slots free."""

    class Broken(SimulatedMachine):
        async def run(self, job: object) -> Execution:
            if job.key == "bad":
                await asyncio.sleep(3.0)
                raise ZeroDivisionError
            if job.key == "own":
                raise TimeoutError("of a socket")
            return await super().run(job)

    qpu = Broken(RandomStrings("q0"), Behaviour(), np.random.default_rng(0))
    scheduler = Scheduler([qpu])

    async def main() -> list[TaskResult]:
        with pytest.raises(ZeroDivisionError):
            await scheduler.run([make_task("a", [qpu]), make_task("bad", [qpu]), make_task("b", [qpu])])
        with pytest.raises(TimeoutError, match="of a socket"):
            await scheduler.run([make_task("own", [qpu])])
        assert all(own.n_jobs == 0 for own in scheduler._machines.values())
        return await scheduler.run([make_task("c", [qpu])])

    assert run_virtually(main())[0].backend == "q0"


def test_the_clock_continues_in_another_event_loop() -> None:
    """The clock continues in another event loop, without the time between; two loops at once are refused."""
    quick = Behaviour(0.001, 0.001, 0.0, 0.05, 0.0, windows=((0.0, 9.0),))
    qpus = machines([quick])
    scheduler = Scheduler(qpus)

    async def later() -> list[TaskResult]:
        await asyncio.sleep(20.0)
        return await scheduler.run([make_task("b", qpus)])

    assert run_virtually(scheduler.run([make_task("a", qpus)]))[0].backend == "q0"
    [result] = run_virtually(later())
    assert result.backend == "q0"
    assert 0.05 < result.attempts[0].began < 1.0

    async def nested() -> None:
        future = asyncio.ensure_future(scheduler.run([make_task("c", qpus)]))
        await asyncio.sleep(0.0)
        with pytest.raises(InputError, match="another event loop is running tasks"):
            await asyncio.to_thread(run_virtually, scheduler.run([make_task("d", qpus)]))
        with pytest.raises(InputError, match="runs already"):
            await scheduler.run([make_task("c", qpus)])
        await future

    asyncio.run(nested())


def test_mistakes_are_reported() -> None:
    """Equal names, equal keys, unknown machines and circuits that are too wide are refused."""
    qpus = machines([Behaviour()])
    with pytest.raises(InputError, match="q0, q0; give each another name"):
        Scheduler([*qpus, *qpus])
    task = Task("a", (Candidate.of("q0", [PUB]),), 8, SampleContext())
    with pytest.raises(InputError, match="the same key"):
        run_virtually(Scheduler(qpus).run([task, task]))
    with pytest.raises(InputError, match="q9 is unknown; choose among q0"):
        run_virtually(Scheduler(qpus).run([Task("a", (Candidate.of("q9", [PUB]),), 8, SampleContext())]))
    narrow = SimulatedMachine(RandomStrings("q0", 3), Behaviour(), np.random.default_rng(0))
    with pytest.raises(InputError, match="q0 takes 3 qubits"):
        run_virtually(Scheduler([narrow]).run([task]))
    with pytest.raises(InputError, match="give each backend once"):
        Task("a", (Candidate.of("q0", [PUB]),) * 2, 8, SampleContext())
