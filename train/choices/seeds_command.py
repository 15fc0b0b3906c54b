"""The command `python -m train.seeds`."""

from __future__ import annotations

from train.choices.command import main_seeds as main

__all__ = ["main"]
