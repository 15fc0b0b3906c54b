"""Fine-tune a cloned policy with PPO: `python -m train.ppo --init checkpoints/NAME`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.command_line import entry

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code.

    Parameters
    ----------
    argv
        The arguments; the process's own if None.
    """
    return entry("python -m train.ppo", "train.ppo.command", argv)
