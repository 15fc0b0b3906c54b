"""The batch of searches as a VecEnv of Stable-Baselines3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envs.sb3 import EpisodeVecEnv
from envs.search.env import make_batch

if TYPE_CHECKING:
    from envs.render import RenderMode
    from envs.search.config import SearchEnvConfig
    from envs.search.core import SearchBatch


class LagrangianSearchVecEnv(EpisodeVecEnv):
    """B searches in one process, moved together; for the infos see `EpisodeVecEnv`.

    Parameters
    ----------
    n_envs
        Number of environments B.
    seed
        Environment b draws its episodes from the generator seeded with [seed, b].
    config, render_mode, overrides
        As for `LagrangianSearch`.
    """

    batch: SearchBatch

    def __init__(
        self,
        config: SearchEnvConfig | None = None,
        n_envs: int = 1,
        seed: int = 0,
        render_mode: RenderMode | None = None,
        **overrides: Any,
    ) -> None:
        super().__init__(make_batch(n_envs, config, overrides), seed, render_mode)
        self.config = self.batch.config
