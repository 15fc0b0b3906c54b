"""The curriculum: the rule that advances the phase, and wrappers that apply it to environments of Gymnasium.

`envs.sb3.CurriculumCallback` applies it under Stable-Baselines3. Without a curriculum the rewards have the terms of all
phases.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from envs.config import EnvConfig

_CRITERION = {1: "best_share_served", 2: "best_gap"}


class Curriculum:
    """Advances the phase by the results of ended episodes.

    Phase 1 ends when the mean over the last `window` episodes of the best share of customers served exactly once
    exceeds `share`; phase 2 when the mean of their final relative dual gaps falls below `gap`; phase 3 never. Each
    phase lasts at least `least_episodes`. Environments adopt a new phase at their next reset, and episodes that started
    in an earlier phase do not count.

    Parameters
    ----------
    config
        The environment's; its `phases` and `curriculum` are used.

    Attributes
    ----------
    phase
        Phase of the episodes to come.
    episodes
        Ended episodes of this phase.
    """

    def __init__(self, config: EnvConfig) -> None:
        self._phases = config.phases
        self._rule = config.curriculum
        self._recent: deque[float] = deque(maxlen=config.curriculum.window)
        self.phase = config.phases[0]
        self.episodes = 0

    def observe(self, infos: Sequence[Mapping[str, Any]], ended: Sequence[bool] | NDArray[np.bool_]) -> bool:
        """Add one step of all environments; return whether the phase advanced.

        Parameters
        ----------
        infos
            Scalars of each environment.
        ended
            Whether each environment's episode ended in this step, terminated or truncated.
        """
        name = _CRITERION.get(self.phase)
        if name is None or self.phase == self._phases[-1]:
            return False
        for info, is_over in zip(infos, ended, strict=True):
            if is_over and info["phase"] == self.phase:
                self._recent.append(float(info[name]))
                self.episodes += 1
        if len(self._recent) < self._rule.window or self.episodes < self._rule.least_episodes:
            return False
        mean = sum(self._recent) / len(self._recent)
        if not (mean > self._rule.share if self.phase == 1 else mean < self._rule.gap):
            return False
        self.phase = self._phases[self._phases.index(self.phase) + 1]
        self.episodes = 0
        self._recent.clear()
        return True

    def state(self) -> dict[str, Any]:
        """Return the state that `load_state` needs, as plain JSON values."""
        return {"phase": self.phase, "episodes": self.episodes, "recent": list(self._recent)}

    def load_state(self, record: Mapping[str, Any]) -> None:
        """Restore a state that `state` returned.

        Raises
        ------
        InputError
            If its phase is none of the configured ones.
        """
        if record["phase"] not in self._phases:
            raise InputError(
                f"{record['phase']} is none of {self._phases}", field="phase", remedy="resume with the same phases"
            )
        self.phase = record["phase"]
        self.episodes = record["episodes"]
        self._recent = deque(record["recent"], maxlen=self._rule.window)


class CurriculumWrapper(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Applies a curriculum to one environment, which it starts in the first phase.

    Parameters
    ----------
    env
        A `LagrangianCVRP`, wrapped or not.

    Attributes
    ----------
    curriculum
        The curriculum of this environment.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self.curriculum = Curriculum(env.get_wrapper_attr("config"))
        self._set_phase = env.get_wrapper_attr("set_phase")
        self._set_phase(self.curriculum.phase)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, and advance the phase where the curriculum says so."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        if self.curriculum.observe([info], [terminated or truncated]):
            self._set_phase(self.curriculum.phase)
        return observation, reward, terminated, truncated, info


class VectorCurriculumWrapper(gymnasium.vector.VectorWrapper):
    """Applies one curriculum to all environments of a Gymnasium vector environment, batched or in processes.

    Parameters
    ----------
    env
        A `LagrangianVectorEnv`, or a vector environment of Gymnasium over `LagrangianCVRP`.
    config
        Configuration of the environments; that of a `LagrangianVectorEnv` if None.

    Raises
    ------
    InputError
        If no configuration is known.
    """

    def __init__(self, env: gymnasium.vector.VectorEnv[Any, Any, Any], config: EnvConfig | None = None) -> None:
        super().__init__(env)
        config = config or getattr(env.unwrapped, "config", None)
        if config is None:
            raise InputError("not known", field="config", remedy="give the environments' EnvConfig")
        self.curriculum = Curriculum(config)
        self._announce()

    def step(self, actions: Any) -> tuple[Any, Any, NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Step all environments, and advance the phase where the curriculum says so."""
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        ended = np.asarray(terminated) | np.asarray(truncated)
        if ended.any() and self.curriculum.observe(_one_each(infos, self.num_envs), ended):
            self._announce()
        return observations, rewards, terminated, truncated, infos

    def _announce(self) -> None:
        env: Any = self.env.unwrapped
        if hasattr(env, "set_phase"):
            env.set_phase(self.curriculum.phase)
        else:
            env.call("set_phase", self.curriculum.phase)


def _one_each(infos: Mapping[str, Any], n_envs: int) -> list[dict[str, Any]]:
    """Return a vector environment's infos, one dict per environment, with the curriculum's entries."""
    names = [name for name in ("phase", *_CRITERION.values()) if name in infos]
    return [{name: infos[name][index] for name in names} for index in range(n_envs)]
