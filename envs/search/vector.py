"""The batch of searches as a Gymnasium vector environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envs.search.env import make_batch
from envs.vector import EpisodeVectorEnv

if TYPE_CHECKING:
    from envs.render import RenderMode
    from envs.search.config import SearchEnvConfig
    from envs.search.core import SearchBatch


class LagrangianSearchVectorEnv(EpisodeVectorEnv):
    """B searches in one process, moved together.

    Environment b, seeded with s, is bit-equal to a `LagrangianSearch` seeded with s + b.

    Parameters
    ----------
    num_envs
        Number of environments B.
    config, render_mode, overrides
        As for `LagrangianSearch`.
    """

    batch: SearchBatch

    def __init__(
        self,
        num_envs: int = 1,
        config: SearchEnvConfig | None = None,
        render_mode: RenderMode | None = None,
        **overrides: Any,
    ) -> None:
        super().__init__(make_batch(num_envs, config, overrides), render_mode)
        self.config = self.batch.config
