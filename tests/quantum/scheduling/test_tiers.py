"""Who comes first: tiers, wishes, what an earlier process sent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling_machines import PUB, Dice, machines

from lagrl.quantum.scheduling.scheduler import Scheduler, SchedulerOptions
from lagrl.quantum.scheduling.tasks import Candidate, Job, Task
from lagrl.relaxation.sampler import SampleContext
from lagrl.testing.simulated_machines import Behaviour, SimulatedQPU
from lagrl.testing.virtual_time import run_virtually

if TYPE_CHECKING:
    from lagrl.quantum.circuits.execution import Execution

pytest.importorskip("qiskit", reason="needs the quantum extra")


def work(key: str, *options: Candidate) -> Task:
    """Make a piece of work."""
    return Task(key, options, 16, SampleContext("run", 0))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12))
def test_higher_tiers_are_for_failures(seed: int, n_works: int) -> None:
    """Without one nothing goes there, however long the queue; behind a dead machine everything does."""
    qpus = machines([Behaviour(), Behaviour(queue_seconds=0.0)], seed)
    first, second = Candidate.of("q0", [PUB]), Candidate.of("q1", [PUB], tier=1)
    answers = run_virtually(Scheduler(qpus).answer([work(f"{j}", first, second) for j in range(n_works)]))
    assert {answer.backend for answer in answers} == {"q0"}
    qpus = machines([Behaviour(is_dead=True), Behaviour()], seed)
    answers = run_virtually(Scheduler(qpus).answer([work(f"{j}", first, second) for j in range(n_works)]))
    assert {answer.backend for answer in answers} == {"q1"}


def test_wishes_decide_among_equals() -> None:
    """The most wanted takes work until it is so full that another is earlier."""
    qpus = machines([Behaviour()] * 3)
    options = [Candidate.of("q0", [PUB]), Candidate.of("q1", [PUB], priority=3.0), Candidate.of("q2", [PUB])]
    assert run_virtually(Scheduler(qpus).answer([work("a", *options)]))[0].backend == "q1"
    answers = run_virtually(Scheduler(qpus).answer([work(f"{j}", *options) for j in range(12)]))
    taken = [answer.backend for answer in answers]
    assert taken.count("q1") > taken.count("q0") > 0


def test_circuits_are_made_only_where_they_are_sent() -> None:
    """Angles may have to be trained."""
    made = []

    def option(name: str, tier: int) -> Candidate:
        return Candidate(name, lambda: made.append(name) or [PUB], 4, tier=tier)

    run_virtually(Scheduler(machines([Behaviour()] * 2)).answer([work("a", option("q0", 0), option("q1", 1))]))
    assert made == ["q0"]


@dataclass(eq=False)
class Remembering(SimulatedQPU):
    """Knows some keys from an earlier process, and has their results at once."""

    known: frozenset[str] = frozenset()

    @property
    def has_journal(self) -> bool:
        return True

    def job_state(self, job: Job) -> str:
        return "submitted" if job.key in self.known else ""

    async def run(self, job: Job) -> Execution:
        if job.key not in self.known:
            return await super().run(job)
        await asyncio.sleep(0.1)
        return self.executor.execute(job.pubs, job.shots, np.random.default_rng(job.seed), job.context)


@pytest.mark.parametrize(
    "closed", [Behaviour(is_dead=True), Behaviour(windows=((0.0, 0.1),)), Behaviour(plan_seconds=1e-9)]
)
def test_what_an_earlier_process_sent_is_asked_for_first(closed: Behaviour) -> None:
    """Even of a higher tier, where nothing is sent any more; all else goes where it would."""
    qpus = [
        *machines([Behaviour()]),
        Remembering(Dice("q1"), closed, np.random.default_rng(1), known=frozenset({"3"})),
    ]
    options = Candidate.of("q0", [PUB]), Candidate.of("q1", [PUB], tier=1)
    scheduler = Scheduler(qpus, SchedulerOptions(queue_length=1))
    scheduler_answers = run_virtually(_later(scheduler, [work(f"{j}", *options) for j in range(5)]))
    assert [answer.backend for answer in scheduler_answers] == ["q0", "q0", "q0", "q1", "q0"]
    assert not qpus[1].executed


@pytest.mark.parametrize(
    ("states", "asked"),
    [(("intended", "submitted"), "q1"), (("submitted", "finished"), "q1"), (("finished", "submitted"), "q0")],
)
def test_of_several_the_furthest_is_asked(states: tuple[str, str], asked: str) -> None:
    """A job that may have been sent does not hide one that was."""

    class Told(Remembering):
        def job_state(self, job: Job) -> str:
            return states[int(self.name[1])]

    qpus = [
        Told(Dice(f"q{i}"), Behaviour(), np.random.default_rng(i), known=frozenset({"a"} if f"q{i}" == asked else ()))
        for i in range(2)
    ]
    [answer] = run_virtually(Scheduler(qpus).answer([work("a", Candidate.of("q0", [PUB]), Candidate.of("q1", [PUB]))]))
    assert answer.backend == asked and len(answer.attempts) == 1


async def _later(scheduler: Scheduler, works: list[Task]) -> list:
    await scheduler.answer([])
    await asyncio.sleep(1.0)
    return await scheduler.answer(works)
