"""Several quantum computers at once, in virtual time: nothing lost, nothing twice, as fast as they allow."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling_machines import PUB, Dice, executions, machines, solved, work

from lagrl.quantum.circuits.execution import Execution
from lagrl.quantum.scheduling.scheduler import SchedulerOptions
from lagrl.quantum.scheduling.tasks import Candidate
from lagrl.testing.simulated_machines import Behaviour, SimulatedQPU
from lagrl.testing.virtual_time import run_virtually

pytest.importorskip("qiskit", reason="needs the quantum extra")


def test_without_faults_everything_is_answered_once() -> None:
    """In the order of the work, with the strings of its own seed, and a bill that adds up."""
    qpus = machines([Behaviour()] * 3)
    answers, _, _ = solved(qpus, 20)
    assert [answer.key for answer in answers] == [str(j) for j in range(20)]
    assert all(executions(qpus, answer.key) == 1 for answer in answers)
    assert all(len(answer.attempts) == 1 and not answer.why for answer in answers)
    assert sum(answer.cost.jobs for answer in answers) == 20
    for j, answer in enumerate(answers):
        np.testing.assert_array_equal(answer.codes[0], np.random.default_rng(j).integers(0, 16, (1, 64)))


def test_more_machines_are_faster() -> None:
    """Four with a serial machine each take at most 1/3.2 of one's time."""
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
    st.sampled_from([20.0, 100.0, np.inf]),
)
def test_nothing_is_lost_and_nothing_is_twice(
    seed: int, behaviours: list[Behaviour], n_works: int, queue_length: int, retries: int, deadline: float
) -> None:
    """Whatever machines do: one answer for each piece, codes just where a machine answered, no second execution."""
    qpus = machines(behaviours, seed)
    options = SchedulerOptions(queue_length=queue_length, retries=retries, deadline=deadline, timeout=40.0)
    answers, seconds, _ = solved(qpus, n_works, options)
    assert [answer.key for answer in answers] == [str(j) for j in range(n_works)]
    for answer in answers:
        assert executions(qpus, answer.key) <= 1
        assert (answer.codes is not None) == bool(answer.backend)
        assert answer.backend or answer.why
        if answer.codes is not None:
            assert executions(qpus, answer.key) == 1
            assert answer.codes[0].shape == (1, 64)
    assert np.isfinite(seconds)


def test_faults_cost_time_but_no_answers() -> None:
    """One dead, one hanging, thirty failures in a hundred: the four that are left answer everything."""
    qpus = machines([Behaviour(is_dead=True), Behaviour(hangs=True), *[Behaviour(failures=0.3)] * 4])
    answers, _, scheduler = solved(qpus, 50, SchedulerOptions(timeout=60.0, retries=2))
    assert all(answer.backend in {"q2", "q3", "q4", "q5"} for answer in answers)
    assert scheduler.rating("q0").n_done == scheduler.rating("q1").n_done == 0
    assert scheduler.rating("q0").n_failed <= 10  # the breaker leaves it alone
    assert scheduler.rating("q2").reliability > scheduler.rating("q0").reliability


def test_machines_are_waited_for_until_they_open() -> None:
    """A window that opens later is used, one that never opens again is not waited for."""
    answers, seconds, _ = solved(machines([Behaviour(windows=((500.0, 900.0),))]), 3)
    assert all(answer.backend == "q0" for answer in answers)
    assert seconds > 500.0
    answers, seconds, _ = solved(
        machines([Behaviour(windows=((0.0, 3.0),), overhead_seconds=50.0)]), 8, SchedulerOptions(queue_length=1)
    )
    assert sum(answer.backend == "q0" for answer in answers) == 1
    assert all("nobody takes jobs" in answer.why for answer in answers[1:])


def test_a_thousand_wait_in_their_order() -> None:
    """All are answered, the first to come first."""
    answers, _, _ = solved(machines([Behaviour()] * 8), 400)
    began = [answer.attempts[0].began for answer in answers]
    assert began == sorted(began)


def test_failed_work_goes_first() -> None:
    """It is sent again before work that has not begun."""
    order = []

    class Failing(SimulatedQPU):
        async def run(self, job: object) -> Execution:
            order.append(job.key)
            self.behaviour = Behaviour(failures=float(len(order) == 1))
            return await super().run(job)

    qpu = Failing(Dice("q0"), Behaviour(), np.random.default_rng(0))
    solved([qpu], 5, SchedulerOptions(queue_length=1, backoff=0.0))
    assert order == ["0", "1", "0", "2", "3", "4"]


def test_what_waiting_does_not_mend_is_not_tried_again() -> None:
    """A plan that is used up is found out once, and all else goes elsewhere."""
    qpus = machines([Behaviour(plan_seconds=2.0), Behaviour()])
    answers, _, scheduler = solved(qpus, 12, SchedulerOptions(queue_length=1))
    assert all(answer.backend for answer in answers)
    assert len(qpus[0].executed) == 1
    assert scheduler.rating("q0").n_failed == 0


def test_a_plan_of_unknown_use_is_not_overdrawn() -> None:
    """Until one job has shown what it takes, little is sent where little is left; nothing begins once it is used up."""
    sure = Behaviour(queue_spread=0.0, plan_seconds=3.0)
    qpus = machines([sure, Behaviour()])
    answers, _, _ = solved(qpus, 12)
    assert all(answer.backend for answer in answers)
    assert len(qpus[0].executed) == 1
    assert all(len(answer.attempts) == 1 for answer in answers), "none is refused"

    async def main() -> list[object]:
        qpu = machines([Behaviour(queue_spread=0.0, plan_seconds=3.0)])[0]
        jobs = [qpu.run(work(key, [qpu]).job(Candidate.of("q0", [PUB]))) for key in "abc"]
        return await asyncio.gather(*jobs, return_exceptions=True)

    assert [isinstance(result, Execution) for result in run_virtually(main())] == [True, True, False]


def test_queues_are_bounded() -> None:
    """No more jobs are inside a machine at once than allowed, and wishes decide who comes first."""
    inside = []

    class Watched(SimulatedQPU):
        async def run(self, *args: object, **more: object) -> Execution:
            inside.append(1)
            try:
                return await super().run(*args, **more)
            finally:
                inside.append(-1)

    qpu = Watched(Dice("q0"), Behaviour(), np.random.default_rng(0))
    answers, _, _ = solved([qpu], 12, SchedulerOptions(queue_length=2))
    assert all(answer.backend for answer in answers)
    assert np.cumsum(inside).max() == 2
