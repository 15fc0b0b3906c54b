"""The two batched adapters: Gymnasium's next-step and SB3's same-step autoreset."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecNormalize, VecVideoRecorder

from envs.config import EnvConfig
from envs.core import EpisodeBatch
from envs.env import LagrangianCVRP
from envs.sb3 import LagrangianVecEnv
from envs.vector import LagrangianVectorEnv
from lagrl.errors import InputError
from lagrl.relaxation.sampler import ExactSampler

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = EnvConfig(n_max=16, n_customers=(6, 16), max_steps=6, min_steps=2, route_sampler="product", shots=8)


def some_actions(step: int, n_envs: int) -> np.ndarray:
    """The actions of a step."""
    return np.random.default_rng([1, step]).uniform(-1, 1, (n_envs, CONFIG.n_max)).astype(np.float32)


def test_vector_entries_are_single_environments() -> None:
    """Environment b of seed s equals the single environment of seed s + b, with resets one step later."""
    vector = gymnasium.make_vec("envs:LagrangianCVRP-v0", num_envs=3, config=CONFIG)
    assert isinstance(vector, LagrangianVectorEnv)
    assert vector.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    seen, _ = vector.reset(seed=7)
    singles = [LagrangianCVRP(CONFIG) for _ in range(3)]
    for b, single in enumerate(singles):
        assert all(np.array_equal(seen[name][b], array) for name, array in single.reset(seed=7 + b)[0].items())
    is_over = [False] * 3
    n_resets = 0
    for t in range(20):
        actions = some_actions(t, 3)
        seen, rewards, terminated, truncated, infos = vector.step(actions)
        assert vector.observation_space.contains(seen)
        assert not truncated.any()
        for b, single in enumerate(singles):
            if is_over[b]:
                observation, info = single.reset()
                reward, is_over[b] = 0.0, False
                n_resets += 1
            else:
                observation, reward, is_over[b], _, info = single.step(actions[b])
            assert all(np.array_equal(seen[name][b], array) for name, array in observation.items())
            assert (rewards[b], terminated[b]) == (reward, is_over[b])
            assert infos["evaluations"][b] == info["evaluations"]
    assert n_resets > 3


def test_vector_reset_takes_masks_and_seeds() -> None:
    """Only masked environments are reset; seeds may be given one by one; a wrong number is an error."""
    vector = LagrangianVectorEnv(2, CONFIG)
    first, _ = vector.reset(seed=[3, 4])
    second, infos = vector.reset(seed=[5, 5], options={"reset_mask": np.array([False, True]), "instance": "G-n16-k3"})
    np.testing.assert_array_equal(first["nodes"][0], second["nodes"][0])
    assert vector.batch.episodes[1].problem.name == "G-n16-k3"
    assert infos["_phase"].tolist() == [False, True]
    for bad in ({"seed": [1, 2, 3]}, {"options": {"reset_mask": np.ones(3, dtype=bool)}}):
        with pytest.raises(InputError):
            vector.reset(**bad)


def test_vector_seeds_and_generators_are_those_of_single_environments() -> None:
    """`np_random_seed` has the seeds given to `reset`, as in Gymnasium's own vector environments."""
    vector = gymnasium.make_vec("envs:LagrangianCVRP-v0", num_envs=2, config=CONFIG)
    stock = gymnasium.make_vec("envs:LagrangianCVRP-v0", num_envs=2, vectorization_mode="sync", config=CONFIG)
    assert len(set(vector.np_random_seed)) == 2
    for seed, seeds in ((7, (7, 8)), ([3, 9], (3, 9)), (None, (3, 9)), ([None, 4], (3, 4))):
        vector.reset(seed=seed)
        stock.reset(seed=seed)
        assert vector.np_random_seed == stock.np_random_seed == seeds
        drawn = [[generator.random() for generator in env.np_random] for env in (vector, stock)]
        assert drawn[0] == drawn[1]


def test_vector_takes_an_instance_for_each_environment() -> None:
    """A list has one instance per environment, None for a generated one; another length is an error."""
    vector = LagrangianVectorEnv(2, CONFIG)
    vector.reset(seed=0, options={"instance": ["G-n16-k3", None]})
    names = [episode.problem.name for episode in vector.batch.episodes]
    assert names[0] == "G-n16-k3" != names[1]
    with pytest.raises(InputError, match=r"options\['instance'\]: 1 given; give one, or one for each of 2"):
        vector.reset(options={"instance": ["G-n16-k3"]})


def made_by_all(**arguments: Any) -> list[Any]:
    """Return the environment made with the same arguments in all four ways."""
    name = "envs:LagrangianCVRP-v0"
    return [
        gymnasium.make(name, **arguments).unwrapped,
        gymnasium.make_vec(name, num_envs=2, **arguments),
        gymnasium.make_vec(name, num_envs=2, vectorization_mode="sync", **arguments).envs[0].unwrapped,
        LagrangianVecEnv(n_envs=2, **arguments),
    ]


def test_all_adapters_take_the_same_arguments() -> None:
    """A function that makes a sampler, a preset, changed fields and a render mode; a sampler itself is an error."""
    asked: list[str] = []

    class Own(ExactSampler):
        """A sampler that counts how often it is made."""

        def __init__(self) -> None:
            asked.append("made")

    small = {"n_max": 16, "n_customers": [6, 16], "max_steps": 6}
    for env in made_by_all(route_sampler=Own, preset="reference", render_mode="ansi", **small):
        assert (env.config.start, env.config.n_max, env.config.max_steps) == ("zero", 16, 6)
        before = len(asked)
        env.reset()
        assert len(asked) > before
        assert type(env.batch.episodes[0].state.route_dual.sampler) is Own
        assert "evaluation 1/7" in str(env.render())
    with pytest.raises(InputError, match="route_sampler: a ExactSampler given; give a function"):
        LagrangianVecEnv(n_envs=2, route_sampler=ExactSampler())


def test_sb3_films_its_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The render mode rgb_array gives one picture of all environments, and VecVideoRecorder its frames."""
    monkeypatch.setitem(sys.modules, "moviepy", ModuleType("moviepy"))  # it writes files; no file is written here
    vector = LagrangianVecEnv(CONFIG, 2, render_mode="rgb_array")
    recorder = VecVideoRecorder(vector, str(tmp_path), lambda step: step == 0, video_length=9)
    assert recorder.frames_per_sec == LagrangianCVRP.metadata["render_fps"]
    recorder.reset()
    (frame,) = recorder.recorded_frames
    assert frame.shape == (2 * 576, 1320, 3)
    assert not np.array_equal(frame[:576], frame[576:])
    recorder.recorded_frames.clear()


def test_vecnormalize_leaves_mask_and_neighbours_alone() -> None:
    """Normalising everything is refused with the remedy; with it, only the features change."""
    with pytest.raises(ValueError, match=r"node_mask is of type MultiBinary.*norm_obs_keys"):
        VecNormalize(LagrangianVecEnv(CONFIG, 2))
    plain, normal = LagrangianVecEnv(CONFIG, 2), VecNormalize(LagrangianVecEnv(CONFIG, 2), norm_obs_keys=["nodes"])
    plain.reset(), normal.reset()
    for step in range(3):
        raw, seen = (env.step(some_actions(step, 2))[0] for env in (plain, normal))
    assert isinstance(seen, dict)
    assert not np.array_equal(seen["nodes"], raw["nodes"])
    for name in ("node_mask", "neighbours"):
        np.testing.assert_array_equal(seen[name], raw[name])


def test_vector_renders_every_environment() -> None:
    """Rendering returns one text per environment."""
    vector = LagrangianVectorEnv(2, CONFIG, render_mode="ansi")
    vector.reset(seed=0)
    texts = vector.render()
    assert texts is not None
    assert len(set(texts)) == 2


def test_sb3_resets_in_the_same_step() -> None:
    """At an episode's end the observation belongs to the next episode; the info has the last one and the totals."""
    vector = LagrangianVecEnv(CONFIG, 3, seed=2)
    batch = EpisodeBatch(CONFIG, 3)
    generators = [np.random.default_rng([2, index]) for index in range(3)]
    vector.reset()
    for index in range(3):
        batch.reset(index, generators[index])
    total, length, n_ends = np.zeros(3), np.zeros(3), 0
    for t in range(20):
        actions = some_actions(t, 3)
        seen, rewards, dones, infos = vector.step(actions)
        step = batch.step(actions)
        np.testing.assert_array_equal(rewards, step.rewards.astype(np.float32))
        np.testing.assert_array_equal(dones, step.terminated)
        total, length = total + step.rewards, length + 1
        for index in np.flatnonzero(dones).tolist():
            last = batch.observation(index)
            assert all(np.array_equal(infos[index]["terminal_observation"][name], last[name]) for name in last)
            assert infos[index]["episode"]["r"] == pytest.approx(total[index], abs=1e-6)
            assert infos[index]["episode"]["l"] == length[index]
            assert infos[index]["TimeLimit.truncated"] is False
            total[index], length[index] = 0.0, 0
            batch.reset(index, generators[index])
            n_ends += 1
        for index in np.flatnonzero(~dones).tolist():
            assert "terminal_observation" not in infos[index]
        now = batch.observations()
        assert all(np.array_equal(seen[name], now[name]) for name in now)
    assert n_ends > 3


def play(vector: LagrangianVecEnv, steps: range) -> list[Any]:
    """Return all results of some steps as comparable text."""
    seen = []
    for t in steps:
        observations, rewards, dones, infos = vector.step(some_actions(t, vector.num_envs))
        for info in infos:
            info.get("episode", {}).pop("t", None)
            last = info.pop("terminal_observation", {})
            seen.append([array.tobytes() for array in last.values()])
        seen.append([observations["nodes"].tobytes(), rewards.tobytes(), dones.tolist(), repr(infos)])
    return seen


@pytest.mark.parametrize("name", ["product", "qaoa"])
def test_sb3_goes_on_from_a_state_to_the_bit(name: str) -> None:
    """A new environment, restored from JSON between two steps, continues like the undisturbed one."""
    config = replace(CONFIG, route_sampler=name, route_every=3)
    vector = LagrangianVecEnv(config, 3, seed=0)
    vector.reset()
    play(vector, range(9))
    record, arrays = vector.state()
    undisturbed = play(vector, range(9, 25))
    again = LagrangianVecEnv(config, 3, seed=99)
    again.load_state(json.loads(json.dumps(record)), arrays)
    assert play(again, range(9, 25)) == undisturbed
    assert any(bool(lasts[0]) for lasts in undisturbed if lasts)


def test_sb3_seeds_options_and_phases() -> None:
    """`seed` and `set_options` affect the next reset, `set_phase` every environment's next reset and later ones."""
    vector = LagrangianVecEnv(CONFIG, 2, seed=0)
    vector.seed(5)
    vector.set_options({"instance": "G-n16-k3"})
    first = vector.reset()
    assert [episode.problem.name for episode in vector.batch.episodes] == ["G-n16-k3"] * 2
    vector.set_phase(3)
    vector.seed(5)
    vector.set_options({"instance": "G-n16-k3"})
    np.testing.assert_array_equal(vector.reset()["nodes"], first["nodes"])
    assert [info["phase"] for info in vector.reset_infos] == [3, 3]
    vector.reset()
    assert all(episode.problem.name != "G-n16-k3" for episode in vector.batch.episodes)
    assert vector.env_method("set_phase", 2) == [None, None]
    vector.reset()
    assert [info["phase"] for info in vector.reset_infos] == [2, 2]
    one = vector.env_method
    for refused in (lambda: one("set_phase", 3, indices=0), lambda: one("render"), lambda: vector.set_attr("phase", 2)):
        with pytest.raises(AttributeError, match="single environments"):
            refused()


def test_stock_sb3_can_train_on_it() -> None:
    """PPO with its own multi-input policy takes a rollout and an update; evaluation uses the infos' totals."""
    vector = LagrangianVecEnv(CONFIG, 2, seed=0)
    model = PPO("MultiInputPolicy", vector, n_steps=8, batch_size=8, n_epochs=1, seed=0, device="cpu")
    model.learn(16)
    assert len(model.ep_info_buffer) > 0
    mean, _ = evaluate_policy(model, vector, n_eval_episodes=2)
    assert np.isfinite(mean)


def test_neighbouring_seeds_share_no_episode() -> None:
    """All environments of seeds 0 and 1 have different episodes."""
    seen = set()
    for seed in (0, 1, 2):
        for again in (False, True):
            env = LagrangianVecEnv(CONFIG, 3, seed=0 if again else seed)
            if again:
                env.seed(seed)
            env.reset()
            drawn = {episode.problem.distance.tobytes() for episode in env.batch.episodes}
            assert len(drawn) == 3
            assert not again or drawn <= seen
            assert again or not drawn & seen
            seen |= drawn
