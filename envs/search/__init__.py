"""The search around existing routes as a Gymnasium environment: `gymnasium.make("envs:LagrangianSearch-v0")`."""

from __future__ import annotations

from envs.search.baselines import baseline, lookahead
from envs.search.config import SearchEnvConfig
from envs.search.core import SearchBatch
from envs.search.observation import FEATURES

__all__ = ["FEATURES", "SearchBatch", "SearchEnvConfig", "baseline", "lookahead"]
