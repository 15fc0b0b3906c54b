"""Results of a simulator do not depend on its speed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("qiskit_aer")
pytest.importorskip("qiskit_ibm_runtime")

from small_knapsacks import knapsacks

from lagrl.quantum.bandit.arm_policies import StaticPolicy
from lagrl.quantum.bandit.arms import Arm
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.fake_backends import NoisyBackend
from lagrl.quantum.circuits.execution import Execution
from lagrl.relaxation.sampler import SampleContext, SampleQuery, SamplingCost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.quantum.circuits.execution import Pub
    from lagrl.quantum.devices.noisy_device import NoisyDevice


class Slow:
    """Executor that is slow in the fortieth call."""

    max_width = 8

    def __init__(self, device: NoisyDevice) -> None:
        self.name = f"slow ({device.name})"
        self.calls = 0

    def execute(self, pubs: Sequence[Pub], shots: int, rng: np.random.Generator, context: SampleContext) -> Execution:
        """Return random strings for all circuits."""
        self.calls += 1
        if self.calls == 40:
            time.sleep(0.5)
        codes = [rng.integers(2**pub.template.n_qubits, size=(len(pub.values), shots)) for pub in pubs]
        return Execution(codes, SamplingCost(circuits=len(pubs), backend=self.name))


def test_a_slow_simulator_is_waited_for() -> None:
    """A step that takes a hundred times as long as earlier ones still returns strings of its circuits."""
    backend = NoisyBackend.of("FakeMumbai", Slow)
    arm = Arm(backend.name, "line0", "linear", 1)
    sampler = BanditSampler((backend,), StaticPolicy((arm,)), (arm,), epsilon=0.0, learns=False)
    rng = np.random.default_rng(0)
    problem = knapsacks(np.random.default_rng(8), 12, 40)
    costs = [sampler.sample(SampleQuery(*problem, 16, rng, SampleContext("slow", step))).cost for step in range(42)]
    sampler.close()
    assert all(cost.circuits for cost in costs)
    assert not any(cost.fallback for cost in costs)
