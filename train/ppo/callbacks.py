"""Callbacks of SB3: the statistics of episodes, and the boundary between two rollouts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

if TYPE_CHECKING:
    from collections.abc import Callable

    from train.pace import Report


class EpisodeStatistics(BaseCallback):
    """Averages the results of the episodes that end in a rollout.

    Attributes
    ----------
    episodes
        Number of episodes that ended in this rollout.
    """

    _KEYS = ("best_route_ratio", "best_gap", "best_share_served")

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
        """Return the means over the rollout's episodes; a key without a finite value is omitted."""
        return {key: float(np.mean(values)) for key, values in self._values.items()}


class StepReport(BaseCallback):
    """Calls `report` after every step of the environments; kind `rollout`, pieces are steps."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report
        self._steps = 0

    def _on_rollout_start(self) -> None:
        self._steps = 0

    def _on_step(self) -> bool:
        self._steps += 1
        size = self.locals["n_rollout_steps"]
        number = math.ceil(self.num_timesteps / (size * self.training_env.num_envs))
        self.report("rollout", 1, f"rollout {number}, step {self._steps}/{size}")
        return True


class RolloutBoundary(BaseCallback):
    """Calls `at_boundary` after each rollout and its update, and once before the first.

    SB3 has no hook between an update and the next rollout; the start of the next one serves instead, and for the last
    update the end of training. When `at_boundary` returns False training ends; the one step that SB3 takes before it
    checks is in no archive.

    Parameters
    ----------
    at_boundary
        Called at every boundary; returns whether to continue.
    reached
        Steps of a resumed run, whose current boundary was handled before it was archived.
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
