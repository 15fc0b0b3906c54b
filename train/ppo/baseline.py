"""Rewards over and above those of an expert on the same episode: a control variate for the policy gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from stable_baselines3.common.vec_env import VecEnvWrapper

from envs.core import EpisodeBatch
from envs.rng import generator_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

    from envs.sb3 import LagrangianVecEnv
    from lagrl.controllers.base import Controller


class ExpertBaseline(VecEnvWrapper):
    """Take from every reward what an expert earns at the same step of the same episode.

    How much an episode earns depends far more on its instance and seeds than on who controls it. The expert meets the
    same instance, linearisation and start, so that most of that cancels. Its rewards do not depend on the policy's
    actions, hence the policy gradient's mean is unchanged and its variance falls (Greensmith, Bartlett and Baxter
    2004). Where the policy ends early, because it proved the dual optimal, the discounted rest of the expert's rewards
    is taken away at once; ending early is neither paid nor punished.

    Parameters
    ----------
    venv
        The environments.
    expert
        Makes the controllers; one rides along with every episode.
    gamma
        Discount of the returns.

    Attributes
    ----------
    rewards
        One [T] array per environment: what the expert earns at each step of the current episode.
    taken
        [n_envs] steps taken of it.
    """

    def __init__(self, venv: LagrangianVecEnv, expert: Callable[[], Controller], gamma: float) -> None:
        super().__init__(venv)
        self.expert = expert
        self.gamma = gamma
        self.batch: EpisodeBatch = venv.batch
        self.rewards: list[NDArray[np.float64]] = [np.zeros(0)] * venv.num_envs
        self.taken = np.zeros(venv.num_envs, dtype=np.int64)
        self._shadow = EpisodeBatch(self.batch.config, 1)

    def reset(self) -> VecEnvObs:
        """Reset every environment, and let the expert run ahead."""
        observations = self.venv.reset()
        for lane in range(self.num_envs):
            self._begin(lane)
        return observations

    def step_wait(self) -> VecEnvStepReturn:
        """Step, and take away what the expert earned."""
        observations, rewards, dones, infos = self.venv.step_wait()
        rewards = rewards.astype(np.float32)
        for lane in range(self.num_envs):
            ahead = self.rewards[lane][self.taken[lane] :]
            due = ahead if dones[lane] else ahead[:1]
            rewards[lane] -= float((due * self.gamma ** np.arange(len(due))).sum())
            self.taken[lane] += 1
            if dones[lane]:
                self._begin(lane)
        return observations, rewards, dones, infos

    def state(self) -> tuple[dict[str, object], dict[str, NDArray[np.float64]]]:
        """Return the expert's rewards and how many were taken: plain JSON values, and arrays."""
        record = {"taken": self.taken.tolist()}
        return record, {f"baseline/{lane}": rewards for lane, rewards in enumerate(self.rewards)}

    def load_state(self, record: dict[str, object], arrays: dict[str, NDArray[np.float64]]) -> None:
        """Take back what `state` returned."""
        self.taken = np.array(record["taken"], dtype=np.int64)
        self.rewards = [np.array(arrays[f"baseline/{lane}"]) for lane in range(self.num_envs)]

    def _begin(self, lane: int) -> None:
        """Let a fresh expert control the episode that the lane has just begun, to its end."""
        episode, shadow = self.batch.episodes[lane], self._shadow
        shadow.set_phase(episode.phase)
        shadow.reset(0, generator_of(episode.rng_record), episode.problem if episode.is_given else None)
        twin = shadow.episodes[0]
        controller = self.expert()
        multipliers = controller.start(
            twin.dual, budget=twin.budget, rng=np.random.default_rng(0), initial=twin.initial
        )
        earned = []
        while not twin.is_over:
            assert twin.step is not None
            multipliers = controller.update(twin.step.point, twin.step.feedback)
            earned.append(float(shadow.step_multipliers([multipliers]).rewards[0]))
        self.rewards[lane] = np.array(earned)
        self.taken[lane] = 0
