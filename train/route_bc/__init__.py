"""Cloning of a rule into the steps of a route policy: `python -m train.route_bc`, or `lagrl train route-bc`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.command_line import entry

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None, prog: str = "lagrl train route-bc") -> int:
    """Run the command with some arguments (None: those of the process); return the exit code, 2 for a user's error.

    `prog` is the form of the command in its messages, as the user typed it.
    """
    return entry(prog, "train.route_bc.command", argv)
