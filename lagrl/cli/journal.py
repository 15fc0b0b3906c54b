"""What the command line does about journals: tells what they hold, where they are, and how to go on from them."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class JournalCommand:
    """Tell what a journal holds: calls, jobs still to be read, what was paid.

    A run whose jobs are pending goes on with the same command and journal: it reads them, and sends none again.
    """

    file: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """journal that lagrl solve or eval wrote"""
    give_up: Annotated[str | None, tyro.conf.arg(metavar="JOB", help_behavior_hint="")] = None
    """write a pending job off, by its id or tag: another is sent in its place, and paid, when the run goes on"""
    price: Annotated[float | None, tyro.conf.arg(metavar="RATE", help_behavior_hint="")] = None
    """what a second of the quantum computer costs"""
    json: bool = False
    """print one JSON object instead of text"""

    def run(self) -> None:
        """Carry the command out."""
        from lagrl.cli.show import print_journal
        from lagrl.quantum.journal.journal import Journal
        from lagrl.solver import estimated_price, require_price

        require_price(self.price)
        with Journal(self.file, read_only=True) as journal:  # a file that is no journal is refused unchanged
            summary = journal.summary()
        if self.give_up is not None:
            with Journal(self.file) as journal:
                job = journal.give_up(self.give_up)
                cost, summary = journal.charge(job), journal.summary()
            charge = "its charge is not known here" if cost is None else f"charged {cost.qpu_seconds:g} s"
            print(f"given up: {job.job or job.tag} of run {job.run}, step {job.step}; {charge}", file=sys.stderr)
        price = estimated_price(summary.paid, self.price)
        if self.json:
            print(json.dumps({**summary.record(), "price": price}, allow_nan=False))
        else:
            print_journal(summary, price)


def tell_journal(journal: Path | None, *samplers: str) -> None:
    """Say where paid answers are kept if the user did not choose a place, once the device is known to be there."""
    from lagrl.samplers.registry import default_journal, make_sampler

    for sampler in dict.fromkeys(samplers):
        kept = default_journal(sampler)
        if journal is None and kept is not None:
            make_sampler(sampler)  # one connection for all of this process
            print(f"lagrl: {sampler}: jobs and answers are kept in {kept}; run again to go on from it", file=sys.stderr)


@contextlib.contextmanager
def going_on(kept: Path | None, sampler: str = "exact") -> Iterator[None]:
    """Say after Ctrl-C where what is finished is kept, if it is."""
    from lagrl.samplers.registry import default_journal

    try:
        yield
    except KeyboardInterrupt:
        kept = kept or default_journal(sampler)
        if kept is not None:
            print(f"lagrl: run the same command again to go on from {kept}", file=sys.stderr)
        raise
