"""Rewards in units of the returns' standard deviation, so that one step size fits every phase and preset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnvWrapper

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from stable_baselines3.common.vec_env import VecEnv
    from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

_FLOOR = 1e-4  # of the standard deviation: rewards close to 0 are not amplified to noise


class ScaledRewards(VecEnvWrapper):
    """Divides rewards by the running standard deviation of the discounted returns, and clips them.

    This is the reward half of SB3's `VecNormalize` (important for PPO by Engstrom et al. 2020), without the other half,
    which would normalise masks and neighbour tables, and with a state that can be archived. The mean is not subtracted,
    because that would change the optimal policy. `infos` contain the original rewards.

    Parameters
    ----------
    venv
        The environments.
    gamma
        Discount factor of the returns.
    clip
        Largest absolute value of a scaled reward.

    Attributes
    ----------
    returns
        [n_envs] discounted sum of each environment's rewards since the start of its episode.
    count, mean, variance
        Statistics of all returns so far (Chan, Golub and LeVeque 1983, parallel update).
    """

    def __init__(self, venv: VecEnv, gamma: float, clip: float = 10.0) -> None:
        super().__init__(venv)
        self.gamma = gamma
        self.clip = clip
        self.returns = np.zeros(venv.num_envs)
        self.count, self.mean, self.variance = 0.0, 0.0, 1.0

    @property
    def scale(self) -> float:
        """Divisor of the rewards, at least 1e-4."""
        return float(max(np.sqrt(self.variance), _FLOOR))

    def reset(self) -> VecEnvObs:
        """Reset every environment; the statistics are kept."""
        self.returns[:] = 0.0
        return self.venv.reset()

    def step_wait(self) -> VecEnvStepReturn:
        """Step, update the statistics, then scale the rewards."""
        observations, rewards, dones, infos = self.venv.step_wait()
        self.returns = self.gamma * self.returns + rewards
        self._update(self.returns)
        self.returns[dones] = 0.0
        scaled = np.clip(rewards / self.scale, -self.clip, self.clip).astype(np.float32)
        return observations, scaled, dones, infos

    def _update(self, batch: NDArray[np.float64]) -> None:
        total = self.count + len(batch)
        shift = float(batch.mean()) - self.mean
        spread = self.variance * self.count + float(batch.var()) * len(batch)
        self.variance = (spread + shift**2 * self.count * len(batch) / total) / total
        self.mean += shift * len(batch) / total
        self.count = total

    def state(self) -> dict[str, Any]:
        """Return the statistics, without the environments' state, as plain JSON values."""
        return {
            "count": self.count,
            "mean": self.mean,
            "variance": self.variance,
            "returns": [float(value) for value in self.returns],
        }

    def load_state(self, record: dict[str, Any]) -> None:
        """Restore the return value of `state`."""
        self.count, self.mean, self.variance = (float(record[name]) for name in ("count", "mean", "variance"))
        self.returns = np.array(record["returns"], dtype=np.float64)
