"""Screening of arms, and the reason reported if no circuit may run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_knapsacks import knapsacks

from lagrl.quantum.bandit.arm_policies import StaticPolicy
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import all_arms
from lagrl.quantum.bandit.profile import Limits, Profile
from lagrl.quantum.circuits.backend import BackendStatus
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples

if TYPE_CHECKING:
    from lagrl.quantum.circuits.backend import Execution, Job

GOOD = Profile(4, 1, 20, 10, -0.1, -0.1, 1e-6, 1e-4, 1e-4, 2)


@dataclass
class Described:
    """Backend with a profile, which must not run anything."""

    name: str
    described: Profile | None = GOOD
    max_width: int = 12
    target: None = None

    def status(self, *, wait: bool = False) -> BackendStatus:
        return BackendStatus()

    def run(self, job: Job) -> Execution:
        raise AssertionError("nothing may run here")


def profile(backend: Described, arm: object, width: int) -> Profile | None:
    """Return the backend's profile for a width."""
    return backend.described and replace(backend.described, width=width)


def sampled(*backends: Described, limits: Limits | None = None) -> tuple[BanditSampler, Samples]:
    """Sample with arms drawn uniformly at random on these backends."""
    arms = all_arms([backend.name for backend in backends], placements=("line0",), families=("qaoa",), depths=(1, 2))
    named = {backend.name: backend for backend in backends}
    bandit = BanditSampler(named, StaticPolicy(), arms, limits or Limits(), epsilon=1.0, width=4, profile=profile)
    problem = knapsacks(np.random.default_rng(1), n_vehicles=4, n_customers=14)
    return bandit, bandit.sample(SampleQuery(*problem, 8, np.random.default_rng(0), SampleContext("run", 0)))


@pytest.mark.parametrize(
    ("backend", "limits", "why"),
    [
        (Described("a", None), None, "2 for place"),
        (Described("a", replace(GOOD, t2=np.nan)), None, "2 for calibration"),
        (Described("a"), Limits(gates=10), "2 for gates"),
        (Described("a"), Limits(least_fidelity=0.99), "2 for fidelity"),
        (Described("a", replace(GOOD, duration=1.0)), None, "2 for duration"),
    ],
)
def test_if_no_circuit_may_run_the_reason_is_reported(backend: Described, limits: Limits | None, why: str) -> None:
    """Whatever the reason, the product state is used and the reason reported."""
    _, samples = sampled(backend, limits=limits)
    assert samples.cost.backend == "product" and samples.cost.circuits == 0
    assert samples.cost.fallback.startswith("product: no circuit may run (")
    assert why in samples.cost.fallback


def test_reasons_are_counted_over_all_backends() -> None:
    """Reasons are counted over all backends."""
    _, samples = sampled(Described("a", None), Described("b"), limits=Limits(gates=3))
    assert "(2 for gates, 2 for place)" in samples.cost.fallback


def test_without_backends_there_is_no_fallback() -> None:
    """Without backends there is no fallback to report."""
    _, samples = sampled()
    assert samples.cost.backend == "product" and not samples.cost.fallback


def test_an_arm_without_features_is_excluded() -> None:
    """An arm without features is excluded; those of the other backend stay."""
    arms = all_arms(["a", "b"], placements=("line0",), families=("qaoa",), depths=(1,))
    unknown = Described("a", replace(GOOD, log_gates=np.nan))
    bandit = BanditSampler({"a": unknown, "b": Described("b")}, StaticPolicy(), arms, profile=profile)
    screened = bandit.screened(4)
    assert [str(arm) for arm in screened.arms] == ["product", "b/line0/qaoa/1"]
    assert screened.left_out == {"calibration": 1} and not screened.why_none
