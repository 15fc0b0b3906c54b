"""Weights of route networks for tests, without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.route_checkpoint import ROUTES
from lagrl.controllers.graph_attention import NetworkSize
from lagrl.controllers.policy_checkpoint import PolicyCheckpoint, tensor_shapes

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = NetworkSize(hidden=8, layers=1, heads=2, step_hidden=8, step_layers=1, steps=4)


def checkpoint_of(value: Callable[[tuple[int, ...]], np.ndarray]) -> PolicyCheckpoint:
    """Return a checkpoint whose tensors are the values of a function of their shapes."""
    weights = {name: value(shape).astype(np.float32) for name, shape in tensor_shapes(ROUTES, SMALL).items()}
    return PolicyCheckpoint(weights, SMALL, {"name": "test"}, "test")


def random_checkpoint(seed: int, size: float = 0.3) -> PolicyCheckpoint:
    """Return a checkpoint with normally distributed weights."""
    rng = np.random.default_rng(seed)
    return checkpoint_of(lambda shape: size * rng.standard_normal(shape))
