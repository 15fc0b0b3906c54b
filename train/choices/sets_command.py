"""The command `python -m train.sets`."""

from __future__ import annotations

from train.choices.command import main_sets as main

__all__ = ["main"]
