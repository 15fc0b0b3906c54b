"""`LagrangianSearch-v0` as Gymnasium and Stable-Baselines3 expect it."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from searches import SMALL
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env as check_sb3
from stable_baselines3.common.vec_env import VecNormalize

import envs
from envs.search.env import LagrangianSearch
from envs.search.sb3 import LagrangianSearchVecEnv
from envs.search.vector import LagrangianSearchVectorEnv
from lagrl.errors import InputError, UnknownNameError
from lagrl.relaxation.sampler import ExactSampler

NAME = "envs:LagrangianSearch-v0"


def made(**changes: Any) -> LagrangianSearch:
    """Return the environment through Gymnasium's registry, small."""
    env = gymnasium.make(NAME, **SMALL | changes).unwrapped
    assert isinstance(env, LagrangianSearch)
    return env


@pytest.mark.parametrize("action", ["scores", "choice"])
@pytest.mark.parametrize("sampler", ["exact", "qaoa"])
def test_both_libraries_find_nothing_wrong(action: str, sampler: str) -> None:
    """Both checkers pass; SB3 warns about the two-dimensional boxes, which is expected, and about nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_gymnasium(made(action=action, sampler=sampler, render_mode="ansi"), skip_render_check=False)
    with warnings.catch_warnings(record=True) as message:
        warnings.simplefilter("always")
        check_sb3(made(action=action, sampler=sampler))
    assert all("unconventional shape" in str(warning.message) for warning in message)


@pytest.mark.parametrize("action", ["scores", "choice"])
def test_vector_entries_are_single_environments(action: str) -> None:
    """Environment b of seed s equals the single environment of seed s + b, with resets one step later."""
    vector = gymnasium.make_vec(NAME, num_envs=3, action=action, **SMALL)
    assert isinstance(vector, LagrangianSearchVectorEnv)
    seen, _ = vector.reset(seed=7)
    singles = [made(action=action) for _ in range(3)]
    for b, single in enumerate(singles):
        assert all(np.array_equal(seen[name][b], array) for name, array in single.reset(seed=7 + b)[0].items())
    is_over = [False] * 3
    vector.action_space.seed(1)
    for _ in range(15):
        actions = vector.action_space.sample()
        seen, rewards, terminated, truncated, infos = vector.step(actions)
        assert vector.observation_space.contains(seen)
        assert not truncated.any()
        for b, single in enumerate(singles):
            if is_over[b]:
                observation, info = single.reset()
                reward, is_over[b] = 0.0, False
            else:
                observation, reward, is_over[b], _, info = single.step(actions[b])
            assert all(np.array_equal(seen[name][b], array) for name, array in observation.items())
            assert (rewards[b], terminated[b]) == (reward, is_over[b])
            assert infos["best_route_cost"][b] == info["best_route_cost"]


@pytest.mark.parametrize("action", ["scores", "choice"])
def test_stock_sb3_can_train_on_it(action: str) -> None:
    """PPO takes a rollout and an update; normalising everything is refused; there is no phase to set."""
    vector = LagrangianSearchVecEnv(n_envs=2, seed=0, action=action, **SMALL)
    model = PPO("MultiInputPolicy", vector, n_steps=8, batch_size=8, n_epochs=1, seed=0, device="cpu")
    model.learn(16)
    assert len(model.ep_info_buffer) > 0
    with pytest.raises(AttributeError, match="set_phase"):
        vector.env_method("set_phase", 2)
    with pytest.raises(ValueError, match="norm_obs_keys"):
        VecNormalize(vector)


def test_sb3_resets_in_the_same_step_and_pickles() -> None:
    """The info of the last step has the terminal observation and the return; a pickle continues to the bit."""
    vector = LagrangianSearchVecEnv(n_envs=2, seed=3, action="choice", **SMALL)
    vector.reset()
    total = np.zeros(2)
    for step in range(6):
        _, rewards, dones, infos = vector.step(np.array([step % 4, 0]))
        total += rewards
    assert dones.all()
    for b, info in enumerate(infos):
        assert info["episode"]["r"] == pytest.approx(total[b], abs=1e-5)
        assert info["terminal_observation"]["nodes"][0, envs.search.FEATURES.index("budget_left")] == 0
    twin = pickle.loads(pickle.dumps(vector))
    record, arrays = vector.state()
    again = LagrangianSearchVecEnv(n_envs=2, seed=99, action="choice", **SMALL)
    again.load_state(record, arrays)
    for _ in range(8):
        here = vector.step(np.array([1, 2]))
        for other in (twin, again):
            there = other.step(np.array([1, 2]))
            np.testing.assert_array_equal(here[0]["nodes"], there[0]["nodes"])
            np.testing.assert_array_equal(here[1], there[1])


def test_all_adapters_take_the_same_arguments() -> None:
    """A function that makes a sampler, changed fields and a render mode; a sampler itself is an error."""
    arguments: dict[str, Any] = {"sampler": ExactSampler, "render_mode": "ansi", "action": "choice", **SMALL}
    every = [
        gymnasium.make(NAME, **arguments).unwrapped,
        gymnasium.make_vec(NAME, num_envs=2, **arguments),
        LagrangianSearchVecEnv(n_envs=2, **arguments),
    ]
    for env in every:
        env.reset()
        assert (env.config.choices, env.config.max_moves) == (4, 6)
        assert "move 0/6" in str(env.render())
        env.close()
    with pytest.raises(InputError, match="sampler: a ExactSampler given; give a function"):
        made(sampler=ExactSampler())
    with pytest.raises(InputError, match="choices: 0 given; give 1 or more"):
        made(choices=0)
    with pytest.raises(UnknownNameError, match="render mode"):
        LagrangianSearch(render_mode="human")


def test_rendering_shows_the_search() -> None:
    """The text has every current route and the freed customers; the picture changes with the moves."""
    pytest.importorskip("matplotlib")
    env = made(render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    env.step(np.zeros(30, np.float32))
    assert first.shape == env.render().shape == (576, 1320, 3)
    assert not np.array_equal(first, env.render())
    env.render_mode = "ansi"
    text = env.render()
    assert f"freed {' '.join(map(str, env.episode.trail[-1]))}: " in text
    assert all(" ".join(map(str, route)) in text for route in env.episode.routes)


def test_lookahead_of_the_environment() -> None:
    """It has one entry per choice; with scores, or when the episode is over, it is an error."""
    env = made(action="choice", max_moves=1)
    env.reset(seed=0)
    look = env.lookahead()
    assert look.reward.shape == look.cost.shape == (4,)
    assert env.step(look.best)[1] == look.reward.max()
    with pytest.raises(InputError, match="the episode is over"):
        env.lookahead()
    plain = made()
    plain.reset(seed=0)
    with pytest.raises(InputError, match="actions are scores"):
        plain.lookahead()
