"""Bandits in the environment: shared by its episodes, and repeatable where learning is switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
import pytest

import lagrl
from envs.config import EnvConfig
from envs.env import LagrangianCVRP
from envs.vector import LagrangianVectorEnv
from lagrl.relaxation.sampler import ExactSampler

if TYPE_CHECKING:
    from lagrl.quantum.bandit.arm_policies import LinearModel

pytest.importorskip("qiskit_aer", reason="needs the quantum extra")

NAME = "bandit+backends=FakeKingston/FakeBrisbane+width=6"
FEW = "+families=qaoa+depths=1+placements=line0"
LEARNING = f"+backends=FakeKingston/FakeBrisbane+width=6{FEW}"


def made(sampler: str, **options: object) -> gymnasium.Env:
    """Make an environment whose episodes have three steps."""
    return gymnasium.make("envs:LagrangianCVRP-v0", sampler=sampler, max_steps=3, shots=16, start="zero", **options)


def episode(env: gymnasium.Env, seed: int) -> dict:
    """Take three steps; return the last infos."""
    env.reset(seed=seed, options={"instance": "G-n16-k3"})
    for _ in range(3):
        *_, info = env.step(np.full(env.action_space.shape, 0.9, np.float32))
    return info


def test_a_bandit_prices_and_learns_across_episodes() -> None:
    """A bandit by name learns from every episode of its environment, and another environment has its own."""
    env, bandits, seen = made(NAME), [], []
    for seed in range(2):
        info = episode(env, seed)
        assert np.isfinite(info["last_sampled_value"])
        bandits.append(env.unwrapped.episode.dual.sampler)
        seen.append(bandits[-1].policy.model.n_observations)
    assert bandits[0] is bandits[1]
    assert 0 < seen[0] < seen[1]
    env.close()
    other = made(NAME)
    episode(other, 0)
    assert other.unwrapped.episode.dual.sampler.policy.model.n_observations == seen[0]
    other.close()


def test_environments_share_what_their_maker_opened() -> None:
    """Two environments that are given one open bandit both teach it, and neither closes it."""
    with lagrl.samplers.open(f"{NAME}{FEW}") as bandit:
        seen = []
        for seed in range(2):
            env = made(lambda: bandit)
            episode(env, seed)
            env.close()
            seen.append(bandit.policy.model.n_observations)
    assert 0 < seen[0] < seen[1]


def test_without_learning_episodes_repeat() -> None:
    """Without learning, equal seeds give equal episodes, also with other episodes in between."""
    name = f"{NAME}{FEW}+learn=false+epsilon=0.5"
    env = made(name)
    first = episode(env, 3)
    episode(env, 4)
    assert episode(env, 3) == pytest.approx(first, nan_ok=True)
    assert first["circuits"] > 0
    assert env.unwrapped.episode.dual.sampler.policy.model.n_observations == 0


@pytest.mark.parametrize("kind", ["single", "vector", "sb3"])
def test_what_is_learned_is_kept_until_it_is_closed(kind: str) -> None:
    """Any environment keeps the bandit that prices or routes its episodes, until it is closed."""
    named = {"route_sampler": f"bandit{LEARNING}", "sampler": "exact"}
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
    (one, *_) = env.batch.episodes
    model = _model(one, kind)
    learned = model.n_observations
    assert learned > 0
    if kind == "sb3":
        env.seed(0)
    env.reset(**({} if kind == "sb3" else {"seed": 0}))
    assert _model(env.batch.episodes[0], kind) is model
    assert model.n_observations > learned
    env.close()
    env.close()
    env.reset(**({} if kind == "sb3" else {"seed": 0}))
    assert _model(env.batch.episodes[0], kind) is not model
    env.batch.close()  # gymnasium closes a vector environment only once


def _model(episode: Any, kind: str) -> LinearModel:
    dual = episode.state.route_dual if kind == "single" else episode.state.dual
    return dual.sampler.policy.model


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
    info = episode(made("exact", route_sampler=f"{NAME}{FEW}", route_every=2), 0)
    assert np.isfinite(info["best_route_cost"])
    assert np.isfinite(info["best_dual_value"])
