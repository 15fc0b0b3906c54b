"""Several quantum computers in virtual time: no task is lost or executed twice, and machines add speed."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling_machines import PUB, constants, executions, machines, make_task, solved

from lagrl.quantum.circuits.backend import Execution
from lagrl.quantum.scheduling.tasks import Candidate
from lagrl.testing.simulated_machines import Behaviour, RandomStrings, SimulatedMachine
from lagrl.testing.virtual_time import run_virtually

pytest.importorskip("qiskit", reason="needs the quantum extra")


def test_without_faults_every_task_runs_once() -> None:
    """Results are in the order of the tasks, with strings of their own seeds, and costs add up."""
    qpus = machines([Behaviour()] * 3)
    results, _, _ = solved(qpus, 20)
    assert [result.key for result in results] == [str(j) for j in range(20)]
    assert all(executions(qpus, result.key) == 1 for result in results)
    assert all(len(result.attempts) == 1 and not result.why for result in results)
    assert sum(result.cost.jobs for result in results) == 20
    for j, result in enumerate(results):
        np.testing.assert_array_equal(result.codes[0], np.random.default_rng(j).integers(0, 16, (1, 64)))


def test_more_machines_are_faster() -> None:
    """Four serial machines take at most 1/3.2 of the time of one."""
    alone = solved(machines([Behaviour()]), 40)[1]
    four = solved(machines([Behaviour()] * 4), 40)[1]
    assert alone / four > 3.2


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(
        st.builds(
            Behaviour,
            failures=st.sampled_from([0.0, 0.3, 1.0]),
            hangs=st.booleans(),
            is_dead=st.booleans(),
            queue_seconds=st.sampled_from([0.0, 3.0, 500.0]),
            windows=st.sampled_from([(), ((5.0, 30.0),), ((0.0, 4.0), (100.0, 200.0))]),
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 15),
    st.integers(1, 3),
    st.integers(0, 2),
)
def test_no_task_is_lost_or_executed_twice(
    seed: int, behaviours: list[Behaviour], n_tasks: int, queue_length: int, retries: int
) -> None:
    """For any behaviour: one result per task, codes only if a machine returned them, no second execution."""
    qpus = machines(behaviours, seed)
    with constants(QUEUE_LENGTH=queue_length, RETRIES=retries):
        results, seconds, _ = solved(qpus, n_tasks, 40.0)
    assert [result.key for result in results] == [str(j) for j in range(n_tasks)]
    for result in results:
        assert executions(qpus, result.key) <= 1
        assert (result.codes is not None) == bool(result.backend)
        assert result.backend or result.why
        if result.codes is not None:
            assert executions(qpus, result.key) == 1
            assert result.codes[0].shape == (1, 64)
    assert np.isfinite(seconds)


def test_faults_cost_time_but_no_results() -> None:
    """With one dead, one hanging and four unreliable machines, the last four return all results."""
    qpus = machines([Behaviour(is_dead=True), Behaviour(hangs=True), *[Behaviour(failures=0.3)] * 4])
    with constants(RETRIES=2):
        results, _, scheduler = solved(qpus, 50, 60.0)
    assert all(result.backend in {"q2", "q3", "q4", "q5"} for result in results)
    assert scheduler.rating("q0").n_done == scheduler.rating("q1").n_done == 0
    assert scheduler.rating("q0").n_failed <= 10  # the breaker leaves it alone
    assert scheduler.rating("q2").reliability > scheduler.rating("q0").reliability


def test_machines_are_waited_for_until_they_open() -> None:
    """A window that opens later is used; one that never opens again is not waited for."""
    results, seconds, _ = solved(machines([Behaviour(windows=((500.0, 900.0),))]), 3)
    assert all(result.backend == "q0" for result in results)
    assert seconds > 500.0
    with constants(QUEUE_LENGTH=1):
        results, seconds, _ = solved(machines([Behaviour(windows=((0.0, 3.0),), overhead_seconds=50.0)]), 8)
    assert sum(result.backend == "q0" for result in results) == 1
    assert all("nobody takes jobs" in result.why for result in results[1:])


def test_a_thousand_wait_in_their_order() -> None:
    """All tasks get a result, in the order of their arrival."""
    results, _, _ = solved(machines([Behaviour()] * 8), 400)
    began = [result.attempts[0].began for result in results]
    assert began == sorted(began)


def test_failed_work_goes_first() -> None:
    """A failed task is sent again before tasks that were not sent yet."""
    order = []

    class Failing(SimulatedMachine):
        async def run(self, job: object) -> Execution:
            order.append(job.key)
            self.behaviour = Behaviour(failures=float(len(order) == 1))
            return await super().run(job)

    qpu = Failing(RandomStrings("q0"), Behaviour(), np.random.default_rng(0))
    with constants(QUEUE_LENGTH=1, BACKOFF=0.0):
        solved([qpu], 5)
    assert order == ["0", "1", "0", "2", "3", "4"]


def test_final_failures_are_not_retried() -> None:
    """An exhausted plan is detected once, and all other tasks go elsewhere."""
    qpus = machines([Behaviour(plan_seconds=2.0), Behaviour()])
    with constants(QUEUE_LENGTH=1):
        results, _, scheduler = solved(qpus, 12)
    assert all(result.backend for result in results)
    assert len(qpus[0].executed) == 1
    assert scheduler.rating("q0").n_failed == 0


def test_a_plan_of_unknown_use_is_not_overdrawn() -> None:
    """Until one job was charged, few jobs are sent to a small plan; nothing starts once it is exhausted."""
    sure = Behaviour(queue_spread=0.0, plan_seconds=3.0)
    qpus = machines([sure, Behaviour()])
    results, _, _ = solved(qpus, 12)
    assert all(result.backend for result in results)
    assert len(qpus[0].executed) == 1
    assert all(len(result.attempts) == 1 for result in results), "none is refused"

    async def main() -> list[object]:
        qpu = machines([Behaviour(queue_spread=0.0, plan_seconds=3.0)])[0]
        jobs = [qpu.run(make_task(key, [qpu]).job(Candidate.of("q0", [PUB]))) for key in "abc"]
        return await asyncio.gather(*jobs, return_exceptions=True)

    assert [isinstance(result, Execution) for result in run_virtually(main())] == [True, True, False]


def test_queues_are_bounded() -> None:
    """A machine never holds more jobs than allowed."""
    inside = []

    class Watched(SimulatedMachine):
        async def run(self, *args: object, **more: object) -> Execution:
            inside.append(1)
            try:
                return await super().run(*args, **more)
            finally:
                inside.append(-1)

    qpu = Watched(RandomStrings("q0"), Behaviour(), np.random.default_rng(0))
    with constants(QUEUE_LENGTH=2):
        results, _, _ = solved([qpu], 12)
    assert all(result.backend for result in results)
    assert np.cumsum(inside).max() == 2
