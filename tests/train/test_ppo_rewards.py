from __future__ import annotations

import numpy as np
import pytest
from ppo_runs import HalfWay

from train.ppo.reward_scale import ScaledRewards


def test_scale_is_the_spread_of_returns() -> None:
    """The running variance is that of all discounted returns so far, and infos contain the original rewards."""
    env = ScaledRewards(HalfWay(3), gamma=0.9, clip=np.inf)
    env.reset()
    earned, scaled = [], []
    rng = np.random.default_rng(0)
    for _ in range(40):
        _, rewards, _, infos = env.step(rng.uniform(-1, 1, (3, 7)).astype(np.float32))
        earned.append([info["episode"]["r"] for info in infos])
        scaled.append(rewards)
    assert env.variance == pytest.approx(np.var(earned))  # episodes of one step: the return is the reward
    np.testing.assert_allclose(scaled[-1], np.array(earned[-1]) / np.std(earned), rtol=1e-5)


def test_returns_are_discounted_and_end_with_the_episode() -> None:
    """A return is γ times the last one plus the reward, and starts from 0 in a new episode."""
    env = ScaledRewards(HalfWay(1), gamma=0.5)
    env.reset()
    env.venv.step_wait = lambda: ({}, np.array([2.0]), np.array([False]), [{}])
    env.step_wait()
    env.step_wait()
    assert env.returns.tolist() == [3.0]
    env.venv.step_wait = lambda: ({}, np.array([2.0]), np.array([True]), [{}])
    env.step_wait()
    assert env.returns.tolist() == [0.0]


def test_rewards_are_clipped() -> None:
    """One extreme reward is clipped to the limit."""
    env = ScaledRewards(HalfWay(1), gamma=0.5, clip=3.0)
    env.reset()
    for reward in [0.1] * 50 + [1000.0]:
        env.venv.step_wait = lambda r=reward: ({}, np.array([r]), np.array([True]), [{}])
        _, rewards, _, _ = env.step_wait()
    assert rewards.tolist() == [3.0]


def test_state_is_taken_back() -> None:
    """A restored scale continues with the same numbers."""
    first, second = ScaledRewards(HalfWay(2), gamma=0.9), ScaledRewards(HalfWay(2), gamma=0.9)
    first.reset()
    for _ in range(5):
        first.step(np.zeros((2, 7), dtype=np.float32))
    second.load_state(first.state())
    assert second.state() == first.state()
    assert second.scale == first.scale
