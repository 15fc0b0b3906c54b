"""The command `lagrl report`: compare the controllers of result rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lagrl.bench.companion_rows import are_companions, read_companions
from lagrl.bench.ledger_report import companion_ledger_report, ledger_report
from lagrl.bench.page.web_page import html_report
from lagrl.bench.prices import PriceTable, read_prices
from lagrl.bench.qoblib import write_qoblib
from lagrl.bench.report import report
from lagrl.bench.rows import read_rows
from lagrl.cli.options import Folder, OutFile, Plot, Text
from lagrl.cli.outputs import keep_inputs
from lagrl.cli.progress import waiting_bar
from lagrl.errors import InputError
from lagrl.io.atomic import require_writable, write_text
from lagrl.plot.picture_style import require_picture, save_figure
from lagrl.printable import say

Rows = Annotated[
    tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="ROWS.jsonl…", help_behavior_hint="(required)")
]


@dataclass(frozen=True)
class ReportCommand:
    """Options of `lagrl report`.

    The report holds mean gaps, paired differences with 95 % intervals, gaps by family, and where the rows come from.
    As a web page (-o report.html) it also has figures, tables by instance, maps, the ledger and all settings.
    """

    rows: Rows
    """files that lagrl eval wrote, gzipped or not; with --ledger also rows of cascade routing or of lagrl carbon"""
    format: Literal["auto", "md", "csv", "html"] = "auto"
    """md: rounded tables in Markdown; csv: all numbers in full; html: a web page; auto: by suffix of --out, or md"""
    baseline: Text = None
    """controller to compare others with (default: perturbed, else the alphabetically first)"""
    baseline_sampler: str = "exact"
    """sampler to compare others with"""
    ledger: bool = False
    """add what the runs took in seconds, energy, emissions and money, and whether circuits paid (html always has it)"""
    prices: OutFile = None
    """JSON file with prices, powers and intensities of the ledger, see lagrl.bench.prices (default: assumptions)"""
    qoblib: Folder = None
    """existing folder for submission sheets of the Quantum Optimization Benchmarking Library (default: none)"""
    solutions: Folder = None
    """folder of solutions NAME.sol for the page's maps (default: the reference solutions beside the instances)"""
    data: Folder = None
    """folder of CVRPLIB files for the page's maps (default: the environment variable LAGRL_DATA)"""
    out: Annotated[OutFile, tyro.conf.arg(aliases=["-o"])] = None
    """file to write the report to (default: it is printed)"""
    plot: Plot = None
    """.svg, .pdf or .png file for mean gaps and performance profiles (default: none)"""

    def run(self) -> None:
        """Print or write the report."""
        require_picture(self.plot)
        if not self.rows:
            raise InputError("no file given", field="ROWS", remedy="give at least one file that lagrl eval wrote")
        if self.out is not None:
            require_writable(self.out)
            keep_inputs(self.out, *self.rows)
        kind = self._kind()
        if kind == "csv" and self.ledger:
            raise InputError("given with CSV", field="--ledger", remedy="leave it out, or take --format md or html")
        if self.prices is not None and not self.ledger and kind != "html":
            raise InputError("given alone", field="--prices", remedy="give --ledger too")
        if kind == "html" and self.out is None:
            raise InputError("html has no file", field="--format", remedy="give -o report.html")
        for field, folder in (("--solutions", self.solutions), ("--data", self.data)):
            if folder is not None and kind != "html":
                raise InputError("only the web page has maps", field=field, remedy="give -o report.html too")
        prices = PriceTable() if self.prices is None else read_prices(self.prices)
        if are_companions(self.rows):
            self._report_companions(kind, prices)
            return
        with waiting_bar("reading and comparing rows"):
            rows = read_rows(*self.rows)
            if kind == "html":
                text = html_report(
                    rows,
                    prices=prices,
                    baseline=self.baseline,
                    baseline_sampler=self.baseline_sampler,
                    files=self.rows,
                    solutions=self.solutions,
                    data=self.data,
                )
            else:
                text = report(rows, format=kind, baseline=self.baseline, baseline_sampler=self.baseline_sampler)
                if self.ledger:
                    text += "\n" + ledger_report(rows, prices)
        if self.qoblib is not None:
            for path in write_qoblib(rows, self.qoblib, date=datetime.now(tz=UTC).strftime("%Y-%m-%d")):
                say(path, error=True)
        if self.out is None:
            print(text, end="" if text.endswith("\n") else "\n")
        else:
            write_text(self.out, text)
        if self.plot is not None:
            from lagrl.bench.row_pictures import row_picture

            save_figure(row_picture(rows), self.plot)

    def _report_companions(self, kind: str, prices: PriceTable) -> None:
        """Print or write the ledger of companion problems, all that a report has of them."""
        if kind != "md" or not self.ledger or self.qoblib is not None or self.plot is not None:
            raise InputError(
                "rows of cascade routing or of lagrl carbon",
                source=str(self.rows[0]),
                remedy="give --ledger, in Markdown, without --qoblib and --plot",
            )
        text = companion_ledger_report(read_companions(self.rows), prices)
        if self.out is None:
            print(text, end="")
        else:
            write_text(self.out, text)

    def _kind(self) -> Literal["md", "csv", "html"]:
        """Return the format, which the name of the file says if no option does."""
        if self.format != "auto":
            return self.format
        suffix = "" if self.out is None else self.out.suffix.lower()
        return "html" if suffix in (".html", ".htm") else "csv" if suffix == ".csv" else "md"
