"""Small checkpoints for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from observations import shaken

from envs.action import ActionConfig
from policies.card import hardware, model_card
from policies.checkpoint import save_checkpoint
from policies.config import PolicyConfig
from policies.network import DiagonalPrecondNet

TINY = PolicyConfig(hidden=8, layers=1, heads=2, critic_hidden=8)
OBSERVATION_V1 = Path(__file__).parents[1] / "data" / "bc-small-observation-v1"
"""Checkpoint `bc-small` of version 0.2, which reads observations of version 1; without suffix."""


def some_net(seed: int = 0, config: PolicyConfig = TINY) -> DiagonalPrecondNet:
    """Return a network whose actions differ from 0 and from customer to customer."""
    torch.manual_seed(seed)
    net = DiagonalPrecondNet(config)
    shaken(net, seed, by=0.2)
    return net


def some_card(**changes: Any) -> dict[str, Any]:
    """Return a complete card."""
    training = {
        "instances": "X-type, 20 to 50 customers",
        "seed": 0,
        "steps": 10,
        "seconds": 1.5,
        "hardware": hardware(),
        "parent": None,
    }
    card = model_card(
        name="tiny", kind="bc", description="For tests.", command="pytest", config={"lr": 1e-3}, training=training
    )
    return card | changes


def some_checkpoint(folder: Path, name: str = "tiny", seed: int = 0, action: ActionConfig | None = None) -> Path:
    """Write a checkpoint and return its path without suffix."""
    path = folder / name
    save_checkpoint(path, some_net(seed), action or ActionConfig(), some_card(name=name))
    return path
