"""Small configurations and episodes for the tests of the search environment."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.search.config import SearchEnvConfig
from envs.search.core import SearchBatch

SMALL: dict[str, Any] = {"n_max": 30, "n_customers": (12, 30), "max_moves": 6, "choices": 4, "freed": 5}


def started(n_envs: int = 1, seed: int = 0, **changes: Any) -> SearchBatch:
    """Return a batch whose episodes have started."""
    batch = SearchBatch(SearchEnvConfig(**SMALL | changes), n_envs)
    for index in range(n_envs):
        batch.reset(index, np.random.default_rng([seed, index]))
    return batch
