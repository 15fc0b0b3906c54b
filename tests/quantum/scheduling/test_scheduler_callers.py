"""Who asks the scheduler: several at once, in one event loop after another, and with mistakes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling_machines import PUB, Dice, executions, machines, work

from lagrl.errors import InputError
from lagrl.quantum.scheduling.scheduler import Scheduler, SchedulerOptions
from lagrl.quantum.scheduling.tasks import Candidate, Task, TaskResult
from lagrl.relaxation.sampler import SampleContext
from lagrl.testing.simulated_machines import Behaviour, SimulatedQPU
from lagrl.testing.virtual_time import run_virtually

if TYPE_CHECKING:
    from lagrl.quantum.circuits.execution import Execution

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
    """Several calls at once, one of them cancelled perhaps, tiers, windows, plans: nothing lost, nothing twice."""
    qpus = machines([behaviour for behaviour, _ in kinds], seed)
    tiers = {qpu.name: tier for qpu, (_, tier) in zip(qpus, kinds, strict=True)}
    scheduler = Scheduler(qpus, SchedulerOptions(queue_length=2, timeout=40.0))

    async def call(number: int, n_works: int, begins: float) -> list[TaskResult]:
        await asyncio.sleep(begins)
        return await scheduler.answer([work(f"{number}.{j}", qpus, tiers) for j in range(n_works)])

    async def main() -> list[list[TaskResult] | BaseException]:
        tasks = [asyncio.ensure_future(call(i, *own)) for i, own in enumerate(calls)]
        if cancels:
            await asyncio.sleep(7.0)
            tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = run_virtually(main())
    for number, answers in enumerate(found):
        if isinstance(answers, asyncio.CancelledError):
            assert cancels and number == 0
            continue
        assert isinstance(answers, list)
        assert [answer.key for answer in answers] == [f"{number}.{j}" for j in range(calls[number][0])]
        assert all(answer.backend or answer.why for answer in answers)
        assert all(executions(qpus, answer.key) == 1 for answer in answers if answer.backend)
    assert all(n == 1 for qpu in qpus for n in qpu.executed.values())
    assert len({key for qpu in qpus for key in qpu.executed}) == sum(len(qpu.executed) for qpu in qpus)
    for qpu in qpus:  # a job that has begun is not stopped
        assert qpu.used_seconds < qpu.behaviour.plan_seconds + 2.1
    assert all(slot.n_inside == 0 for slot in scheduler._slots.values())


def test_mistakes_of_executors_come_out_and_leave_no_trace() -> None:
    """An error that is none of execution ends the call; the next one finds all places free."""

    class Broken(SimulatedQPU):
        async def run(self, job: object) -> Execution:
            if job.key == "bad":
                await asyncio.sleep(3.0)
                raise ZeroDivisionError
            if job.key == "own":
                raise TimeoutError("of a socket")
            return await super().run(job)

    qpu = Broken(Dice("q0"), Behaviour(), np.random.default_rng(0))
    scheduler = Scheduler([qpu])

    async def main() -> list[TaskResult]:
        with pytest.raises(ZeroDivisionError):
            await scheduler.answer([work("a", [qpu]), work("bad", [qpu]), work("b", [qpu])])
        with pytest.raises(TimeoutError, match="of a socket"):
            await scheduler.answer([work("own", [qpu])])
        assert all(slot.n_inside == 0 for slot in scheduler._slots.values())
        return await scheduler.answer([work("c", [qpu])])

    assert run_virtually(main())[0].backend == "q0"


def test_time_goes_on_in_another_event_loop() -> None:
    """It is not set back, nor is what lies between counted; two event loops at once are refused."""
    quick = Behaviour(0.001, 0.001, 0.0, 0.05, 0.0, windows=((0.0, 9.0),))
    qpus = machines([quick])
    scheduler = Scheduler(qpus)

    async def later() -> list[TaskResult]:
        await asyncio.sleep(20.0)
        return await scheduler.answer([work("b", qpus)])

    assert run_virtually(scheduler.answer([work("a", qpus)]))[0].backend == "q0"
    [answer] = run_virtually(later())
    assert answer.backend == "q0"
    assert 0.05 < answer.attempts[0].began < 1.0

    async def nested() -> None:
        asked = asyncio.ensure_future(scheduler.answer([work("c", qpus)]))
        await asyncio.sleep(0.0)
        with pytest.raises(InputError, match="another event loop is at work"):
            await asyncio.to_thread(run_virtually, scheduler.answer([work("d", qpus)]))
        with pytest.raises(InputError, match="asked for already"):
            await scheduler.answer([work("c", qpus)])
        await asked

    asyncio.run(nested())


def test_mistakes_are_told() -> None:
    """Two machines of one name, work of one key, a machine that is not there, a circuit too wide for it."""
    qpus = machines([Behaviour()])
    with pytest.raises(InputError, match="q0, q0; give each a name of its own"):
        Scheduler([*qpus, *qpus])
    work = Task("a", (Candidate.of("q0", [PUB]),), 8, SampleContext())
    with pytest.raises(InputError, match="the same key"):
        run_virtually(Scheduler(qpus).answer([work, work]))
    with pytest.raises(InputError, match="q9 is not there; choose among q0"):
        run_virtually(Scheduler(qpus).answer([Task("a", (Candidate.of("q9", [PUB]),), 8, SampleContext())]))
    narrow = SimulatedQPU(Dice("q0", 3), Behaviour(), np.random.default_rng(0))
    with pytest.raises(InputError, match="q0 takes 3 qubits"):
        run_virtually(Scheduler([narrow]).answer([work]))
    with pytest.raises(InputError, match="give each backend once"):
        Task("a", (Candidate.of("q0", [PUB]),) * 2, 8, SampleContext())
