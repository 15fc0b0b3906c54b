"""Who may not run, and what is told where nobody may."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_knapsacks import knapsacks

from lagrl.quantum.bandit.arm_policies import UniformPolicy
from lagrl.quantum.bandit.arms import all_arms
from lagrl.quantum.bandit.backend_qpu import BackendStatus
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import BackendContext
from lagrl.quantum.bandit.profile import Profile
from lagrl.quantum.bandit.screening import Limits
from lagrl.relaxation.sampler import SampleContext, Samples

if TYPE_CHECKING:
    from lagrl.quantum.circuits.execution import CircuitExecutor

GOOD = Profile(4, 1, 20, 10, -0.1, -0.1, 1e-6, 1e-4, 1e-4, 2)


@dataclass
class Described:
    """A backend that tells of itself, and must not be asked to run anything."""

    name: str
    told: Profile | None = GOOD
    moment: BackendContext = field(default_factory=BackendContext)
    max_width: int = 12
    has_journal: bool = False
    at_once: bool = False

    def profile(self, arm: object, width: int) -> Profile | None:
        return self.told and replace(self.told, width=width)

    def context(self) -> BackendContext:
        return self.moment

    def executor(self, placement: str) -> CircuitExecutor:
        raise AssertionError("nothing may run here")

    def status(self) -> BackendStatus:
        return BackendStatus(self.context())


def asked(*backends: Described, limits: Limits | None = None) -> tuple[BanditSampler, Samples]:
    """Ask by lot among all arms of these backends."""
    arms = all_arms([backend.name for backend in backends], placements=("line0",), families=("qaoa",), depths=(1, 2))
    bandit = BanditSampler(backends, UniformPolicy(), arms, limits or Limits(), epsilon=1.0, width=4)
    problem = knapsacks(np.random.default_rng(1), n_vehicles=4, n_customers=14)
    return bandit, bandit.sample(*problem, 8, np.random.default_rng(0), SampleContext("run", 0))


@pytest.mark.parametrize(
    ("backend", "limits", "why"),
    [
        (Described("a", None), None, "2 for place"),
        (Described("a", replace(GOOD, t2=np.nan)), None, "2 for calibration"),
        (Described("a", moment=BackendContext(np.nan, 0.0)), None, "2 for calibration"),
        (Described("a"), Limits(gates=10), "2 for gates"),
        (Described("a"), Limits(least_fidelity=0.99), "2 for fidelity"),
        (Described("a", replace(GOOD, duration=1.0)), None, "2 for duration"),
    ],
)
def test_where_nothing_may_run_no_circuit_answers_and_it_is_told(
    backend: Described, limits: Limits | None, why: str
) -> None:
    """The product state, whatever the reason."""
    _, samples = asked(backend, limits=limits)
    assert samples.cost.backend == "product" and samples.cost.circuits == 0
    assert samples.cost.fallback.startswith("product: no circuit may run (")
    assert why in samples.cost.fallback


def test_reasons_are_counted_over_all_backends() -> None:
    """One has no room, the other too many gates."""
    _, samples = asked(Described("a", None), Described("b"), limits=Limits(gates=3))
    assert "(2 for gates, 2 for place)" in samples.cost.fallback


def test_without_backends_nothing_is_missed() -> None:
    """Who wants no circuit gets none, and there is nothing to tell."""
    _, samples = asked()
    assert samples.cost.backend == "product" and not samples.cost.fallback


def test_what_cannot_be_described_is_never_ranked() -> None:
    """An arm without features is out, those of the other backend stay."""
    arms = all_arms(["a", "b"], placements=("line0",), families=("qaoa",), depths=(1,))
    unknown = Described("a", replace(GOOD, log_gates=np.nan))
    bandit = BanditSampler((unknown, Described("b")), UniformPolicy(), arms)
    screened = bandit.screened(4)
    assert [str(arm) for arm in screened.arms] == ["product", "b/line0/qaoa/1"]
    assert screened.left_out == {"calibration": 1} and not screened.why_none
