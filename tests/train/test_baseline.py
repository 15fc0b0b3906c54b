"""Rewards relative to an expert's rewards."""

from __future__ import annotations

import numpy as np
import pytest

from envs.config import EnvConfig
from envs.sb3 import LagrangianVecEnv
from lagrl.controllers.constant import ConstantStep
from lagrl.controllers.held_wolfe_crowder import HeldWolfeCrowder
from train.ppo.baseline import ExpertBaseline

CONFIG = EnvConfig(n_max=12, n_customers=(6, 12), max_steps=6, route_sampler="exact", route_every=2)


def test_who_does_what_the_expert_does_earns_nothing() -> None:
    """Zero actions are steps of the base length, and so are the expert's: every reward cancels."""
    env = ExpertBaseline(LagrangianVecEnv(CONFIG, 3, seed=5), lambda: ConstantStep(CONFIG.action.base_step), 0.99)
    env.reset()
    earned = 0.0
    for _ in range(20):
        _, rewards, _, infos = env.step(np.zeros((3, 12), np.float32))
        earned += sum(info["episode"]["r"] for info in infos if "episode" in info)
        np.testing.assert_allclose(rewards, 0.0, atol=1e-6)
    assert earned > 0.0


@pytest.mark.parametrize("gamma", [1.0, 0.9])
def test_an_episode_earns_its_own_rewards_minus_the_experts(gamma: float) -> None:
    """The discounted sums differ by the expert's, also where the policy ends early."""
    plain, env = LagrangianVecEnv(CONFIG, 4, seed=1), LagrangianVecEnv(CONFIG, 4, seed=1)
    wrapped = ExpertBaseline(env, HeldWolfeCrowder, gamma)
    plain.reset()
    wrapped.reset()
    rng, ends = np.random.default_rng(0), 0
    own, rest, due = np.zeros(4), np.zeros(4), [float(_sum(rewards, gamma)) for rewards in wrapped.rewards]
    steps = np.zeros(4)
    for _ in range(30):
        actions = rng.uniform(-1, 1, (4, 12)).astype(np.float32)
        rewards, dones = plain.step(actions)[1:3]
        fewer, again = wrapped.step(actions)[1:3]
        assert (dones == again).all()
        own += gamma**steps * rewards
        rest += gamma**steps * fewer
        steps += 1
        for index in np.flatnonzero(dones):
            assert rest[index] == pytest.approx(own[index] - due[index], abs=1e-5)
            due[index] = float(_sum(wrapped.rewards[index], gamma))
            own[index] = rest[index] = steps[index] = 0.0
            ends += 1
    assert ends >= 12


def test_the_state_goes_on_alike() -> None:
    """A restored baseline subtracts the same rewards in the same steps."""
    here, there = (LagrangianVecEnv(CONFIG, 2, seed=seed) for seed in (3, 4))
    one, other = ExpertBaseline(here, HeldWolfeCrowder, 0.99), ExpertBaseline(there, HeldWolfeCrowder, 0.99)
    one.reset()
    other.reset()
    actions = np.full((2, 12), 0.3, np.float32)
    for _ in range(3):
        one.step(actions)
    there.load_state(*here.state())
    other.load_state(*one.state())
    for _ in range(8):
        np.testing.assert_array_equal(one.step(actions)[1], other.step(actions)[1])


def _sum(rewards: np.ndarray, gamma: float) -> float:
    return float((rewards * gamma ** np.arange(len(rewards))).sum())
