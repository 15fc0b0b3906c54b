"""Behaviour cloning with DAgger: `python -m train.bc`, or `lagrl train bc`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.command_line import entry

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None, prog: str = "lagrl train bc") -> int:
    """Run the command with some arguments (None: those of the process); return the exit code, 2 for a user's error.

    `prog` is the form of the command in its messages, as the user typed it.
    """
    return entry(prog, "train.bc.command", argv)
