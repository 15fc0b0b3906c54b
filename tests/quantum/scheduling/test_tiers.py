"""Order of candidates: tiers, priorities, and jobs sent by an earlier process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling_machines import PUB, constants, machines

from lagrl.quantum.scheduling.scheduler import Scheduler
from lagrl.quantum.scheduling.tasks import Candidate, Task
from lagrl.relaxation.sampler import SampleContext
from lagrl.testing.simulated_machines import Behaviour, RandomStrings, SimulatedMachine
from lagrl.testing.virtual_time import run_virtually

if TYPE_CHECKING:
    from lagrl.quantum.circuits.backend import Execution, Job

pytest.importorskip("qiskit", reason="needs the quantum extra")


def make_task(key: str, *candidates: Candidate) -> Task:
    """Make a task with these candidates."""
    return Task(key, candidates, 16, SampleContext("run", 0))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12))
def test_higher_tiers_are_for_failures(seed: int, n_tasks: int) -> None:
    """Without a failure no task goes to a higher tier, whatever the queue; behind a dead machine all tasks do."""
    qpus = machines([Behaviour(), Behaviour(queue_seconds=0.0)], seed)
    first, second = Candidate.of("q0", [PUB]), Candidate.of("q1", [PUB], tier=1)
    results = run_virtually(Scheduler(qpus).run([make_task(f"{j}", first, second) for j in range(n_tasks)]))
    assert {result.backend for result in results} == {"q0"}
    qpus = machines([Behaviour(is_dead=True), Behaviour()], seed)
    results = run_virtually(Scheduler(qpus).run([make_task(f"{j}", first, second) for j in range(n_tasks)]))
    assert {result.backend for result in results} == {"q1"}


def test_priorities_decide_within_a_tier() -> None:
    """The candidate of highest priority is used until another is earlier."""
    qpus = machines([Behaviour()] * 3)
    candidates = [Candidate.of("q0", [PUB]), Candidate.of("q1", [PUB], priority=3.0), Candidate.of("q2", [PUB])]
    assert run_virtually(Scheduler(qpus).run([make_task("a", *candidates)]))[0].backend == "q1"
    results = run_virtually(Scheduler(qpus).run([make_task(f"{j}", *candidates) for j in range(12)]))
    taken = [result.backend for result in results]
    assert taken.count("q1") > taken.count("q0") > 0


def test_circuits_are_made_only_where_they_are_sent() -> None:
    """Circuits are made only when they are sent, as angles may need training."""
    made = []

    def candidate(name: str, tier: int) -> Candidate:
        return Candidate(name, lambda: made.append(name) or [PUB], 4, tier=tier)

    run_virtually(Scheduler(machines([Behaviour()] * 2)).run([make_task("a", candidate("q0", 0), candidate("q1", 1))]))
    assert made == ["q0"]


class Remembering(SimulatedMachine):
    """Machine that knows some keys from an earlier process, and has their results."""

    known: frozenset[str] = frozenset()
    has_journal = True

    def job_state(self, job: Job) -> str:
        return "submitted" if job.key in self.known else ""

    async def run(self, job: Job) -> Execution:
        if job.key not in self.known:
            return await super().run(job)
        await asyncio.sleep(0.1)
        return self.backend.run(job)


@pytest.mark.parametrize(
    "closed", [Behaviour(is_dead=True), Behaviour(windows=((0.0, 0.1),)), Behaviour(plan_seconds=1e-9)]
)
def test_a_job_of_an_earlier_process_is_read_first(closed: Behaviour) -> None:
    """A job sent before is read even from a higher tier that takes no jobs; other tasks are not affected."""
    qpus = [*machines([Behaviour()]), Remembering(RandomStrings("q1"), closed, np.random.default_rng(1))]
    qpus[1].known = frozenset({"3"})
    candidates = Candidate.of("q0", [PUB]), Candidate.of("q1", [PUB], tier=1)
    with constants(QUEUE_LENGTH=1):
        results = run_virtually(_later(Scheduler(qpus), [make_task(f"{j}", *candidates) for j in range(5)]))
    assert [result.backend for result in results] == ["q0", "q0", "q0", "q1", "q0"]
    assert not qpus[1].executed


@pytest.mark.parametrize(
    ("states", "expected"),
    [(("intended", "submitted"), "q1"), (("submitted", "finished"), "q1"), (("finished", "submitted"), "q0")],
)
def test_of_several_jobs_the_one_with_most_progress_is_read(states: tuple[str, str], expected: str) -> None:
    """A job that may have been sent does not hide one that was."""

    class Reporting(Remembering):
        def job_state(self, job: Job) -> str:
            return states[int(self.name[1])]

    qpus = [Reporting(RandomStrings(f"q{i}"), Behaviour(), np.random.default_rng(i)) for i in range(2)]
    qpus[int(expected[1])].known = frozenset({"a"})
    [result] = run_virtually(
        Scheduler(qpus).run([make_task("a", Candidate.of("q0", [PUB]), Candidate.of("q1", [PUB]))])
    )
    assert result.backend == expected and len(result.attempts) == 1


async def _later(scheduler: Scheduler, tasks: list[Task]) -> list:
    await scheduler.run([])
    await asyncio.sleep(1.0)
    return await scheduler.run(tasks)
