"""Rewards relative to an expert's on the same episode: a control variate for the policy gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnvWrapper

from envs.core import EpisodeBatch
from envs.rng import generator_from_record
from train.experts import expert_target, start_expert
from train.pace import silent

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

    from envs.sb3 import LagrangianVecEnv
    from lagrl.controllers.base import Controller
    from train.pace import Report


class ExpertBaseline(VecEnvWrapper):
    """Subtracts from every reward what an expert earns at the same step of the same episode.

    The return of an episode depends far more on its instance and seeds than on the policy. The expert has the same
    instance, linearisation and start, so that most of this cancels. Its rewards do not depend on the policy's actions,
    hence the mean of the policy gradient is unchanged and its variance falls (Greensmith, Bartlett and Baxter 2004).
    Where the policy ends early, because it proved the dual optimal, the discounted rest of the expert's rewards is
    subtracted at once, so that an early end changes the return by neither a bonus nor a penalty.

    Parameters
    ----------
    venv
        The environments.
    expert
        Makes the controllers, one for every episode.
    gamma
        Discount factor of the returns.

    Attributes
    ----------
    rewards
        One [T] array per environment: the expert's reward at each step of the current episode.
    taken
        [n_envs] steps of the current episode so far.
    report
        Called after each step of an expert; kind `rollout`, no pieces.
    """

    def __init__(self, venv: LagrangianVecEnv, expert: Callable[[], Controller], gamma: float) -> None:
        super().__init__(venv)
        self.expert = expert
        self.gamma = gamma
        assert isinstance(venv.batch, EpisodeBatch)  # trainings have no other relaxation
        self.batch = venv.batch
        self.rewards: list[NDArray[np.float64]] = [np.zeros(0)] * venv.num_envs
        self.taken = np.zeros(venv.num_envs, dtype=np.int64)
        self.report: Report = silent
        self._shadow = EpisodeBatch(self.batch.config, 1)

    def reset(self) -> VecEnvObs:
        """Reset every environment, and let the expert run each episode."""
        observations = self.venv.reset()
        for index in range(self.num_envs):
            self._run_expert(index)
        return observations

    def step_wait(self) -> VecEnvStepReturn:
        """Step, and subtract the expert's rewards."""
        observations, rewards, dones, infos = self.venv.step_wait()
        rewards = rewards.astype(np.float32)
        for index in range(self.num_envs):
            ahead = self.rewards[index][self.taken[index] :]
            due = ahead if dones[index] else ahead[:1]
            rewards[index] -= float((due * self.gamma ** np.arange(len(due))).sum())
            self.taken[index] += 1
            if dones[index]:
                self._run_expert(index)
        return observations, rewards, dones, infos

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        """Return the expert's rewards and the steps taken: plain JSON values, and arrays."""
        record = {"taken": self.taken.tolist()}
        return record, {f"baseline/{index}": rewards for index, rewards in enumerate(self.rewards)}

    def load_state(self, record: dict[str, Any], arrays: dict[str, NDArray[np.float64]]) -> None:
        """Restore the return values of `state`."""
        self.taken = np.array(record["taken"], dtype=np.int64)
        self.rewards = [np.array(arrays[f"baseline/{index}"]) for index in range(self.num_envs)]

    def _run_expert(self, index: int) -> None:
        """Let a new expert run the episode that an environment has just started, to its end."""
        episode, shadow = self.batch.episodes[index], self._shadow
        shadow.set_phase(episode.phase)
        shadow.reset(0, generator_from_record(episode.rng_record), episode.problem if episode.is_given else None)
        twin = shadow.episodes[0]
        expert = start_expert(self.expert, twin, np.random.default_rng(0))
        earned = []
        while not twin.is_over:
            earned.append(float(shadow.step_multipliers([expert_target(expert, twin)]).rewards[0]))
            self.report("rollout", 0, f"episode of the expert, step {len(earned)}/{twin.horizon}")
        self.rewards[index] = np.array(earned)
        self.taken[index] = 0
