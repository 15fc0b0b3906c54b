"""The command line `lagrl`: one module per command, `entry` runs them."""

from __future__ import annotations

from lagrl.cli.entry import main, parse_arguments, run_guarded

__all__ = ["main", "parse_arguments", "run_guarded"]
