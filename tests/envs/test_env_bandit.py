"""Bandits in the environment: shared by its episodes, and repeatable where learning is switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gymnasium
import numpy as np
import pytest

from envs.config import EnvConfig
from envs.env import LagrangianCVRP
from envs.vector import LagrangianVectorEnv
from lagrl.quantum.bandit.state import read_state
from lagrl.relaxation.sampler import ExactSampler
from lagrl.samplers.registry import make_sampler

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("qiskit_aer", reason="needs the quantum extra")

NAME = "bandit+backends=FakeKingston/FakeBrisbane+width=6"
FEW = "+families=qaoa+depths=1+placements=line0"
SAVED = f"+backends=FakeKingston/FakeBrisbane+width=6{FEW}+save=true"


def episode(sampler: str, seed: int, **options: object) -> dict:
    """Take three steps; return the last infos."""
    env = gymnasium.make("envs:LagrangianCVRP-v0", sampler=sampler, max_steps=3, shots=16, start="zero", **options)
    env.reset(seed=seed, options={"instance": "G-n16-k3"})
    for _ in range(3):
        *_, info = env.step(np.full(env.action_space.shape, 0.9, np.float32))
    return info


def test_a_bandit_prices_and_learns_across_episodes() -> None:
    """A bandit by name learns from every episode of the process."""
    bandit = make_sampler(NAME)
    model = bandit.policy.model
    seen = [model.n_observations]
    for seed in range(2):
        info = episode(NAME, seed)
        assert np.isfinite(info["last_sampled_value"])
        seen.append(model.n_observations)
    assert seen[0] < seen[1] < seen[2]
    assert make_sampler(NAME) is bandit


def test_without_learning_episodes_repeat() -> None:
    """Without learning, equal seeds give equal episodes, also with other episodes in between."""
    name = f"{NAME}{FEW}+learn=false+epsilon=0.5"
    first = episode(name, 3)
    episode(name, 4)
    assert episode(name, 3) == pytest.approx(first, nan_ok=True)
    assert first["circuits"] > 0
    assert make_sampler(name).policy.model.n_observations == 0


@pytest.mark.parametrize("kind", ["single", "vector", "sb3"])
def test_what_is_learned_is_saved_when_it_is_closed(kind: str, tmp_path: Path) -> None:
    """Any environment saves the bandit that prices or routes its episodes, and continues with it."""
    path = tmp_path / "state.json"
    named = {"route_sampler": f"bandit:{path}{SAVED}", "sampler": "exact"}
    if kind != "single":
        named = {"sampler": named["route_sampler"], "route_sampler": "exact"}
    config = EnvConfig.preset("default").changed({**named, "max_steps": 3, "shots": 16, "n_customers": (8, 10)})
    if kind == "sb3":
        pytest.importorskip("stable_baselines3", reason="needs the rl extra")
        from envs.sb3 import LagrangianVecEnv

        env = LagrangianVecEnv(config, 2)
        env.reset()
    else:
        env = LagrangianCVRP(config) if kind == "single" else LagrangianVectorEnv(2, config)
        env.reset(seed=0)
    learned = make_sampler(f"bandit:{path}{SAVED}").state_file.state.model.n_observations
    assert learned > 0
    assert not path.exists()
    env.close()
    assert read_state(path).model.n_observations == learned
    env.close()


def test_what_the_caller_makes_is_the_callers() -> None:
    """The environment does not close a caller's sampler."""
    closed: list[str] = []

    class Own(ExactSampler):
        """A sampler that counts its closing."""

        def close(self) -> None:
            """Count the call of close."""
            closed.append("own")

    env = LagrangianCVRP(sampler=Own, route_sampler="exact", max_steps=3)
    env.close()
    env.reset(seed=0)
    env.close()
    assert not closed


def test_a_bandit_proposes_routes() -> None:
    """As the route sampler, beside an exact price."""
    info = episode("exact", 0, route_sampler=f"{NAME}{FEW}", route_every=2)
    assert np.isfinite(info["best_route_cost"])
    assert np.isfinite(info["best_dual_value"])
