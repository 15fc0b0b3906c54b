"""Small labelled states, made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envs.observation import FEATURES, N_NEIGHBOURS
from train.dataset import States

if TYPE_CHECKING:
    from collections.abc import Sequence


def random_states(sizes: Sequence[int], seed: int = 0, first_episode: int = 0) -> States:
    """Return one state of each size, each of a separate episode, with random features and labels."""
    rng = np.random.default_rng(seed)
    total = sum(sizes)
    is_labelled = rng.random(total) < 0.6
    is_labelled[np.cumsum([0, *sizes])[:-1]] = True
    return States(
        nodes=rng.normal(size=(total, len(FEATURES))).astype(np.float32),
        neighbours=np.concatenate([rng.integers(0, n, (n, N_NEIGHBOURS)) for n in sizes]).astype(np.int16),
        labels=np.where(is_labelled, rng.uniform(-1, 1, total), 0).astype(np.float32),
        is_labelled=is_labelled,
        sizes=np.array(sizes, dtype=np.int32),
        episodes=np.arange(first_episode, first_episode + len(sizes), dtype=np.int32),
    )
