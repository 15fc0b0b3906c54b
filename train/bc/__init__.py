"""Behaviour cloning with DAgger: `python -m train.bc`, or `lagrl train bc`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.command_line import entry

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Train, or go on training; return the exit code (2: the user's mistake, told in one line)."""
    return entry("python -m train.bc", "train.bc.command", argv)
