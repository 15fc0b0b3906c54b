"""Timeouts: how long results are waited for, and what happens to jobs given up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scheduling_machines import PUB, constants, executions, machines, make_task, solved

from lagrl.quantum.scheduling.scheduler import Scheduler
from lagrl.quantum.scheduling.tasks import Candidate, TaskResult, better_known
from lagrl.relaxation.sampler import SamplingCost
from lagrl.testing.simulated_machines import Behaviour, RandomStrings, SimulatedMachine
from lagrl.testing.virtual_time import run_virtually

if TYPE_CHECKING:
    from lagrl.quantum.circuits.backend import Execution

pytest.importorskip("qiskit", reason="needs the quantum extra")


def test_a_job_that_may_still_run_is_not_sent_again() -> None:
    """A job that is running at its timeout is not sent again; the task has no result."""
    qpus = machines([Behaviour(overhead_seconds=100.0, queue_seconds=0.0), Behaviour(queue_seconds=1000.0)])
    results, _, _ = solved(qpus, 1, 50.0)
    [result] = results
    assert (result.backend, result.codes) == ("", None)
    assert result.attempts[0].is_open
    assert "it may still run" in result.why
    assert len(result.attempts) == 1


def test_a_result_at_the_timeout_is_not_executed_twice() -> None:
    """Jobs that end exactly at their timeout are executed once."""
    sure = Behaviour(submit_seconds=0.0, queue_seconds=0.0, queue_spread=0.0, overhead_seconds=50.0, shot_seconds=0.0)
    qpus = machines([sure, sure])
    results, _, _ = solved(qpus, 2, 50.0)
    assert all(executions(qpus, result.key) == 1 for result in results)


def test_jobs_given_up_keep_the_machine() -> None:
    """A running job cannot be stopped: the next one starts after it."""
    qpu = SimulatedMachine(
        RandomStrings("q0"), Behaviour(queue_seconds=0.0, overhead_seconds=100.0), np.random.default_rng(0)
    )

    async def main() -> float:
        sent = [make_task(key, [qpu]).job(Candidate.of("q0", [PUB])) for key in "ab"]
        jobs = [asyncio.ensure_future(qpu.run(job)) for job in sent]
        await asyncio.sleep(50.0)
        jobs[0].cancel()
        await asyncio.wait(jobs)
        assert sent[0].control.may_run and jobs[0].cancelled()
        return asyncio.get_running_loop().time()

    assert run_virtually(main()) > 200.0
    assert qpu.executed == {"a": 1, "b": 1}


def test_without_timeouts_a_hanging_machine_is_waited_for_until_the_caller_cancels() -> None:
    """A hanging machine is waited for until the caller cancels; cancelling frees the slot for later tasks."""
    qpus = machines([Behaviour(hangs=True), Behaviour()])
    scheduler = Scheduler(qpus, np.inf)

    async def main() -> list[TaskResult]:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1e7):
                await scheduler.run([make_task("a", qpus[:1])])
        return await scheduler.run([make_task("b", qpus[1:])])

    assert run_virtually(main())[0].backend == "q1"
    assert all(own.n_jobs == 0 for own in scheduler._machines.values())


def test_patience_applies_to_jobs_sent_before_times_were_known() -> None:
    """Jobs sent to a hanging machine at the start are withdrawn once other machines have shown their times."""
    results, seconds, _ = solved(machines([Behaviour(hangs=True), *[Behaviour()] * 3]), 20)
    assert all(result.backend in {"q1", "q2", "q3"} for result in results)
    assert seconds < 120.0


@pytest.mark.parametrize(("least", "is_patient"), [(0.0, False), (60.0, True)])
def test_patience_has_a_floor(least: float, is_patient: bool) -> None:
    """A job slower than the others is still waited for until the least timeout."""
    quick = Behaviour(submit_seconds=0.0, queue_seconds=0.001, overhead_seconds=0.001, shot_seconds=0.0)
    qpus = machines([quick, Behaviour(queue_seconds=0.0, overhead_seconds=50.0)])
    scheduler = Scheduler(qpus)

    async def main() -> list[TaskResult]:
        await scheduler.run([make_task(f"{j}", qpus[:1]) for j in range(5)])
        return await scheduler.run([make_task("slow", qpus[1:])])

    with constants(LEAST_TIMEOUT=least):
        [result] = run_virtually(main())
    assert (result.backend == "q1") == is_patient


def test_a_trial_that_is_cancelled_is_tried_again() -> None:
    """A machine whose trial was cancelled gets another trial."""

    class Mended(SimulatedMachine):
        async def run(self, *args: object) -> Execution:
            self.behaviour = Behaviour(is_dead=asyncio.get_running_loop().time() < 10.0, queue_seconds=100.0)
            return await super().run(*args)

    qpu = Mended(RandomStrings("q0"), Behaviour(), np.random.default_rng(0))
    scheduler = Scheduler([qpu], 1e4)

    async def main() -> list[TaskResult]:
        assert not (await scheduler.run([make_task("a", [qpu])]))[0].backend
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(50.0):
                await scheduler.run([make_task("b", [qpu])])
        return await scheduler.run([make_task("c", [qpu])])

    with constants(THRESHOLD=1, RETRIES=0):
        assert run_virtually(main())[0].backend == "q0"


def test_jobs_given_up_are_charged() -> None:
    """Jobs given up are charged, withdrawn or not, as they were sent."""
    qpus = machines([Behaviour(overhead_seconds=100.0, queue_seconds=0.0)])
    [result] = solved(qpus, 1, 50.0)[0]
    assert (result.cost.jobs, result.cost.backend) == (1, "q0")
    qpus = machines([Behaviour(hangs=True), Behaviour()])
    [result] = solved(qpus[:1], 1, 50.0)[0]
    assert result.cost.jobs == 2


def test_a_job_that_is_read_again_counts_once() -> None:
    """Of two reports of a job's cost the better known values count; the seconds of both attempts add up."""
    first = SamplingCost(jobs=1, backend="a", seconds=1.0)
    again = better_known(first, SamplingCost(jobs=1, qpu_seconds=3.0, backend="a", seconds=2.0))
    assert again == SamplingCost(jobs=1, qpu_seconds=3.0, backend="a", seconds=3.0)
    assert better_known(again, first) == SamplingCost(jobs=1, qpu_seconds=3.0, backend="a", seconds=4.0)
