"""Measured seconds of a training step, for the first estimate of a run's time."""

from __future__ import annotations

import copy
import math
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from envs.observation import N_NEIGHBOURS, features_of

if TYPE_CHECKING:
    from envs.config import EnvConfig
    from policies.network import DiagonalPrecondNet

_LEAST = 8  # states


def seconds_per_state(net: DiagonalPrecondNet, batch_size: int, n_customers: tuple[int, int]) -> float:
    """Return the seconds of a forward and backward pass per state; the network and all generators stay unchanged.

    Parameters
    ----------
    net
        The network in training.
    batch_size
        States of a minibatch. An eighth of them is measured, the second time: a first pass reserves memory.
    n_customers
        Customers of the smallest and of the largest instance.
    """
    rng = np.random.default_rng(0)
    states, width = max(_LEAST, batch_size // 8), n_customers[1]
    sizes = rng.integers(n_customers[0], width + 1, size=states)
    mask = np.arange(width) < sizes[:, None]
    nodes = rng.normal(size=(states, width, len(features_of(net.config.observation))))
    device = next(net.parameters()).device
    observation = {
        "nodes": torch.from_numpy(np.where(mask[..., None], nodes, 0.0).astype(np.float32)).to(device),
        "node_mask": torch.from_numpy(mask.astype(np.int8)).to(device),
        "neighbours": torch.zeros((states, width, N_NEIGHBOURS), dtype=torch.int16, device=device),
    }
    twin = copy.deepcopy(net).requires_grad_(True)
    seconds = 0.0
    for _ in range(2):
        started = time.perf_counter()
        mean, value = twin(observation)
        (mean.sum() + value.sum()).backward()
        seconds = time.perf_counter() - started
    return seconds / states


def mean_steps(config: EnvConfig) -> float:
    """Return the mean number of steps of an episode that does not end early."""
    if config.min_steps is None:
        return float(config.max_steps)
    low, high = config.min_steps - 0.5, config.max_steps + 0.5
    return (high - low) / math.log(high / low)
