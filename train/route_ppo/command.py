"""The command `python -m train.route_ppo`."""

from __future__ import annotations

from train.route_steps.command import main_ppo as main

__all__ = ["main"]
