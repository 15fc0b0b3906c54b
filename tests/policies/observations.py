"""Padded random observations for tests: random features, neighbours by distance in a random plane."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from envs.observation import FEATURES, N_NEIGHBOURS, padded
from policies.graph import as_tensors


def one_state(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features [n, 14] and neighbours [n, 5] of a random instance."""
    rng = np.random.default_rng([n, seed])
    nodes = rng.normal(size=(n, len(FEATURES))).astype(np.float32)
    place = rng.normal(size=(n, 2))
    apart = ((place[:, None] - place[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    neighbours = np.repeat(np.arange(n)[:, None], N_NEIGHBOURS, axis=1)
    count = min(N_NEIGHBOURS, n - 1)
    neighbours[:, :count] = np.argsort(apart, axis=1)[:, :count]
    return nodes, neighbours.astype(np.int16)


def observation(sizes: list[int], n_max: int, seed: int = 0, junk: float = 0.0) -> dict[str, Tensor]:
    """Return a batch of random states padded to `n_max`; `junk` fills the features of the padding."""
    singles = [padded(*one_state(n, seed + b), n_max) for b, n in enumerate(sizes)]
    batch = as_tensors({key: np.stack([single[key] for single in singles]) for key in singles[0]})
    padding = batch["node_mask"] == 0
    batch["nodes"][padding] = junk
    return batch


def shaken(module: torch.nn.Module, seed: int = 0, by: float = 0.3) -> None:
    """Move every weight by a random amount, so that no part of a fresh network is zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += by * torch.randn(parameter.shape, generator=generator)
