"""The command line `lagrl`: one module per command, `entry` runs them."""

from __future__ import annotations

from lagrl.cli.entry import main, run_guarded

__all__ = ["main", "run_guarded"]
