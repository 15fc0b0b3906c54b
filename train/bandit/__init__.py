"""Training of bandits on logged decisions: `python -m train.bandit`, or `lagrl train bandit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.command_line import entry

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None, prog: str = "lagrl train bandit") -> int:
    """Train a bandit; return the exit code, 2 after a mistake of the user that one line explains.

    `prog` is the form of the command in its messages, as the user typed it.
    """
    return entry(prog, "train.bandit.command", argv)
