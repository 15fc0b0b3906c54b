"""Copies and pickles of environments: plain parts are copied, what a process opens once is shared or opened again."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
import pytest

from lagrl.errors import InputError
from lagrl.quantum.journal.journal import Journal
from lagrl.samplers.registry import make_sampler

if TYPE_CHECKING:
    from pathlib import Path

SMALL = {"n_max": 12, "n_customers": [6, 12], "max_steps": 6, "route_every": 2, "shots": 16, "start": "zero"}
DEVICE = "ibm:FakeHanoi+width=4"
BANDIT = "bandit+backends=FakeHanoi+width=4+learn=false"


def played(env: gymnasium.Env[Any, Any]) -> list[Any]:
    """Return what an environment gives in eight steps, resets included."""
    rng, seen = np.random.default_rng(0), []
    for _ in range(8):
        observation, reward, is_over, _, info = env.step(rng.uniform(-1, 1, 12).astype(np.float32))
        seen.append((observation["nodes"].tobytes(), reward, is_over, repr(info)))
        if is_over:
            env.reset()
    return seen


def opened(env: gymnasium.Env[Any, Any]) -> Any:
    """Return the device's backend or the bandit that proposes an environment's routes."""
    sampler = env.unwrapped.episode.state.route_dual.sampler  # of the route relaxation only
    return getattr(sampler, "backend", sampler)


@pytest.mark.parametrize("sampler", ["qaoa", DEVICE, BANDIT])
def test_pickles_and_copies_continue_to_the_bit(sampler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy, and a pickle that is read where no device is open yet, continue like the environment itself."""
    if sampler != "qaoa":
        pytest.importorskip("qiskit_aer", reason="needs the quantum extra")
    env = gymnasium.make("envs:LagrangianCVRP-v0", route_sampler=sampler, **SMALL)
    env.reset(seed=1)
    env.step(np.zeros(12, np.float32))
    content, twin = pickle.dumps(env), copy.deepcopy(env)
    own, copied = played(env), played(twin)
    assert copied == own
    again = pickle.loads(content)
    assert played(again) == own
    if sampler != "qaoa":
        assert opened(twin) is opened(env)
        assert opened(again) is not opened(env)
    for each in (env, twin, again):
        each.close()


def test_batched_environments_are_pickled_too() -> None:
    """Both batched adapters pickle in the middle of an episode."""
    pytest.importorskip("stable_baselines3", reason="needs the rl extra")
    from envs.sb3 import LagrangianVecEnv

    stock = LagrangianVecEnv(n_envs=2, route_sampler="greedy", **SMALL)
    vector = gymnasium.make_vec("envs:LagrangianCVRP-v0", num_envs=2, route_sampler="greedy", **SMALL)
    for env in (stock, vector):
        env.reset()
        actions = np.full((2, 12), 0.5, np.float32)
        env.step(actions)
        twin = pickle.loads(pickle.dumps(env))
        for _ in range(3):
            here, there = env.step(actions), twin.step(actions)
            np.testing.assert_array_equal(here[0]["nodes"], there[0]["nodes"])
            np.testing.assert_array_equal(here[1], there[1])


def test_copies_share_the_device_and_the_bandit() -> None:
    """A copy uses the same connection or bandit, a pickle opens another one, once for all that hold it."""
    pytest.importorskip("qiskit_aer", reason="needs the quantum extra")
    device: Any = make_sampler(DEVICE)
    bandit: Any = make_sampler(BANDIT)
    assert copy.deepcopy(device).backend is device.backend
    assert copy.deepcopy(bandit) is bandit
    one, other, first, second = pickle.loads(pickle.dumps((device, device, bandit, bandit)))
    assert one.backend is other.backend is not device.backend
    assert one.backend.name == device.backend.name
    assert first is second is not bandit
    assert first.arms == bandit.arms


def test_what_cannot_be_opened_again_is_refused_in_one_line(tmp_path: Path) -> None:
    """A device with a journal, as every device of an account has, is copied but not pickled."""
    pytest.importorskip("qiskit_aer", reason="needs the quantum extra")
    device: Any = make_sampler(DEVICE, journal=tmp_path / "jobs.jsonl")
    journal = Journal(tmp_path / "other.jsonl")
    assert copy.deepcopy(device).journal is device.journal
    for opened, name in ((device, r"ibm\(fake_hanoi\)"), (journal, "Journal")):
        with pytest.raises(InputError, match=f"{name} is open in this process and cannot be pickled") as caught:
            pickle.dumps(opened)
        assert "\n" not in str(caught.value)
    device.journal.close()
    journal.close()
