"""Simulated machines that return random strings, and tasks for them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lagrl.quantum.circuits.backend import Pub
from lagrl.quantum.scheduling import machine, scheduler
from lagrl.quantum.scheduling.scheduler import TIMEOUT, Scheduler
from lagrl.quantum.scheduling.tasks import Candidate, Task, TaskResult
from lagrl.relaxation.sampler import SampleContext
from lagrl.testing.simulated_machines import Behaviour, RandomStrings, SimulatedMachine
from lagrl.testing.virtual_time import run_virtually

pytest.importorskip("qiskit", reason="needs the quantum extra")

from lagrl.quantum.circuits.ansatz import make_ansatz

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lagrl.quantum.scheduling.machine import Machine

TEMPLATE = make_ansatz("qaoa", 1).template(4)
PUB = Pub(TEMPLATE, np.zeros((1, TEMPLATE.n_parameters)))


@contextmanager
def constants(**values: float) -> Iterator[None]:
    """Set constants of the scheduler and its machines for a while, such as RETRIES."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(machine if hasattr(machine, name) else scheduler, name, value)
        yield


def solved(
    qpus: list[SimulatedMachine], n_tasks: int, timeout: float = TIMEOUT
) -> tuple[list[TaskResult], float, Scheduler]:
    """Run tasks that may run anywhere; return the results, the seconds and the scheduler."""
    made = Scheduler(qpus, timeout)
    context = SampleContext("run", 0)
    tasks = [Task(f"{j}", tuple(Candidate.of(qpu.name, [PUB]) for qpu in qpus), 64, context, j) for j in range(n_tasks)]

    async def main() -> tuple[list[TaskResult], float]:
        return await made.run(tasks), asyncio.get_running_loop().time()

    results, seconds = run_virtually(main())
    return results, seconds, made


def machines(behaviours: list[Behaviour], seed: int = 0) -> list[SimulatedMachine]:
    """Make a simulated quantum computer of each behaviour."""
    return [
        SimulatedMachine(RandomStrings(f"q{i}"), behaviour, np.random.default_rng([seed, i]))
        for i, behaviour in enumerate(behaviours)
    ]


def executions(qpus: list[SimulatedMachine], key: str) -> int:
    """Count how often a task was executed to its end."""
    return sum(qpu.executed.get(key, 0) for qpu in qpus)


def make_task(key: str, qpus: Sequence[Machine], tiers: dict[str, int] | None = None) -> Task:
    """Make a task that may run anywhere."""
    candidates = tuple(Candidate.of(qpu.name, [PUB], tier=(tiers or {}).get(qpu.name, 0)) for qpu in qpus)
    return Task(key, candidates, 64, SampleContext("run", 0))
