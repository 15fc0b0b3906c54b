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
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import Arm
from lagrl.quantum.simulators.line_backend import SurrogateBackend
from lagrl.relaxation.sampler import SampleContext, SampleQuery

if TYPE_CHECKING:
    from lagrl.quantum.circuits.backend import Execution, Job


class Slow(SurrogateBackend):
    """Backend that is slow in the fortieth call."""

    calls = 0

    def run(self, job: Job) -> Execution:
        """Run the circuits, sometimes late."""
        Slow.calls += 1
        if Slow.calls == 40:
            time.sleep(0.5)
        return super().run(job)


def test_a_slow_simulator_is_waited_for() -> None:
    """A step that takes a hundred times as long as earlier ones still returns strings of its circuits."""
    arm = Arm("fake_mumbai", "line0", "linear", 1)
    sampler = BanditSampler(
        {"fake_mumbai": Slow.of("FakeMumbai")}, StaticPolicy((arm,)), (arm,), epsilon=0.0, learns=False
    )
    rng = np.random.default_rng(0)
    problem = knapsacks(np.random.default_rng(8), 12, 40)
    costs = [sampler.sample(SampleQuery(*problem, 16, rng, SampleContext("slow", step))).cost for step in range(42)]
    sampler.close()
    assert all(cost.circuits for cost in costs)
    assert not any(cost.fallback for cost in costs)
    assert Slow.calls > 40
