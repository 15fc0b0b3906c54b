"""Around SB3's rollouts: the curriculum's phase, the episodes' statistics, and the boundary between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

if TYPE_CHECKING:
    from collections.abc import Callable

    from envs.curriculum import Curriculum


class CurriculumCallback(BaseCallback):
    """Let one curriculum own the phase of every environment.

    It sees every step of all of them; when it advances, each environment changes phase at its own next reset, so that
    no episode's rewards are of two kinds.
    """

    def __init__(self, curriculum: Curriculum) -> None:
        super().__init__()
        self.curriculum = curriculum

    def _on_step(self) -> bool:
        if self.curriculum.observe(self.locals["infos"]):
            self.training_env.set_phase(self.curriculum.phase)  # type: ignore[attr-defined]
        return True


class EpisodeStatistics(BaseCallback):
    """Collect what the episodes that end in a rollout brought.

    Attributes
    ----------
    episodes
        Episodes that ended in this rollout.
    """

    _KEYS = ("route_ratio", "gap", "share_served")

    def __init__(self) -> None:
        super().__init__()
        self.episodes = 0
        self._values: dict[str, list[float]] = {}

    def _on_rollout_start(self) -> None:
        self.episodes = 0
        self._values = {}

    def _on_step(self) -> bool:
        for done, info in zip(self.locals["dones"], self.locals["infos"], strict=True):
            if done:
                self.episodes += 1
                self._add("reward", info["episode"]["r"])
                self._add("length", info["episode"]["l"])
                for key in self._KEYS:
                    if key in info:
                        self._add(key, info[key])
        return True

    def _add(self, key: str, value: float) -> None:
        if np.isfinite(value):
            self._values.setdefault(key, []).append(float(value))

    def means(self) -> dict[str, float]:
        """Return the means over the rollout's episodes; a key without a value is left out."""
        return {key: float(np.mean(values)) for key, values in self._values.items()}


class RolloutBoundary(BaseCallback):
    """Call `at_boundary` after each rollout and its update, and once before the first.

    SB3 has no hook between an update and the next rollout; the start of the next one is that moment, and the end of
    training that of the last. When `at_boundary` returns False training ends: the one step SB3 takes before it asks
    belongs to no archive.

    Parameters
    ----------
    at_boundary
        What to do there; whether to go on.
    reached
        Steps of a resumed run, whose boundary was reached before it was archived.
    """

    def __init__(self, at_boundary: Callable[[], bool], reached: int | None = None) -> None:
        super().__init__()
        self.at_boundary = at_boundary
        self._goes_on = True
        self._last = reached

    def _on_rollout_start(self) -> None:
        self._goes_on = self._reach()

    def _on_step(self) -> bool:
        return self._goes_on

    def _on_training_end(self) -> None:
        if self._goes_on:
            self._reach()

    def _reach(self) -> bool:
        if self.model.num_timesteps == self._last:
            return True
        self._last = self.model.num_timesteps
        return self.at_boundary()
