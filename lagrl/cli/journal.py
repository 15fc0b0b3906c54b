"""The command `lagrl journal`: what a journal of sampler answers holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from lagrl.cli.options import File, OutFile, Plot, Rate, Text
from lagrl.plot.picture_style import require_picture, save_figure
from lagrl.printable import say
from lagrl.quantum.journal.journal import Journal
from lagrl.solver import estimated_price, require_price

if TYPE_CHECKING:
    from lagrl.quantum.journal.journal import JournalSummary


Old = Annotated[Path | None, tyro.conf.arg(name="import", metavar="OLD.jsonl", help_behavior_hint="")]


@dataclass(frozen=True)
class JournalCommand:
    """Options of `lagrl journal`.

    The same command with the same journal resumes a run with pending jobs: they are read, not sent again.
    """

    file: File
    """journal that lagrl solve or lagrl eval wrote"""
    give_up: Text = None
    """id or tag of a pending job to give up; another is sent, and charged, on resuming (default: none)"""
    price: Rate = None
    """price of one second of the quantum computer (default: no price)"""
    import_: Old = None
    """add a journal of an earlier version, or an export; FILE is created if missing (default: none)"""
    export: OutFile = None
    """write everything to a new file of JSON lines, such as a copy (default: none)"""
    plot: Plot = None
    """.svg, .pdf or .png file for the steps of each run and the jobs (default: none)"""
    json: bool = False
    """print one JSON object instead of text"""

    def run(self) -> None:
        """Import, give up a job and export, as far as requested, and print and draw the summary."""
        require_picture(self.plot)
        require_price(self.price)
        if self.import_ is not None:
            with Journal(self.file) as journal:
                journal.import_lines(self.import_)
            say(f"imported: {self.import_}; it is marked and no longer needed", error=True)
        with Journal(self.file, read_only=True) as journal:  # a file that is no journal is refused unchanged
            summary = journal.summary()
        if self.give_up is not None:
            with Journal(self.file) as journal:
                job = journal.give_up(self.give_up)
                cost, summary = journal.charge(job), journal.summary()
            charge = "its charge is unknown" if cost is None else f"charged {cost.qpu_seconds:g} s"
            say(f"given up: {job.job or job.tag} of run {job.run}, step {job.step}; {charge}", error=True)
        if self.export is not None:
            with Journal(self.file, read_only=True) as journal:
                journal.export_lines(self.export)
            say(f"exported: {self.export}", error=True)
        if self.plot is not None:
            from lagrl.plot.experiment_pictures import journal_counts

            save_figure(journal_counts(summary), self.plot)
        price = estimated_price(summary.paid, self.price)
        if self.json:
            print(json.dumps({**summary.record(), "price": price}, allow_nan=False))
        else:
            print_journal(summary, price)


def print_journal(summary: JournalSummary, price: float | None) -> None:
    """Print the summary of a journal as text."""
    steps = sum(summary.runs.values())
    say(f"{summary.path}: {summary.calls} calls of {', '.join(summary.samplers) or 'no sampler'}")
    say(f"runs: {len(summary.runs)}, steps: {steps}, circuits: {summary.sampling.circuits}")
    paid, cost = summary.paid, "" if price is None else f", price {price:g}"
    say(f"jobs: {summary.jobs}, failed: {summary.failed}, pending: {len(summary.pending)}")
    say(f"executed: {paid.circuits} circuits, {paid.shots} shots, {paid.qpu_seconds:g} s of a quantum computer{cost}")
    for job in summary.pending:
        why = f": {job.problem}" if job.problem else ""
        say(f"pending: {job.state} {job.job or f'tag {job.tag}'} of run {job.run}, step {job.step}{why}")
