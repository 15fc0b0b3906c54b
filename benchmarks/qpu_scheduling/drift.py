"""A bandit that learns while one of its two devices drifts: where its circuits go, and how good their strings are.

Both devices are simulated with their noise (the surrogate), behind simulated queues: FakeKingston, whose circuits are
run with FakeCusco's noise from the middle of the run on while its target tells nothing of it, and FakeMarrakesh. Each
step has 12 knapsacks of 8 variables, more wanted than fits. Arms are warm QAOA of 1 layer on the best line of each, and
no circuit. `LinUCB` starts without knowledge; `static` prefers FakeKingston always.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lagrl.quantum.bandit.arm_policies import LinearModel, LinUCB, Policy, StaticPolicy
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import NAMES, Arm, ArmDecision
from lagrl.quantum.scheduling.scheduler import Dispatcher, Scheduler
from lagrl.quantum.simulators.line_backend import SurrogateBackend
from lagrl.relaxation.sampler import SampleContext, SampleQuery
from lagrl.testing.simulated_machines import Behaviour, SimulatedMachine
from lagrl.testing.virtual_time import VirtualLoop

DRIFTING, OTHER, AFTER = "FakeKingston", "FakeMarrakesh", "FakeCusco"
N_VEHICLES, WIDTH, SHOTS = 12, 8, 256


class Kept:
    """Keeps decisions."""

    def __init__(self) -> None:
        self.decisions: list[ArmDecision] = []

    def note(self, context: SampleContext, decisions: list[ArmDecision]) -> None:
        """See `DecisionLog`."""
        del context
        self.decisions += decisions


_backends = {name: SurrogateBackend.of(name) for name in (DRIFTING, OTHER, AFTER)}  # circuits are compiled once


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
            shares = {"drifting": DRIFTING, "other": OTHER, "product": ""}
            row |= {kind: place.count(backend) / len(place) for kind, backend in shares.items()}
            rows.append(row | {"reward": float(np.mean([decision.reward for decision in decisions]))})
    return rows


def _arm(device: str) -> Arm:
    return Arm(device, "line0", "qaoa", 1)


def _run(policy: Policy, seed: int, n_steps: int) -> list[list[ArmDecision]]:
    backends = {name: _backends[name] for name in (DRIFTING, OTHER)}
    qpus = [
        SimulatedMachine(backend, Behaviour(), np.random.default_rng([seed, i]), name)
        for i, (name, backend) in enumerate(backends.items())
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
            qpus[0].backend = _backends[AFTER]
        demand = rng.integers(5, 40, size=WIDTH)
        reduced_cost = -rng.uniform(0.2, 1.0, size=(N_VEHICLES, WIDTH))
        capacity = np.full(N_VEHICLES, int(0.5 * demand.sum()))
        sampler.sample(SampleQuery(reduced_cost, demand, capacity, SHOTS, rng, SampleContext("drift", step)))
        steps.append(log.decisions)
        log.decisions = []
    sampler.close()
    return steps
