"""What the adapters need of a batch of episodes, whichever environment it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from gymnasium import spaces
    from numpy.typing import NDArray

    from envs.core import BatchStep


class Batch(Protocol):
    """B parallel environments; see `envs.core.EpisodeBatch` and `envs.search.core.SearchBatch`.

    Attributes
    ----------
    n_envs
        Number of environments B.
    observation_space, action_space
        Spaces of a single environment.
    """

    n_envs: int
    observation_space: spaces.Dict
    action_space: spaces.Space[Any]

    @property
    def episodes(self) -> Sequence[Any]:
        """Current episode of each environment; each has an `info()`."""
        ...

    def reset(self, index: int, rng: np.random.Generator, instance: Any = None) -> dict[str, Any]:
        """Start an environment's next episode, and return its scalars."""
        ...

    def step(self, actions: NDArray[Any], resting: Collection[int] = ()) -> BatchStep:
        """Carry out an action in every environment that does not rest."""
        ...

    def observations(self) -> dict[str, NDArray[Any]]:
        """Return copies of all environments' observations, [B, …]."""
        ...

    def observation(self, index: int) -> dict[str, NDArray[Any]]:
        """Return a copy of one environment's observation."""
        ...

    def render(self, index: int, mode: str) -> Any:
        """Return an environment's episode as text or as a picture [H, W, 3] uint8."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the state that `load_state` needs: plain JSON values, and arrays by name."""
        ...

    def load_state(self, record: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Replay recorded episodes."""
        ...

    def close(self) -> None:
        """Close the samplers."""
        ...
