"""One call of a bandit: features at the time of the choice, its own plans, parallel waits."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from small_knapsacks import knapsacks

from lagrl.quantum.bandit.arm_policies import LinearModel, LinUCB, Policy, StaticPolicy
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import NAMES, Arm
from lagrl.quantum.bandit.profile import Limits, Profile
from lagrl.quantum.circuits.backend import BackendStatus, Execution
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples, SamplingCost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lagrl.quantum.bandit.features import ArmDecision
    from lagrl.quantum.circuits.backend import Job

pytest.importorskip("qiskit", reason="needs the quantum extra")

GOOD = Profile(4, 1, 20, 10, -0.1, -0.1, 1e-6, 1e-4, 1e-4, 2)


@dataclass
class Busy:
    """Backend whose queue grows while its jobs run, and which may wait before it returns."""

    name: str
    after: BackendStatus = field(default_factory=lambda: BackendStatus(queue_seconds=3600.0, age_days=2.0))
    waits: float = 0.0
    moment: BackendStatus = field(default_factory=BackendStatus)
    shots_seen: list[int] = field(default_factory=list)
    gates: int = 20
    gates_after: int = 20
    max_width: int = 12
    target: None = None

    def profile(self, arm: Arm, width: int) -> Profile:
        return replace(GOOD, width=width, layers=arm.layers, two_qubit_gates=self.gates)

    def status(self, *, wait: bool = False) -> BackendStatus:
        return self.moment

    def run(self, job: Job) -> Execution:
        time.sleep(self.waits)
        self.moment, self.gates = self.after, self.gates_after
        self.shots_seen.append(len(job.pubs))
        rng = job.rng
        codes = [rng.integers(0, 2**pub.template.n_qubits, (len(pub.values), job.shots)) for pub in job.pubs]
        return Execution(codes, SamplingCost(circuits=len(job.pubs), queue_seconds=self.waits, backend=self.name))


@dataclass
class Memory:
    """Stores plans and decisions in memory."""

    plans: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    decisions: list[ArmDecision] = field(default_factory=list)

    def kept_plan(self, call: str) -> Mapping[str, Any] | None:
        return self.plans.get(call)

    def keep_plan(self, call: str, plan: Mapping[str, Any]) -> None:
        self.plans.setdefault(call, plan)

    def note(self, context: SampleContext, decisions: list[ArmDecision]) -> None:
        self.decisions += decisions


def bandit(policy: Policy, *backends: Busy, memory: Memory | None = None, name: str = "", **more: Any) -> BanditSampler:
    """Make a bandit of QAOA of one or two layers on these backends."""
    arms = tuple(Arm(own.name, "line0", "qaoa", layers) for own in backends for layers in (1, 2))
    named = {own.name: own for own in backends}
    more = {"memory": memory, "name": name, "profile": lambda backend, *what: backend.profile(*what), **more}
    return BanditSampler(named, policy, arms, Limits(), 0.0, 4, **more)


def sample(sampler: BanditSampler, n_vehicles: int = 4, seed: int = 2) -> Samples:
    """Sample the knapsacks of one step."""
    problem = knapsacks(np.random.default_rng(seed), n_vehicles=n_vehicles, n_customers=14)
    try:
        return sampler.sample(SampleQuery(*problem, 16, np.random.default_rng(seed), SampleContext("run", 0)))
    finally:
        sampler.close()


def test_features_are_those_at_the_time_of_the_choice() -> None:
    """A calibration that changes while circuits run affects the next choice, not this one."""
    backend, kept = Busy("a", gates_after=30), Memory()
    sampler = bandit(LinUCB(LinearModel(len(NAMES)), 0.1), backend, log=kept)
    for gates in (20, 30):
        sample(sampler)
        assert kept.decisions
        assert {own.screened.profiles[1].two_qubit_gates for own in kept.decisions} == {gates}
        kept.decisions.clear()


def test_each_bandit_has_its_own_plans() -> None:
    """Bandits of different names have separate plans in one memory; one of the same name follows the stored plan."""
    memory, kept = Memory(), Memory()
    one, two = (Arm("a", "line0", "qaoa", layers) for layers in (1, 2))
    sample(bandit(StaticPolicy((one,)), Busy("a"), memory=memory, name="first", log=kept))
    sample(bandit(StaticPolicy((two,)), Busy("a"), memory=memory, name="second", log=kept))
    half = len(kept.decisions) // 2
    assert {own.arm for own in kept.decisions[:half]} == {one} and {own.arm for own in kept.decisions[half:]} == {two}
    again = Memory()
    sample(bandit(StaticPolicy((two,)), Busy("a"), memory=memory, name="first", log=again))
    assert {own.arm for own in again.decisions} == {one}


def test_the_plan_stored_first_counts() -> None:
    """A plan that another process stored first is followed."""
    one, two = (Arm("a", "line0", "qaoa", layers) for layers in (1, 2))
    other = Memory()
    sample(bandit(StaticPolicy((one,)), Busy("a"), memory=other))

    class Late(Memory):
        """Memory that has the other plan only once a plan is stored."""

        def keep_plan(self, call: str, plan: Mapping[str, Any]) -> None:
            assert plan != other.plans[call]
            self.plans[call] = other.plans[call]

    kept = Memory()
    sample(bandit(StaticPolicy((two,)), Busy("a"), memory=Late(), log=kept))
    assert {own.arm for own in kept.decisions} == {one}


def test_parallel_waits_count_once_in_the_seconds() -> None:
    """If two backends wait in parallel, the cost has both waits, and the seconds exclude the longer one."""
    first, second = Busy("a", waits=0.2), Busy("b", waits=0.2)
    preferred = (Arm("a", "line0", "qaoa", 1), Arm("b", "line0", "qaoa", 1))

    class Alternating:
        """Policy that alternates between two arms."""

        name, asked = "alternating", 0

        def scores(self, features: Any, arms: Any) -> np.ndarray:
            self.asked += 1
            return np.array([float(arm == preferred[self.asked % 2]) for arm in arms])

        def learn(self, features: Any, reward: float) -> None:
            """Ignore the reward of the arm."""

    sampler = bandit(Alternating(), first, second)
    sample(sampler)
    started = time.perf_counter()
    cost = sample(sampler).cost
    wall = time.perf_counter() - started
    assert first.shots_seen and second.shots_seen
    assert cost.queue_seconds == pytest.approx(0.4)
    assert 0.0 < cost.seconds < wall - 0.15


def test_solves_in_threads_share_a_bandit() -> None:
    """Threads that share a bandit all get results, also if another one closes it."""
    sampler = bandit(LinUCB(LinearModel(len(NAMES))), Busy("a", BackendStatus(), 0.01))
    found: list[Samples] = []
    threads = [threading.Thread(target=lambda seed=seed: found.append(sample(sampler, seed=seed))) for seed in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    assert len(found) == 5 and not any(samples.cost.fallback for samples in found)
