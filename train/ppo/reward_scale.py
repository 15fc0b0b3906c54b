"""Rewards in units of the returns' own spread, so that one critic and one step size fit every phase and preset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from stable_baselines3.common.vec_env import VecEnvWrapper

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from stable_baselines3.common.vec_env import VecEnv
    from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

_FLOOR = 1e-4  # of the spread: rewards that are all but zero are not blown up into noise


class ScaledRewards(VecEnvWrapper):
    """Divide rewards by the running standard deviation of the discounted returns, and clip them.

    The reward half of SB3's `VecNormalize` (Engstrom et al. 2020 name it among what makes PPO work), without the half
    that would normalise masks and neighbour tables, and with a state that can be archived. The mean is not taken
    away: that would change what is optimal. `infos` keep the rewards as they were earned.

    Parameters
    ----------
    venv
        The environments.
    gamma
        Discount of the returns.
    clip
        Largest size of a scaled reward.

    Attributes
    ----------
    returns
        [n_envs] discounted sum of each environment's rewards since its episode began.
    count, mean, variance
        Of all the returns so far (Chan, Golub and LeVeque 1983, parallel update).
    """

    def __init__(self, venv: VecEnv, gamma: float, clip: float = 10.0) -> None:
        super().__init__(venv)
        self.gamma = gamma
        self.clip = clip
        self.returns = np.zeros(venv.num_envs)
        self.count, self.mean, self.variance = 0.0, 0.0, 1.0

    @property
    def scale(self) -> float:
        """What rewards are divided by."""
        return float(max(np.sqrt(self.variance), _FLOOR))

    def reset(self) -> VecEnvObs:
        """Reset every environment; the spread seen so far is kept."""
        self.returns[:] = 0.0
        return self.venv.reset()

    def step_wait(self) -> VecEnvStepReturn:
        """Step, learn from the rewards, then scale them."""
        observations, rewards, dones, infos = self.venv.step_wait()
        self.returns = self.gamma * self.returns + rewards
        self._learn(self.returns)
        self.returns[dones] = 0.0
        scaled = np.clip(rewards / self.scale, -self.clip, self.clip).astype(np.float32)
        return observations, scaled, dones, infos

    def _learn(self, batch: NDArray[np.float64]) -> None:
        total = self.count + len(batch)
        shift = float(batch.mean()) - self.mean
        spread = self.variance * self.count + float(batch.var()) * len(batch)
        self.variance = (spread + shift**2 * self.count * len(batch) / total) / total
        self.mean += shift * len(batch) / total
        self.count = total

    def state(self) -> dict[str, object]:
        """Return everything but the environments, as plain JSON values."""
        return {
            "count": self.count,
            "mean": self.mean,
            "variance": self.variance,
            "returns": [float(value) for value in self.returns],
        }

    def load_state(self, record: dict[str, object]) -> None:
        """Take back what `state` returned."""
        self.count, self.mean, self.variance = (float(record[name]) for name in ("count", "mean", "variance"))  # type: ignore[arg-type]
        self.returns = np.array(record["returns"], dtype=np.float64)
