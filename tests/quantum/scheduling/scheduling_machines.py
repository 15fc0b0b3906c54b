"""Simulated machines that answer by dice, and work for them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
import pytest

from lagrl.quantum.circuits.execution import Execution, Pub
from lagrl.quantum.scheduling.scheduler import Scheduler, SchedulerOptions
from lagrl.quantum.scheduling.tasks import Candidate, Task, TaskResult
from lagrl.relaxation.sampler import SampleContext, SamplingCost
from lagrl.testing.simulated_machines import Behaviour, SimulatedQPU
from lagrl.testing.virtual_time import run_virtually

pytest.importorskip("qiskit", reason="needs the quantum extra")

from lagrl.quantum.circuits.ansatz import make_ansatz

TEMPLATE = make_ansatz("qaoa", 1).template(4)
PUB = Pub(TEMPLATE, np.zeros((1, TEMPLATE.n_parameters)))


@dataclass(frozen=True)
class Dice:
    """Answers with random strings, at once."""

    name: str
    max_width: int = 12

    def execute(self, pubs: list[Pub], shots: int, rng: np.random.Generator, context: SampleContext) -> Execution:
        codes = [rng.integers(0, 2**pub.template.n_qubits, (len(pub.values), shots)) for pub in pubs]
        return Execution(codes, SamplingCost(circuits=len(pubs), backend=self.name))


def solved(
    qpus: list[SimulatedQPU], n_works: int, options: SchedulerOptions | None = None
) -> tuple[list[TaskResult], float, Scheduler]:
    """Answer so many pieces of work that may go anywhere; return the answers, the seconds and the scheduler."""
    scheduler = Scheduler(qpus, options)
    context = SampleContext("run", 0)
    works = [Task(f"{j}", tuple(Candidate.of(qpu.name, [PUB]) for qpu in qpus), 64, context, j) for j in range(n_works)]

    async def main() -> tuple[list[TaskResult], float]:
        return await scheduler.answer(works), asyncio.get_running_loop().time()

    answers, seconds = run_virtually(main())
    return answers, seconds, scheduler


def machines(behaviours: list[Behaviour], seed: int = 0) -> list[SimulatedQPU]:
    """Make one of each behaviour."""
    return [
        SimulatedQPU(Dice(f"q{i}"), behaviour, np.random.default_rng([seed, i]))
        for i, behaviour in enumerate(behaviours)
    ]


def executions(qpus: list[SimulatedQPU], key: str) -> int:
    """Count how often a piece of work was executed to its end."""
    return sum(qpu.executed.get(key, 0) for qpu in qpus)


def work(key: str, qpus: list[SimulatedQPU], tiers: dict[str, int] | None = None) -> Task:
    """Make a piece of work that may go anywhere."""
    options = tuple(Candidate.of(qpu.name, [PUB], tier=(tiers or {}).get(qpu.name, 0)) for qpu in qpus)
    return Task(key, options, 64, SampleContext("run", 0))
