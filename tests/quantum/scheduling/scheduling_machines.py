"""Simulated quantum computers that return random strings, executors in threads, and tasks for both."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from lagrl.quantum.circuits.execution import Execution, Pub
from lagrl.quantum.scheduling.scheduler import Scheduler, SchedulerOptions
from lagrl.quantum.scheduling.tasks import Candidate, Task, TaskResult
from lagrl.quantum.scheduling.threads import JobThreads, job_state
from lagrl.relaxation.sampler import SampleContext, SamplingCost
from lagrl.testing.simulated_machines import Behaviour, SimulatedQPU
from lagrl.testing.virtual_time import run_virtually

pytest.importorskip("qiskit", reason="needs the quantum extra")

from lagrl.quantum.circuits.ansatz import make_ansatz

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.quantum.circuits.execution import CircuitExecutor
    from lagrl.quantum.scheduling.qpu import QPU
    from lagrl.quantum.scheduling.tasks import Job

TEMPLATE = make_ansatz("qaoa", 1).template(4)
PUB = Pub(TEMPLATE, np.zeros((1, TEMPLATE.n_parameters)))


@dataclass(frozen=True)
class Dice:
    """Executor that returns random strings at once."""

    name: str
    max_width: int = 12

    def execute(self, pubs: list[Pub], shots: int, rng: np.random.Generator, context: SampleContext) -> Execution:
        codes = [rng.integers(0, 2**pub.template.n_qubits, (len(pub.values), shots)) for pub in pubs]
        return Execution(codes, SamplingCost(circuits=len(pubs), backend=self.name))


@dataclass(frozen=True, eq=False)
class ThreadedQPU:
    """Quantum computer that runs an executor in threads, one job at a time."""

    executor: CircuitExecutor
    threads: JobThreads = field(default_factory=JobThreads)
    max_concurrent_jobs: ClassVar[int] = 1
    has_journal: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return self.executor.name

    @property
    def max_width(self) -> int:
        return self.executor.max_width

    def queue_seconds(self) -> float:
        return 0.0

    def plan_seconds(self) -> float:
        return np.inf

    def opens_in(self, now: float) -> float:
        return self.threads.opens_in(now)

    async def run(self, job: Job) -> Execution:
        return await self.threads.run(self.executor, job)

    def is_running(self, key: str) -> bool:
        return self.threads.is_running(key)

    def job_state(self, job: Job) -> str:
        return job_state(self.executor, job)


def solved(
    qpus: list[SimulatedQPU], n_tasks: int, options: SchedulerOptions | None = None
) -> tuple[list[TaskResult], float, Scheduler]:
    """Run tasks that may run anywhere; return the results, the seconds and the scheduler."""
    scheduler = Scheduler(qpus, options)
    context = SampleContext("run", 0)
    tasks = [Task(f"{j}", tuple(Candidate.of(qpu.name, [PUB]) for qpu in qpus), 64, context, j) for j in range(n_tasks)]

    async def main() -> tuple[list[TaskResult], float]:
        return await scheduler.run(tasks), asyncio.get_running_loop().time()

    results, seconds = run_virtually(main())
    return results, seconds, scheduler


def machines(behaviours: list[Behaviour], seed: int = 0) -> list[SimulatedQPU]:
    """Make a simulated quantum computer of each behaviour."""
    return [
        SimulatedQPU(Dice(f"q{i}"), behaviour, np.random.default_rng([seed, i]))
        for i, behaviour in enumerate(behaviours)
    ]


def executions(qpus: list[SimulatedQPU], key: str) -> int:
    """Count how often a task was executed to its end."""
    return sum(qpu.executed.get(key, 0) for qpu in qpus)


def make_task(key: str, qpus: Sequence[QPU], tiers: dict[str, int] | None = None) -> Task:
    """Make a task that may run anywhere."""
    candidates = tuple(Candidate.of(qpu.name, [PUB], tier=(tiers or {}).get(qpu.name, 0)) for qpu in qpus)
    return Task(key, candidates, 64, SampleContext("run", 0))
