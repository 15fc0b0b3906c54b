"""Logged decisions with known mean rewards."""

from __future__ import annotations

import numpy as np

from lagrl.quantum.bandit.features import ArmDecision, KnapsackContext, all_arms
from lagrl.quantum.bandit.profile import NO_CIRCUIT, Profile, ScreenedArms
from lagrl.quantum.bandit.traces import Trace

QUALITY = {"fine": -0.1, "poor": -1.2}


def screened(width: int = 5, *, forbidden: tuple[str, ...] = ()) -> ScreenedArms:
    """Return arms on a good and a poor backend; those on forbidden backends may not run."""
    arms = all_arms(sorted(QUALITY), placements=("line0", "line1"), families=("qaoa", "linear"), depths=(1, 2))
    profiles = [
        Profile(
            width,
            arm.layers,
            7 * width * arm.layers,
            3 * width * arm.layers,
            QUALITY[arm.backend] * arm.layers * (1.0 + 0.2 * (arm.placement == "line1")),
            -0.05 * width,
            1e-6 * arm.layers,
            1e-4,
            8e-5,
            2,
        )
        if arm.backend
        else NO_CIRCUIT
        for arm in arms
    ]
    objections = ["gates" if arm.backend in forbidden else "" for arm in arms]
    return ScreenedArms(width, arms, tuple(profiles), tuple(objections))


def knapsack(rng: np.random.Generator, width: int = 5) -> KnapsackContext:
    """Draw a description of a knapsack."""
    return KnapsackContext(width, *rng.uniform([1.1, 0.1, 0.5, 0.1, 0.1], [3.0, 1.0, 1.0, 0.9, 0.9]).tolist())


def mean_reward(own: ScreenedArms, context: KnapsackContext) -> np.ndarray:
    """Return mean rewards [A]: circuits above none, less with gate errors, QAOA the most."""
    fidelity = np.array([profile.log_gates for profile in own.profiles])
    is_circuit = np.array([bool(arm.backend) for arm in own.arms])
    is_qaoa = np.array([arm.family == "qaoa" for arm in own.arms])
    return 0.35 + 0.1 * context.fill + is_circuit * (0.3 + 0.15 * fidelity) + 0.08 * is_qaoa


def log(n: int, seed: int = 0, n_instances: int = 12, width: int = 5, name: str = "i", **kwargs: object) -> list[Trace]:
    """Draw decisions uniformly at random."""
    rng = np.random.default_rng(seed)
    own = screened(width, **kwargs)
    allowed = np.flatnonzero(own.is_allowed)
    traces = []
    for i in range(n):
        context = knapsack(rng, width)
        arm = int(rng.choice(allowed))
        reward = float(np.clip(mean_reward(own, context)[arm] + 0.1 * rng.normal(), 0.0, 1.0))
        decision = ArmDecision(0, context, own, arm, 1.0 / len(allowed), "", arm, reward, 0.0)
        traces.append(Trace(f"{name}{i % n_instances}/0/{i % 3}", i, decision))
    return traces
