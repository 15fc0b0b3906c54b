"""The command `lagrl eval`: run controllers on instances."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from lagrl.bench.evaluation import Evaluation
from lagrl.cli.options import ManyInstances, Plot, Ray, Shard, options
from lagrl.cli.progress import announce_journal, explain_resuming, row_bar
from lagrl.errors import InputError
from lagrl.printable import say

Rows = Annotated[Path, tyro.conf.arg(metavar="ROWS.jsonl")]
Settings = Annotated[
    Evaluation,
    options(
        Evaluation,
        fixed={"instances": ()},
        names={"methods": "method", "price_per_second": "price"},
        aliases={"samplers": "--sampler"},
    ),
]


@dataclass(frozen=True)
class EvalCommand:
    """Options of `lagrl eval`.

    Each run becomes one row. After an interruption, the same command makes the missing rows only.
    """

    out: Rows
    """file of rows, to which new rows are appended"""
    instances: ManyInstances
    settings: Settings
    workers: int = 1
    """processes, with one thread each"""
    ray: Ray = None
    """make the rows on a Ray cluster: HOST:PORT of its head, auto, or local to start one here (default: no cluster)"""
    shard: Shard = None
    """make part I of N parts of the rows; lagrl merge joins the parts' files (default: all rows)"""
    energy: bool = False
    """measure the processor's energy for each row by codecarbon (extra bench), where its counter can be read"""
    plot: Plot = None
    """.svg, .pdf or .png file for mean gaps and performance profiles of all rows of the file (default: none)"""

    def run(self) -> None:
        """Make the missing rows and print their number."""
        from lagrl.bench.run import run
        from lagrl.bench.shards import CellShard
        from lagrl.plot.picture_style import require_picture

        require_picture(self.plot)
        paths = self.instances.paths()
        if not paths:
            raise InputError("no instance given", field="FILES", remedy="give files, names or --suite paper30|bundled")
        evaluation = replace(self.settings, instances=paths)
        shard = None if self.shard is None else CellShard.parse(self.shard)
        announce_journal(evaluation.journal, *evaluation.samplers)
        with explain_resuming(self.out), row_bar() as (on_plan, on_row):
            made = run(
                evaluation,
                self.out,
                workers=self.workers,
                shard=shard,
                ray=self.ray,
                energy=self.energy,
                on_plan=on_plan,
                on_row=on_row,
            )
        say(f"{self.out}: {made} rows added", error=True)
        if self.plot is not None:
            from lagrl.bench.row_pictures import row_picture
            from lagrl.bench.rows import read_rows
            from lagrl.plot.picture_style import save_figure

            save_figure(row_picture(read_rows(self.out)), self.plot)
