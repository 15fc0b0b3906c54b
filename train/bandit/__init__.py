"""Training of bandits on logged decisions: `python -m train.bandit`, or `lagrl train bandit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.command_line import entry

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Train a bandit; return the exit code, 2 after a mistake of the user that one line explains."""
    return entry("python -m train.bandit", "train.bandit.command", argv)
