"""What the batches of all environments share, and what the adapters need of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gymnasium import spaces
    from numpy.typing import NDArray

E = TypeVar("E")


@dataclass(frozen=True)
class BatchStep:
    """Result of one step of all B environments; one that rested has 0, False and {}.

    Attributes
    ----------
    rewards
        [B] float64.
    terminated
        [B] bool: the dual is proven optimal, or the budget is spent.
    infos
        Scalars of each environment, see `Episode.info`.
    """

    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    infos: list[dict[str, Any]]

    def joined(self, other: BatchStep) -> BatchStep:
        """Return the result of this and another step, each of which rested where the other did not."""
        infos = [own or further for own, further in zip(self.infos, other.infos, strict=True)]
        return BatchStep(self.rewards + other.rewards, self.terminated | other.terminated, infos)


class Batch(ABC, Generic[E]):
    """B parallel environments; see `envs.core.EpisodeBatch` and `envs.search.core.SearchBatch`.

    Parameters
    ----------
    n_envs
        Number of environments B.
    observation_space, action_space
        Spaces of a single environment.

    Raises
    ------
    InputError
        If `n_envs` is below 1.
    """

    def __init__(self, n_envs: int, observation_space: spaces.Dict, action_space: spaces.Space[Any]) -> None:
        if n_envs < 1:
            raise InputError(f"{n_envs} given", field="n_envs", remedy="give 1 or more")
        self.n_envs = n_envs
        self.observation_space = observation_space
        self.action_space = action_space
        self._episodes: list[E | None] = [None] * n_envs
        self._observations: dict[str, NDArray[Any]] = {
            name: np.zeros((n_envs, *(space.shape or ())), space.dtype) for name, space in observation_space.items()
        }

    @property
    def episodes(self) -> list[E]:
        """Current episode of each environment; InputError before its first reset."""
        return [self._episode(index) for index in range(self.n_envs)]

    def observations(self) -> dict[str, NDArray[Any]]:
        """Return copies of all environments' observations, [B, …]."""
        return {name: array.copy() for name, array in self._observations.items()}

    def observation(self, index: int) -> dict[str, NDArray[Any]]:
        """Return a copy of one environment's observation."""
        return {name: array[index].copy() for name, array in self._observations.items()}

    @abstractmethod
    def reset(self, index: int, rng: np.random.Generator, instance: Any = None) -> dict[str, Any]:
        """Start an environment's next episode, and return its scalars."""

    @abstractmethod
    def step(self, actions: NDArray[Any], resting: Collection[int] = ()) -> BatchStep:
        """Carry out an action in every environment that does not rest."""

    @abstractmethod
    def render(self, index: int, mode: str) -> Any:
        """Return an environment's episode as text or as a picture [H, W, 3] uint8."""

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the state that `load_state` needs: plain JSON values, and arrays by name."""

    @abstractmethod
    def load_state(self, record: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Replay recorded episodes."""

    @abstractmethod
    def close(self) -> None:
        """Close the samplers."""

    def _episode(self, index: int) -> E:
        episode = self._episodes[index]
        if episode is None:
            raise InputError("no episode has started", source=f"environment {index}", remedy="call reset first")
        return episode
