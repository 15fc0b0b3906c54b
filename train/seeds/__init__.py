"""Training of a network that chooses seedings: `python -m train.seeds`, or `lagrl train seeds`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.command_line import entry

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None, prog: str = "lagrl train seeds") -> int:
    """Run the command with some arguments (None: those of the process); return the exit code, 2 for a user's error.

    `prog` is the form of the command in its messages, as the user typed it.
    """
    return entry(prog, "train.choices.seeds_command", argv)
