"""A bandit that learns while one of its two devices drifts: where its circuits go, and how good their strings are.

Both devices are simulated with their noise (the surrogate), behind simulated queues: FakeKingston, whose circuits are
run with FakeCusco's noise from the middle of the run on while its target tells nothing of it, and FakeMarrakesh. Each
step has 12 knapsacks of 8 variables, more wanted than fits. Arms are warm QAOA of 1 layer on the best line of each, and
no circuit. `LinUCB` starts without knowledge; `static` prefers FakeKingston always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lagrl.quantum.bandit.arm_policies import LinUCB, Policy, StaticPolicy
from lagrl.quantum.bandit.arms import Arm
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.decision import ArmDecision
from lagrl.quantum.bandit.fake_backends import NoisyBackend
from lagrl.quantum.bandit.features import NAMES
from lagrl.quantum.bandit.linear_model import LinearModel
from lagrl.quantum.circuits.execution import CircuitExecutor, Execution, Pub
from lagrl.quantum.scheduling.dispatcher import Dispatcher
from lagrl.quantum.scheduling.scheduler import Scheduler
from lagrl.relaxation.sampler import SampleContext, SampleQuery
from lagrl.testing.simulated_machines import Behaviour, SimulatedQPU
from lagrl.testing.virtual_time import VirtualLoop

DRIFTING, OTHER, AFTER = "FakeKingston", "FakeMarrakesh", "FakeCusco"
N_VEHICLES, WIDTH, SHOTS = 12, 8, 256


@dataclass(frozen=True)
class Named:
    """An executor under another name."""

    name: str
    executor: CircuitExecutor

    @property
    def max_width(self) -> int:
        """The executor's."""
        return self.executor.max_width

    def execute(self, pubs: Sequence[Pub], shots: int, rng: np.random.Generator, context: SampleContext) -> Execution:
        """See `CircuitExecutor.execute`."""
        return self.executor.execute(pubs, shots, rng, context)


class Kept:
    """Keeps decisions."""

    def __init__(self) -> None:
        self.decisions: list[ArmDecision] = []

    def note(self, context: SampleContext, decisions: list[ArmDecision]) -> None:
        """See `DecisionLog`."""
        del context
        self.decisions += decisions


_devices = {name: NoisyBackend.of(name) for name in (DRIFTING, OTHER, AFTER)}  # circuits are compiled once


def drift_rows(seed: int, n_steps: int) -> list[dict[str, Any]]:
    """Run both policies; return the shares of work and the mean reward before and after the drift."""
    rows = []
    policies: dict[str, Policy] = {
        "LinUCB": LinUCB(LinearModel(len(NAMES)), 0.2),
        "static": StaticPolicy((_arm(DRIFTING),)),
    }
    for name, policy in policies.items():
        steps = _run(policy, seed, n_steps)
        for when, part in (("before", steps[: n_steps // 2]), ("after", steps[n_steps // 2 :])):
            decisions = [decision for step in part for decision in step]
            place = [decision.answered.backend for decision in decisions]
            row = {"kind": "drift", "seed": seed, "policy": name, "when": when, "choices": len(decisions)}
            shares = {"drifting": _devices[DRIFTING].name, "other": _devices[OTHER].name, "product": ""}
            row |= {kind: place.count(backend) / len(place) for kind, backend in shares.items()}
            rows.append(row | {"reward": float(np.mean([decision.reward for decision in decisions]))})
    return rows


def _arm(device: str) -> Arm:
    return Arm(_devices[device].name, "line0", "qaoa", 1)


def _run(policy: Policy, seed: int, n_steps: int) -> list[list[ArmDecision]]:
    backends = (_devices[DRIFTING], _devices[OTHER])
    qpus = [
        SimulatedQPU(Named(backend.name, backend.executor("line0")), Behaviour(), np.random.default_rng([seed, i]))
        for i, backend in enumerate(backends)
    ]
    arms = (_arm(DRIFTING), _arm(OTHER))
    log = Kept()
    sampler = BanditSampler(
        backends,
        policy,
        arms,
        width=WIDTH,
        log=log,
        dispatcher=Dispatcher(Scheduler(qpus), VirtualLoop),
    )
    rng = np.random.default_rng(seed)
    steps = []
    for step in range(n_steps):
        if step == n_steps // 2:
            qpus[0].executor = Named(backends[0].name, _devices[AFTER].executor("line0"))
        demand = rng.integers(5, 40, size=WIDTH)
        reduced_cost = -rng.uniform(0.2, 1.0, size=(N_VEHICLES, WIDTH))
        capacity = np.full(N_VEHICLES, int(0.5 * demand.sum()))
        sampler.sample(SampleQuery(reduced_cost, demand, capacity, SHOTS, rng, SampleContext("drift", step)))
        steps.append(log.decisions)
        log.decisions = []
    sampler.close()
    return steps
