"""The command line `lagrl`: one module per command, `entry` runs them."""

from __future__ import annotations

from lagrl.cli.entry import carry_out, main, parsed

__all__ = ["carry_out", "main", "parsed"]
