"""Training of a network that chooses freed sets: `python -m train.sets`, or `lagrl train sets`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.command_line import entry

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None, prog: str = "lagrl train sets") -> int:
    """Run the command with some arguments (None: those of the process); return the exit code, 2 for a user's error.

    `prog` is the form of the command in its messages, as the user typed it.
    """
    return entry(prog, "train.choices.sets_command", argv)
