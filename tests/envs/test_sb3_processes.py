"""Batched environments in several processes: the results of one process, and errors instead of waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from env_samplers import NoisySampler
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecNormalize

from envs.config import EnvConfig
from envs.sb3 import LagrangianVecEnv
from envs.sb3_processes import LagrangianSubprocVecEnv
from lagrl.errors import InputError, UnknownNameError, WorkerError
from lagrl.relaxation.sampler import ExactSampler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONFIG = EnvConfig(n_max=16, n_customers=(6, 12), max_steps=6, min_steps=2, route_sampler="product", shots=8)
N_ENVS = 5


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[LagrangianVecEnv, LagrangianSubprocVecEnv]]:
    """The same environments in this process and in two others, with a sampler that cannot be imported there."""

    class Own(NoisySampler):
        """A class of this function."""

    arguments: dict[str, Any] = {"n_envs": N_ENVS, "seed": 3, "route_sampler": Own, "render_mode": "rgb_array"}
    processes = LagrangianSubprocVecEnv(CONFIG, processes=2, **arguments)
    yield LagrangianVecEnv(CONFIG, **arguments), processes
    processes.close()


def some_actions(step: int) -> np.ndarray:
    """The actions of a step."""
    return np.random.default_rng([1, step]).uniform(-1, 1, (N_ENVS, 16)).astype(np.float32)


def plain(infos: list[dict[str, Any]]) -> str:
    """Return infos as text, without the seconds."""
    timeless = [info | {"episode": info["episode"] | {"t": 0}} if "episode" in info else info for info in infos]
    return repr(timeless)


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    """Observations are equal to the bit, with the same types."""
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.dtype == other[name].dtype
        np.testing.assert_array_equal(array, other[name])


def test_processes_give_the_results_of_one(both: tuple[LagrangianVecEnv, LagrangianSubprocVecEnv]) -> None:
    """Everything is equal to the bit: from the first seed, from later ones, with given instances, over many resets."""
    single, processes = both
    n_ended = 0
    for seed in (None, 8, None):
        if seed is not None:
            assert single.seed(seed) == processes.seed(seed)
            for env in both:
                env.set_options([{"instance": "G-n16-k3"}, *[{}] * (N_ENVS - 1)])
        assert_same(single.reset(), processes.reset())
        assert plain(single.reset_infos) == plain(processes.reset_infos)
        earlier = processes.reset_infos
        before = plain(earlier)
        for step in range(12):
            expected, found = single.step(some_actions(step)), processes.step(some_actions(step))
            assert_same(expected[0], found[0])
            for index in (1, 2):
                assert expected[index].dtype == found[index].dtype
                np.testing.assert_array_equal(expected[index], found[index])
            assert plain(expected[3]) == plain(found[3])
            assert plain(single.reset_infos) == plain(processes.reset_infos)
            n_ended += int(found[2].sum())
        assert plain(earlier) == before  # a list that was read earlier does not change
    assert n_ended > 3 * N_ENVS
    assert single.observation_space == processes.observation_space
    assert single.action_space == processes.action_space
    assert single.metadata == processes.metadata


def test_attributes_and_methods_are_those_of_one(both: tuple[LagrangianVecEnv, LagrangianSubprocVecEnv]) -> None:
    """Attributes are read; the phase is set for all environments; what one process refuses is refused too."""
    for env in both:
        assert env.get_attr("config", [0, -1])[1].n_max == 16
        assert len(env.get_attr("config")) == N_ENVS
        assert env.has_attr("batch")
        assert not env.has_attr("nothing")
        assert env.env_is_wrapped(Monitor) == [True] * N_ENVS
        assert env.env_method("set_phase", 2) == [None] * N_ENVS
        env.reset()
        assert [info["phase"] for info in env.reset_infos] == [2] * N_ENVS
        env.set_phase(3)
        env.reset()
        assert [info["phase"] for info in env.reset_infos] == [3] * N_ENVS
        with pytest.raises(InputError, match="phase: 9 given"):
            env.set_phase(9)
        env.set_phase(None)
        refused: list[Callable[[], object]] = [
            lambda env=env: env.env_method("set_phase", 3, indices=0),
            lambda env=env: env.env_method("fly"),
            lambda env=env: env.set_attr("phase", 2),
        ]
        for call in refused:
            with pytest.raises(AttributeError, match="single environments"):
                call()


def test_wrong_actions_are_named_and_a_reset_goes_on(
    both: tuple[LagrangianVecEnv, LagrangianSubprocVecEnv],
) -> None:
    """The message has the environment's number among all; until the next reset, steps are refused in one line."""
    _, processes = both
    processes.reset()
    wrong = some_actions(0)
    wrong[4, 0] = np.nan
    with pytest.raises(InputError, match="environment 4: action: customer 1 is given nan"):
        processes.step(wrong)
    with pytest.raises(InputError, match="call reset first"):
        processes.step(some_actions(0))
    with pytest.raises(InputError, match=r"shape \(4, 16\); give floats of shape \(5, 16\)"):
        processes.step(some_actions(0)[:4])
    processes.set_options({"instance": "G-n999-k9"})
    with pytest.raises(InputError, match="G-n999-k9"):
        processes.reset()
    processes.set_options({})
    processes.reset()
    processes.step(some_actions(0))


def test_pictures_come_from_the_workers(both: tuple[LagrangianVecEnv, LagrangianSubprocVecEnv]) -> None:
    """The render mode rgb_array gives one picture per environment, as in one process."""
    pytest.importorskip("matplotlib", reason="needs the viz extra")
    for env in both:
        env.seed(2)
        env.reset()
    single, processes = both
    for own, other in zip(single.get_images(), processes.get_images(), strict=True):
        np.testing.assert_array_equal(own, other)
    np.testing.assert_array_equal(single.render(), processes.render())


def test_wrappers_of_sb3_take_it(both: tuple[LagrangianVecEnv, LagrangianSubprocVecEnv]) -> None:
    """VecNormalize normalises the features of all processes alike."""
    seen = []
    for env in both:
        env.seed(1)
        wrapped = VecNormalize(env, norm_obs_keys=["nodes"])
        wrapped.reset()
        seen.append(wrapped.step(some_actions(0))[0])
    assert_same(*seen)


@pytest.mark.parametrize("given", [{"processes": 0}, {"processes": 4}, {"n_envs": 0}, {"sampler": "exakt"}])
def test_arguments_that_do_not_fit_are_refused(given: dict[str, Any]) -> None:
    """The number of processes is 1 … B; errors of a worker's environment are raised as in one process."""
    with pytest.raises((InputError, UnknownNameError), match=str(next(iter(given.values())))) as caught:
        LagrangianSubprocVecEnv(CONFIG, **{"n_envs": 3, "processes": 1, **given})
    assert "\n" not in str(caught.value)


def test_a_sampler_that_cannot_be_pickled_is_refused() -> None:
    """The error is typed and says what to give instead."""
    lock = threading.Lock()

    class Locked(ExactSampler):
        held = lock

    with pytest.raises(InputError, match=r"cannot pickle.*; give a name, or a function that makes the sampler"):
        LagrangianSubprocVecEnv(CONFIG, n_envs=1, processes=1, route_sampler=Locked)


class Failing(ExactSampler):
    """A sampler that cannot be made once a file exists, in the way that its name says."""

    def __init__(self) -> None:
        how, _, flag = os.environ["FAILING"].partition(":")
        if not os.path.exists(flag):
            return
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "sleep":
            time.sleep(2.0)
        raise ZeroDivisionError("no more samplers")


class Full(ExactSampler):
    """A sampler that cannot be closed."""

    def close(self) -> None:
        """Fail."""
        raise RuntimeError("the file is full")


def failing(how: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[LagrangianSubprocVecEnv, Path]:
    """Return environments whose next episodes fail once a file exists, and that file."""
    flag = folder / "flag"
    monkeypatch.setenv("FAILING", f"{how}:{flag}")
    samplers = {"sampler": f"{__name__}:Full", "route_sampler": Failing}
    env = LagrangianSubprocVecEnv(CONFIG, 2, render_mode="ansi", processes=2, **samplers)
    env.reset()
    return env, flag


def processes_of(env: LagrangianSubprocVecEnv) -> list[Any]:
    """Return the workers' processes."""
    return [worker._process for worker in env._workers]


def test_a_failing_worker_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in a worker comes with its text and place, also one at the end; a reset goes on after the first."""
    env, flag = failing("raise", tmp_path, monkeypatch)
    flag.touch()
    message = r"worker of environment 0 failed: ZeroDivisionError: no more samplers \(test_sb3_processes.py line \d+\)"
    with pytest.raises(WorkerError, match=message):
        env.reset()
    flag.unlink()
    env.reset()
    env.step(np.zeros((2, 16), np.float32))
    assert ["evaluation 2/" in text for text in env.render()] == [True, True]
    processes = processes_of(env)
    with pytest.raises(WorkerError, match="RuntimeError: the file is full"):
        env.close()
    assert not any(process.is_alive() for process in processes)
    env.close()
    with pytest.raises(WorkerError, match="have ended; make a new environment"):
        env.reset()


def test_a_dead_worker_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is killed gives an error in the parent at once, and the other workers end."""
    env, flag = failing("die", tmp_path, monkeypatch)
    processes = processes_of(env)
    flag.touch()
    with pytest.raises(WorkerError, match="environment 0 ended, exit code -9"):
        env.reset()
    assert not any(process.is_alive() for process in processes)


def test_an_interrupted_step_ends_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while workers compute is raised in the parent, and no worker is left."""
    env, flag = failing("sleep", tmp_path, monkeypatch)
    processes = processes_of(env)
    flag.touch()
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.5, signal.pthread_kill, [main, signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        env.reset()
    assert "then: the worker of environment 0 failed: RuntimeError: the file is full" in caught.value.__notes__[0]
    assert not any(process.is_alive() for process in processes)
    timer.join()


SCRIPT = """
import envs
env = envs.LagrangianSubprocVecEnv(n_envs=1, processes=1)
"""


def test_a_script_without_a_guard_gets_an_error(tmp_path: Path) -> None:
    """Where the main script makes the environment again in the worker, the error names the usual guard."""
    script = tmp_path / "unguarded.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("lagrl.errors.WorkerError: the worker of environment 0 ended, exit code 1")
    assert 'if __name__ == "__main__"' in last
