"""Fine-tuning of a cloned policy with PPO: `python -m train.ppo`, or `lagrl train ppo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.command_line import entry

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with some arguments (None: those of the process); return the exit code, 2 for a user's error."""
    return entry("python -m train.ppo", "train.ppo.command", argv)
