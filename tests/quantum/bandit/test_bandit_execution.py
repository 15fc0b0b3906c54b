"""Circuits of a bandit on several quantum computers: results, fallbacks, and learning from what was executed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.quantum.bandit.arm_policies import LinearModel, LinUCB, Policy, StaticPolicy
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import NAMES, PRODUCT, Arm
from lagrl.quantum.bandit.profile import Profile
from lagrl.quantum.scheduling.scheduler import Dispatcher, Scheduler
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples
from lagrl.testing.simulated_machines import Behaviour, RandomStrings, SimulatedMachine
from lagrl.testing.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.bandit.features import ArmDecision

pytest.importorskip("qiskit", reason="needs the quantum extra")

WIDTH, N_VEHICLES, SHOTS = 5, 6, 32
NAMED = ("a", "b", "c")
ARMS = tuple(Arm(name, "line0", "qaoa", layers) for name in NAMED for layers in (1, 2))


def profile(backend: RandomStrings, arm: Arm, width: int) -> Profile:
    """Return circuits that differ between backends only in the number of couplings."""
    degree = 1 + NAMED.index(backend.name)
    return Profile(width, arm.layers, 8, 4, -0.1 * arm.layers, -0.1, 1e-6, 1e-4, 1e-4, degree)


@dataclass
class Kept:
    """Log that stores decisions in memory."""

    decisions: list[ArmDecision] = field(default_factory=list)

    def note(self, context: SampleContext, decisions: list[ArmDecision]) -> None:
        self.decisions += decisions


@dataclass
class Learner:
    """Policy that prefers the first arm always, and stores what it learns from."""

    wanted: StaticPolicy
    learned: list[NDArray[np.float64]] = field(default_factory=list)
    name: str = "learner"

    def scores(self, *args: object) -> NDArray[np.float64]:
        return self.wanted.scores(*args)

    def learn(self, features: NDArray[np.float64], reward: float) -> None:
        self.learned.append(features)


def make(
    behaviours: list[Behaviour], policy: Policy | None = None, **more: object
) -> tuple[BanditSampler, list[SimulatedMachine], Kept]:
    """Make a sampler on simulated quantum computers."""
    names = NAMED[: len(behaviours)]
    qpus = [
        SimulatedMachine(RandomStrings(name), behaviour, np.random.default_rng([7, i]))
        for i, (name, behaviour) in enumerate(zip(names, behaviours, strict=True))
    ]
    log = Kept()
    arms = tuple(arm for arm in ARMS if arm.backend in names)
    settings = {"epsilon": 0.0, "width": WIDTH, "log": log, **more}
    sampler = BanditSampler(
        {name: RandomStrings(name) for name in names},
        policy or StaticPolicy(arms),
        arms,
        dispatcher=Dispatcher(Scheduler(qpus), VirtualLoop),
        profile=profile,
        **settings,
    )
    return sampler, qpus, log


def draw_samples(sampler: BanditSampler, seed: int = 0, steps: int = 1) -> list[Samples]:
    """Sample knapsacks whose demand exceeds the room."""
    rng = np.random.default_rng(seed)
    weight = np.array([7, 9, 11, 6, 8])
    found = []
    for step in range(steps):
        cost = -rng.uniform(0.5, 1.0, size=(N_VEHICLES, WIDTH))
        capacity, context = np.full(N_VEHICLES, 22), SampleContext("run", step)
        found.append(sampler.sample(SampleQuery(cost, weight, capacity, SHOTS, rng, context)))
    return found


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.builds(
            Behaviour,
            failures=st.sampled_from([0.0, 0.5, 1.0]),
            is_dead=st.booleans(),
            hangs=st.booleans(),
            plan_seconds=st.sampled_from([np.inf, 3.0]),
            windows=st.sampled_from([(), ((0.0, 9.0),), ((20.0, 60.0),)]),
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from([0.0, 0.5]),
    st.integers(0, 100),
)
def test_all_vehicles_get_strings_whatever_fails(behaviours: list[Behaviour], epsilon: float, seed: int) -> None:
    """Every vehicle gets all its strings and a decision, and no job is executed twice."""
    sampler, qpus, log = make(behaviours, epsilon=epsilon)
    for samples in draw_samples(sampler, seed, 2):
        assert (samples.counts.sum(axis=1) == SHOTS).all()
        by_product = [d for d in log.decisions if d.answered == PRODUCT and d.arm != PRODUCT]
        assert ("product" in samples.cost.fallback) <= bool(by_product)
    assert len(log.decisions) == 2 * N_VEHICLES
    assert all(n == 1 for qpu in qpus for n in qpu.executed.values())
    sampler.close()


def test_fallback_on_the_product_state_is_reported() -> None:
    """The fallback has each backend's problem; the decision has the chosen arm and the product state's strings."""
    sampler, _, log = make([Behaviour(is_dead=True)] * 2)
    [samples] = draw_samples(sampler)
    sampler.close()
    assert samples.cost.fallback.startswith("product: ")
    assert "a: does not answer" in samples.cost.fallback
    assert samples.cost.backend == "product"
    assert {decision.arm.backend for decision in log.decisions} == {"a"}
    assert {decision.answered for decision in log.decisions} == {PRODUCT}


def test_rerouted_jobs_are_reported_and_learned_as_executed() -> None:
    """The features learned are those of the arm that drew the strings."""
    policy = Learner(StaticPolicy(ARMS))
    sampler, _, log = make([Behaviour(is_dead=True), Behaviour()], policy)
    [samples] = draw_samples(sampler)
    sampler.close()
    assert samples.cost.fallback.startswith("b for a: a: does not answer")
    assert samples.cost.backend == "b"
    assert len(policy.learned) == N_VEHICLES
    for decision, features in zip(log.decisions, policy.learned, strict=True):
        assert (decision.arm.backend, decision.answered.backend) == ("a", "b")
        expected = decision.screened.table.features(decision.knapsack)
        np.testing.assert_array_equal(features, expected[decision.executed])
        assert (features != expected[decision.chosen]).any()


def test_exploration_is_never_moved() -> None:
    """Exploration is never moved, as its propensities would be wrong; only failures move it."""
    sampler, _, log = make([Behaviour(queue_seconds=500.0), Behaviour(), Behaviour()], epsilon=1.0)
    draw_samples(sampler, steps=5)
    sampler.close()
    assert len({decision.arm for decision in log.decisions}) > 3
    assert all(decision.chosen == decision.executed for decision in log.decisions)


def test_equal_seeds_give_equal_samples() -> None:
    """Equal seeds give equal samples, failures, queues and exploration included."""
    found = []
    for _ in range(2):
        behaviours = [Behaviour(failures=0.3), Behaviour(queue_seconds=9.0), Behaviour(windows=((0.0, 15.0),))]
        sampler, _, log = make(behaviours, LinUCB(LinearModel(len(NAMES)), 0.5), epsilon=0.3)
        samples = draw_samples(sampler, 3, 4)
        sampler.close()
        found.append((samples, [(d.chosen, d.executed, d.reward) for d in log.decisions]))
    (first, decisions), (second, again) = found
    assert decisions == again
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.bitstrings, other.bitstrings)
        np.testing.assert_array_equal(one.counts, other.counts)
        costs = [replace(own.cost, seconds=0.0, encoding_seconds=0.0) for own in (one, other)]
        assert costs[0] == costs[1]


def test_threads_give_the_same_samples_too() -> None:
    """Two noisy devices in threads give equal samples."""
    pytest.importorskip("qiskit_aer")
    pytest.importorskip("qiskit_ibm_runtime")
    from lagrl.quantum.simulators.line_backend import SurrogateBackend

    backends = {name: SurrogateBackend.of(name) for name in ("FakeMumbai", "FakeParis")}
    arms = tuple(Arm(name, "line0", "qaoa", layers) for name in backends for layers in (1, 2))
    found = []
    for _ in range(2):
        sampler = BanditSampler(backends, StaticPolicy(arms), arms, epsilon=0.5, width=4)
        found.append(draw_samples(sampler, 5, 2))
        sampler.close()
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one.bitstrings, other.bitstrings)
        np.testing.assert_array_equal(one.counts, other.counts)
        assert not one.cost.fallback
    assert {name for one in found[0] for name in one.cost.backend.split(" + ")} >= {
        "surrogate(fake_mumbai)",
        "surrogate(fake_paris)",
    }
