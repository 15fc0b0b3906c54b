"""How long results are waited for, and what becomes of jobs that are given up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scheduling_machines import PUB, Dice, executions, machines, solved, work

from lagrl.quantum.scheduling.scheduler import Scheduler, SchedulerOptions
from lagrl.quantum.scheduling.tasks import Candidate, TaskResult, Usage
from lagrl.relaxation.sampler import SamplingCost
from lagrl.testing.simulated_machines import Behaviour, SimulatedQPU
from lagrl.testing.virtual_time import run_virtually

if TYPE_CHECKING:
    from lagrl.quantum.circuits.execution import Execution

pytest.importorskip("qiskit", reason="needs the quantum extra")


def test_work_that_may_still_run_is_not_sent_again() -> None:
    """A job that is on the machine when its time is over stays its only one; the asker falls back."""
    qpus = machines([Behaviour(overhead_seconds=100.0, queue_seconds=0.0), Behaviour(queue_seconds=1000.0)])
    answers, _, _ = solved(qpus, 1, SchedulerOptions(timeout=50.0))
    [answer] = answers
    assert (answer.backend, answer.codes) == ("", None)
    assert answer.attempts[0].is_open
    assert "it may still run" in answer.why
    assert len(answer.attempts) == 1


def test_a_result_in_the_very_moment_of_giving_up_is_not_executed_twice() -> None:
    """Times without chance, so that the job ends just when its time is over."""
    sure = Behaviour(submit_seconds=0.0, queue_seconds=0.0, queue_spread=0.0, overhead_seconds=50.0, shot_seconds=0.0)
    qpus = machines([sure, sure])
    answers, _, _ = solved(qpus, 2, SchedulerOptions(timeout=50.0))
    assert all(executions(qpus, answer.key) == 1 for answer in answers)


def test_jobs_given_up_keep_the_machine() -> None:
    """What runs cannot be stopped: the next job begins when it has ended."""
    qpu = SimulatedQPU(Dice("q0"), Behaviour(queue_seconds=0.0, overhead_seconds=100.0), np.random.default_rng(0))

    async def main() -> float:
        jobs = [asyncio.ensure_future(qpu.run(work(key, [qpu]).job(Candidate.of("q0", [PUB])))) for key in "ab"]
        await asyncio.sleep(50.0)
        jobs[0].cancel()
        await asyncio.wait(jobs)
        assert qpu.is_running("a") and not qpu.is_running("b")
        return asyncio.get_running_loop().time()

    assert run_virtually(main()) > 200.0
    assert qpu.executed == {"a": 1, "b": 1}


def test_without_end_of_patience_silence_is_waited_for_until_somebody_cancels() -> None:
    """And cancelling leaves no place taken, so that later work is answered."""
    qpus = machines([Behaviour(hangs=True), Behaviour()])
    scheduler = Scheduler(qpus, SchedulerOptions(timeout=np.inf, patience=np.inf))

    async def main() -> list[TaskResult]:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1e7):
                await scheduler.answer([work("a", qpus[:1])])
        return await scheduler.answer([work("b", qpus[1:])])

    assert run_virtually(main())[0].backend == "q1"
    assert all(slot.n_inside == 0 for slot in scheduler._slots.values())


def test_patience_counts_for_jobs_sent_before_anything_was_known() -> None:
    """What a hanging machine took at the start is taken back once others have shown how long it takes."""
    answers, seconds, _ = solved(machines([Behaviour(hangs=True), *[Behaviour()] * 3]), 20)
    assert all(answer.backend in {"q1", "q2", "q3"} for answer in answers)
    assert seconds < 120.0


@pytest.mark.parametrize(("least", "is_patient"), [(0.0, False), (60.0, True)])
def test_patience_has_a_floor(least: float, is_patient: bool) -> None:
    """A job a hundred times slower than the others is waited for all the same."""
    quick = Behaviour(submit_seconds=0.0, queue_seconds=0.001, overhead_seconds=0.001, shot_seconds=0.0)
    qpus = machines([quick, Behaviour(queue_seconds=0.0, overhead_seconds=50.0)])
    scheduler = Scheduler(qpus, SchedulerOptions(least_timeout=least))

    async def main() -> list[TaskResult]:
        await scheduler.answer([work(f"{j}", qpus[:1]) for j in range(5)])
        return await scheduler.answer([work("slow", qpus[1:])])

    [answer] = run_virtually(main())
    assert (answer.backend == "q1") == is_patient


def test_a_trial_that_is_cancelled_is_tried_again() -> None:
    """A machine that is trying to come back is not left alone for ever because nobody waited for its trial."""

    class Mended(SimulatedQPU):
        async def run(self, *args: object) -> Execution:
            self.behaviour = Behaviour(is_dead=asyncio.get_running_loop().time() < 10.0, queue_seconds=100.0)
            return await super().run(*args)

    qpu = Mended(Dice("q0"), Behaviour(), np.random.default_rng(0))
    scheduler = Scheduler([qpu], SchedulerOptions(threshold=1, retries=0, timeout=1e4, pause=30.0))

    async def main() -> list[TaskResult]:
        assert not (await scheduler.answer([work("a", [qpu])]))[0].backend
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(50.0):
                await scheduler.answer([work("b", [qpu])])
        return await scheduler.answer([work("c", [qpu])])

    assert run_virtually(main())[0].backend == "q0"


def test_jobs_given_up_are_billed() -> None:
    """Whether taken back or not: they were sent."""
    qpus = machines([Behaviour(overhead_seconds=100.0, queue_seconds=0.0)])
    [answer] = solved(qpus, 1, SchedulerOptions(timeout=50.0))[0]
    assert (answer.cost.jobs, answer.cost.backend) == (1, "q0")
    qpus = machines([Behaviour(hangs=True), Behaviour()])
    [answer] = solved(qpus[:1], 1, SchedulerOptions(timeout=50.0, retries=1))[0]
    assert answer.cost.jobs == 2


def test_a_bill_has_every_job_once() -> None:
    """Of one that is asked for again what is known last, or was known before; others add up."""
    bill = Usage()
    bill.add(SamplingCost(jobs=1, backend="a", seconds=1.0), is_same_job=True)
    bill.add(SamplingCost(jobs=1, qpu_seconds=3.0, backend="a", seconds=2.0), is_same_job=True)
    bill.add(SamplingCost(jobs=1, backend="a", seconds=4.0), is_same_job=False)
    assert bill.total == SamplingCost(jobs=1, qpu_seconds=3.0, backend="a", seconds=7.0)
    bill.add(SamplingCost(jobs=1, qpu_seconds=2.0, backend="b"), is_same_job=False)
    assert bill.total == SamplingCost(jobs=2, qpu_seconds=5.0, backend="a + b", seconds=7.0)
