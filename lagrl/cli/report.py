"""The command `lagrl report`: compare the controllers of result rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lagrl.bench.report import report
from lagrl.bench.rows import read_rows
from lagrl.cli.options import OutFile, Text
from lagrl.cli.outputs import keep_inputs
from lagrl.errors import InputError
from lagrl.io.atomic import require_writable, write_text

Rows = Annotated[
    tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="ROWS.jsonl…", help_behavior_hint="(required)")
]


@dataclass(frozen=True)
class ReportCommand:
    """Options of `lagrl report`.

    The report holds mean gaps, paired differences with 95 % intervals, gaps by family, and where the rows come from.
    """

    rows: Rows
    """files that lagrl eval wrote, gzipped or not"""
    format: Literal["md", "csv"] = "md"
    """md: Markdown tables, rounded; csv: all numbers in full"""
    baseline: Text = None
    """controller to compare others with (default: perturbed, else the alphabetically first)"""
    baseline_sampler: str = "exact"
    """sampler to compare others with"""
    out: OutFile = None
    """file to write the report to (default: it is printed)"""

    def run(self) -> None:
        """Print or write the report."""
        if not self.rows:
            raise InputError("no file given", field="ROWS", remedy="give at least one file that lagrl eval wrote")
        if self.out is not None:
            require_writable(self.out)
            keep_inputs(self.out, *self.rows)
        text = report(
            read_rows(*self.rows),
            format=self.format,
            baseline=self.baseline,
            baseline_sampler=self.baseline_sampler,
        )
        if self.out is None:
            print(text, end="" if text.endswith("\n") else "\n")
        else:
            write_text(self.out, text)
