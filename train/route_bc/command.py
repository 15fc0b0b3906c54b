"""The command `python -m train.route_bc`."""

from __future__ import annotations

from train.route_steps.command import main_bc as main

__all__ = ["main"]
