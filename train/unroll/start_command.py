"""The command `python -m train.start`."""

from __future__ import annotations

from train.unroll.command import main_start as main

__all__ = ["main"]
