"""Messages about files from which an interrupted command can be resumed."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from lagrl.samplers.registry import default_journal, make_sampler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def announce_journal(journal: Path | None, *samplers: str) -> None:
    """Print where paid answers are kept if the user named no file; the device is connected first."""
    for sampler in dict.fromkeys(samplers):
        kept = default_journal(sampler)
        if journal is None and kept is not None:
            make_sampler(sampler)  # one connection for all of this process
            print(f"lagrl: {sampler}: answers are kept in {kept}; run again to resume from it", file=sys.stderr)


@contextlib.contextmanager
def explain_resuming(kept: Path | None, sampler: str = "exact") -> Iterator[None]:
    """Print after Ctrl-C which file keeps the finished work, if any."""
    try:
        yield
    except KeyboardInterrupt:
        kept = kept or default_journal(sampler)
        if kept is not None:
            print(f"lagrl: run the same command again to resume from {kept}", file=sys.stderr)
        raise
