"""The command `lagrl traces`: decisions of bandits, collected from real dual loops."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from lagrl.bench.collect import Collection, collect, generated_problems
from lagrl.bench.shards import CellShard
from lagrl.cli.options import Count, ManyInstances, Numbers, Plot, Ray, Shard, options
from lagrl.cli.progress import counting_bar, explain_resuming
from lagrl.errors import InputError
from lagrl.plot.picture_style import one_panel, require_picture, save_figure
from lagrl.printable import say
from lagrl.problems.cvrplib import read_instance
from lagrl.quantum.bandit.options import BanditOptions
from lagrl.quantum.bandit.traces import read_traces

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP

_SIZES = (20, 60)  # customers, without --customers
_NOT_OFFERED = ("static", "alpha", "width", "learn", "timeout")

Traces = Annotated[Path, tyro.conf.arg(metavar="TRACES.jsonl")]
Sizes = Annotated[Numbers, tyro.conf.arg(metavar="LOW,HIGH", help_behavior_hint="")]
Settings = Annotated[
    dict[str, Any],
    options(Collection, build=dict, fixed={"problems": (), "options": None}, aliases={"widths": "--width"}),
]
Bandit = Annotated[
    BanditOptions,
    options(
        BanditOptions,
        fixed={name: getattr(BanditOptions, name) for name in _NOT_OFFERED},
        names={"method": "noise"},
        texts={"epsilon": "Share of decisions taken at random (default: 1, or as --state says)."},
    ),
]


@dataclass(frozen=True)
class TracesCommand:
    """Options of `lagrl traces`.

    Each decision says which backend, qubits and circuit were chosen for a knapsack, and the reward. After an
    interruption, the same command makes the missing runs only.
    """

    out: Traces
    """file of decisions, to which new ones are appended"""
    instances: ManyInstances
    settings: Settings
    bandit: Bandit
    generated: Count = None
    """number of generated X-type instances, in addition to files (default: none)"""
    customers: Sizes = ()
    """least and greatest number of customers of generated instances (default: 20,60)"""
    seed: Count = None
    """random seed of the generated instances (default: 0); solves have --seeds"""
    ray: Ray = None
    """make the runs on a Ray cluster: HOST:PORT of its head, auto, or local to start one here (default: no cluster)"""
    shard: Shard = None
    """make part I of N parts of the runs; lagrl merge joins the parts' files (default: all runs)"""
    plot: Plot = None
    """.svg, .pdf or .png file for the devices used over all decisions of the file (default: none)"""

    def run(self) -> None:
        """Make the missing runs and print their number."""
        require_picture(self.plot)
        collection = Collection(**{**self.settings, "problems": self._problems(), "options": self.bandit})
        shard = None if self.shard is None else CellShard.parse(self.shard)
        with explain_resuming(self.out), counting_bar("runs") as (on_plan, advance):
            made = collect(collection, self.out, shard=shard, ray=self.ray, on_plan=on_plan, on_run=advance)
        say(f"{self.out}: {made} runs added", error=True)
        if self.plot is not None:
            from lagrl.plot.device_pictures import device_mix

            traces = read_traces([self.out])
            save_figure(one_panel(lambda ax: device_mix(traces, ax), 9.0), self.plot)

    def _problems(self) -> tuple[CVRP, ...]:
        found = [read_instance(path) for path in self.instances.paths()]
        if self.generated is not None:
            sizes = self.customers or _SIZES
            if len(sizes) != 2:
                shown = ",".join(map(str, sizes))
                raise InputError(f"{shown!r} given", field="--customers", remedy="give two numbers, as in 20,60")
            found += generated_problems(self.generated, (sizes[0], sizes[1]), self.seed or 0)
        elif self.customers or self.seed is not None:
            option = "--customers" if self.customers else "--seed"
            raise InputError("nothing is generated", field=option, remedy="give --generated N too, or leave it out")
        if not found:
            raise InputError("no instance given", field="FILES", remedy="give files, names, --suite or --generated N")
        return tuple(found)
