"""Figures 1 and 3, Tables I and IX: gaps of routes under classical and trained multiplier controllers."""

from __future__ import annotations

from math import nan
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bench.statistics import Interval, bootstrap_interval
from lagrl.bench.tables import Table
from lagrl.errors import InputError
from lagrl.paper.drawing import OURS, OURS_LIGHT, PUBLISHED, bars, legend, legend_outside, one_axes
from lagrl.paper.items import NOT_KNOWN, ItemContent, PaperItem, Published
from lagrl.paper.sampler_roles import ROLES, role
from lagrl.paper.sources import SUBGRADIENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lagrl.bench.schema import Row
    from lagrl.paper.figure_rows import FigureRow
    from lagrl.paper.sources import RowSource

STAGES = {
    "subgradient": ("26.0", "148.6"),
    "pretraining": ("18.9", NOT_KNOWN),
    "pretraining + PPO": ("14.8", "40.1"),
}
"""Published mean gap, %, and seconds of each stage of the ablation."""

Gaps = dict[str, float]

BUSY = 0.9  # of a processor; with less of it a limit in seconds is no longer what it says
_NO_MATTER = {"seed", "shots", "workers", "record_exact"}  # entries of a configuration, with exact knapsacks


def stage_of(controller: str, policies: Sequence[str] = ()) -> str:
    """Return which stage of the paper's ablation a controller stands for.

    `policies` are the cloned and the PPO policy of the run; other checkpoints are known by their names.
    """
    if controller in SUBGRADIENT:
        return "subgradient"
    name = Path(controller).name
    if controller in policies[:1] or ("/" in controller and name.startswith("bc")):
        return "pretraining"
    if controller in policies[1:2] or ("/" in controller and name.startswith("ppo")):
        return "pretraining + PPO"
    return "random control" if controller == "perturbed" else "other classical rule"


def revisions(rows: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    """Return the git revisions of rows, sorted."""
    return tuple(sorted({str(row.get("git_revision") or "unknown") for row in rows}))


def mean_gaps(rows: Iterable[Row], field: str = "gap_pct") -> Gaps:
    """Return instance to the mean of a field over its feasible rows that have a gap."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["feasible"] and row["gap_pct"] is not None and row[field] is not None:
            found.setdefault(row["instance"], []).append(float(row[field]))
    return {name: mean(values) for name, values in found.items()}


def interval_of(values: Iterable[float]) -> Interval:
    """Return the mean and its 95 % bootstrap interval over instances, with a fixed seed."""
    return bootstrap_interval(list(values), np.random.default_rng(0), resamples=2000)


def shown(interval: Interval) -> str:
    """Return a mean with its interval as text."""
    if not np.isfinite(interval.low):
        return f"{interval.mean:.2f}"
    return f"{interval.mean:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


class ControllerRows:
    """Rows with exact knapsacks by controller and budget, of the method `reference` where there is any.

    Controllers are compared on `instances`: those that every controller solved at every budget it was run with.

    Raises InputError if there is no row with a gap, no common instance, or rows of one controller, budget and instance
    have several fleet rules or configurations.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        methods = {row["method"] for row in rows}
        self.method = "reference" if "reference" in methods else min(methods, default="")
        self.rows = [row for row in rows if row["method"] == self.method]
        self.budgets = sorted({row["budget"] for row in self.rows})
        self.controllers = list(dict.fromkeys(row["controller"] for row in self.rows))
        self._require_one_setting()
        every = {row["instance"] for row in self.rows if row["gap_pct"] is not None}
        if not every:
            raise InputError("no row with a gap", field="rows", remedy="give rows of instances with a best known cost")
        runs = {(row["controller"], row["budget"]) for row in self.rows}
        self.instances = set.intersection(*(set(mean_gaps(self.of(*own))) for own in runs))
        self.n_left_out = len(every - self.instances)
        if not self.instances:
            remedy = "give rows of every controller on the same instances"
            raise InputError("no instance in common", field="rows", remedy=remedy)

    def _require_one_setting(self) -> None:
        found: dict[tuple[str, int, str], object] = {}
        for row in self.rows:
            config = {name: value for name, value in row["config"].items() if name not in _NO_MATTER}
            place, setting = (row["controller"], row["budget"], row["instance"]), (row["fleet"], config)
            if found.setdefault(place, setting) != setting:
                problem = f"{row['instance']}, {row['controller']}: several fleet rules or configurations"
                raise InputError(problem, field="rows", remedy="give rows of one evaluation")

    def of(self, controller: str, budget: int) -> list[Row]:
        """Return the rows of a controller at a budget."""
        return [row for row in self.rows if row["controller"] == controller and row["budget"] == budget]

    def gaps(self, controller: str, budget: int, field: str = "gap_pct") -> Gaps:
        """Return instance to mean gap, %, or the mean of another field; common instances only."""
        found = mean_gaps(self.of(controller, budget), field)
        return {name: value for name, value in found.items() if name in self.instances}


def make_table1(source: RowSource) -> ItemContent:
    """Make Table I: gap and seconds by stage of the multiplier controller."""
    own = ControllerRows(source.routes)
    header = ["controller", "stands for", "published gap %", "published s"]
    for budget in own.budgets:
        header += [f"gap % at {budget}", f"s at {budget}"]
    lines, records = [], []
    for controller in own.controllers:
        stage = stage_of(controller, source.config.trained)
        line = [controller, stage, *STAGES.get(stage, ("", ""))]
        for budget in own.budgets:
            gaps, seconds = own.gaps(controller, budget), own.gaps(controller, budget, "seconds")
            if not gaps:
                line += ["—", "—"]
                continue
            interval = interval_of(gaps.values())
            line += [shown(interval), f"{mean(seconds.values()):.2f}"]
            records.append(
                {
                    **{"controller": controller, "stage": stage, "budget": budget, "instances": len(gaps)},
                    **{"gap_pct": interval.mean, "low": interval.low, "high": interval.high},
                    "seconds": mean(seconds.values()),
                }
            )
        lines.append(line)
    note = (
        f"Mean gap to the best known cost over {len(own.instances)} instances with 95 % bootstrap intervals, method "
        f"{own.method}, exact knapsacks; seconds on one thread; budgets in evaluations."
    )
    if own.n_left_out:
        note += f" Instances left out, as a controller did not solve them or was not run on them: {own.n_left_out}."
    table = Table("Gap by multiplier controller", header, lines, n_labels=2, note=note)
    return ItemContent((table,), records, revisions(own.rows), notes=_notes(source))


def make_fig3(source: RowSource) -> ItemContent:
    """Make Figure 3: gap by multiplier controller at a small and a large budget."""
    content = make_table1(source)
    own = ControllerRows(source.routes)
    low, high = own.budgets[0], own.budgets[-1]

    def draw(figure: Figure) -> None:
        axes = one_axes(figure, "mean gap to best known cost, %", "", grid="x")
        names = [Path(name).name for name in own.controllers]
        for budget, colour, offset in ((low, OURS_LIGHT, -0.2), (high, OURS, 0.2)):
            found = [
                interval_of(gaps.values()) if gaps else None
                for gaps in (own.gaps(name, budget) for name in own.controllers)
            ]
            values = [one.mean if one else nan for one in found]
            ranges = [(one.low, one.high) if one else (nan, nan) for one in found]
            label = f"ours, {budget} evaluations"
            bars(axes, names, values, ranges, label=label, colour=colour, offset=offset, height=0.38)
        _published_lines(axes)
        legend_outside(figure, axes)

    height = 1.2 + 0.42 * len(own.controllers)
    return ItemContent(content.tables, content.records, content.revisions, draw, (7.2, height), content.notes)


def _published_lines(axes: Axes) -> None:
    for place, (stage, (gap, _)) in enumerate(STAGES.items()):
        label = "published" if not place else None
        axes.axvline(float(gap), color=PUBLISHED, linestyle=(0, (4, 2)), linewidth=1.3, label=label)
        axes.text(float(gap) + 0.15, -0.55, stage, rotation=90, fontsize=8, color=PUBLISHED, va="top")


def make_fig1(source: RowSource) -> ItemContent:
    """Make Figure 1: gap minus that of OR-Tools, instance by instance."""
    own, peers = ControllerRows(source.routes), peer_gaps(source.peers)
    seconds = sorted({row["config"].get("seconds") for row in source.peers})
    budget = own.budgets[-1]
    excess = {
        controller: {name: gap - peers[name] for name, gap in own.gaps(controller, budget).items() if name in peers}
        for controller in own.controllers
    }
    excess = {controller: values for controller, values in excess.items() if values}
    if not excess:
        raise InputError(
            "no instance in common", field="rows", remedy="give rows of the instances that OR-Tools solved"
        )
    limit = ", ".join(f"{value:g}" for value in seconds)
    lines, records = [], []
    for controller, values in excess.items():
        interval, numbers = interval_of(values.values()), list(values.values())
        stage = stage_of(controller, source.config.trained)
        level = f"{sum(value <= 1e-9 for value in numbers)} of {len(numbers)}"
        lines.append([controller, stage, shown(interval), f"{median(numbers):.2f}", level])
        records += [{"controller": controller, "stage": stage, "instance": n, "excess": v} for n, v in values.items()]
    header = ["controller", "stands for", "mean excess, points", "median", "not above OR-Tools"]
    note = (
        f"Excess: gap at {budget} evaluations minus the gap of OR-Tools (cheapest arc, guided local search) after "
        f"{limit} s, percentage points. Mean gap of OR-Tools on these instances: {mean(peers.values()):.2f} %."
    )
    shares = [value["processor_share"] for row in source.peers for value in row["values"] if "processor_share" in value]
    if shares and mean(shares) < BUSY:
        note += (
            f" OR-Tools had {100 * mean(shares):.0f} % of a processor, because other programs ran: with a whole one "
            "its gaps are smaller, and the excess is larger."
        )
    table = Table(f"Excess gap over OR-Tools, {limit} s", header, lines, n_labels=2, note=note)

    def draw(figure: Figure) -> None:
        axes = one_axes(figure, f"gap minus that of OR-Tools ({limit} s), percentage points", "", grid="x")
        spread = np.random.default_rng(0)
        for place, values in enumerate(excess.values()):
            numbers = np.array(list(values.values()))
            jitter = place + spread.uniform(-0.18, 0.18, len(numbers))
            label = "one instance" if not place else None
            axes.scatter(numbers, jitter, s=16, color=OURS_LIGHT, linewidths=0, label=label)
            axes.scatter(numbers.mean(), place, s=46, marker="D", color=OURS, zorder=3, label="mean" if label else None)
        axes.axvline(0.0, color="#222222", linewidth=1.0)
        axes.set_yticks(range(len(excess)), [Path(name).name for name in excess])
        axes.set_ylim(len(excess) - 0.4, -0.6)
        legend(axes, loc="lower right")

    rows = revisions([*own.rows, *source.peers])
    return ItemContent((table,), records, rows, draw, (7.2, 1.2 + 0.42 * len(excess)), _notes(source))


def peer_gaps(rows: Iterable[FigureRow]) -> Gaps:
    """Return instance to the gap of OR-Tools, %, where it found routes."""
    values = [value for row in rows for value in row["values"]]
    return {value["instance"]: value["gap_pct"] for value in values if value["gap_pct"] is not None}


def make_table9(source: RowSource) -> ItemContent:
    """Make Table IX: gaps instance by instance, of controllers with exact knapsacks and of samplers."""
    own = ControllerRows(source.routes)
    budget = own.budgets[-1]
    columns: dict[str, Gaps] = {Path(name).name: mean_gaps(own.of(name, budget)) for name in own.controllers}
    for name in ROLES:
        columns[name] = mean_gaps(row for row in source.samplers if role(row["sampler"]) == name)
    columns = {name: gaps for name, gaps in columns.items() if gaps}
    size = {row["instance"]: row["n_customers"] for row in (*own.rows, *source.samplers)}
    names = sorted({name for gaps in columns.values() for name in gaps}, key=lambda name: (size[name], name))
    lines = [
        [name, str(size[name]), *(f"{gaps[name]:.2f}" if name in gaps else "—" for gaps in columns.values())]
        for name in names
    ]
    lines.append(["mean (instances)", "", *(f"{mean(gaps.values()):.2f} ({len(gaps)})" for gaps in columns.values())])
    records = [
        {"instance": name, "n_customers": size[name], **{column: gaps.get(name) for column, gaps in columns.items()}}
        for name in names
    ]
    note = (
        f"Gap to the best known cost, %. Controllers: exact knapsacks, {budget} evaluations. The columns "
        f"{', '.join(name for name in ROLES if name in columns)} have another controller budget (see Fig. 8), and may "
        "have fewer instances, so that their means are not comparable with the others."
    )
    table = Table("Gap by instance", ["instance", "n", *columns], lines, note=note)
    return ItemContent((table,), records, revisions([*own.rows, *source.samplers]), notes=_notes(source))


def _notes(source: RowSource) -> tuple[str, ...]:
    return () if source.given.routes else (source.instance_note,)


_ABLATION = tuple(
    Published(f"{stage}, mean gap", f"{gap} %" + (f", {seconds} s" if seconds != NOT_KNOWN else ""))
    for stage, (gap, seconds) in STAGES.items()
)
_CONTROLLERS_DIFFER = (
    "Every controller here starts from the multipliers of the linear relaxation, with exact knapsacks and another tour "
    "construction, and the shipped policies were trained on generated instances for minutes."
)

ROUTE_ITEMS = (
    PaperItem(
        "fig1",
        "Excess gap over 20 s of OR-Tools.",
        "The solves take less than a second each and have no local search of routes; a quick run gives OR-Tools 2 s.",
        make_fig1,
        "2 min",
        "15 min",
        (Published("methods of the paper that beat 20 s of OR-Tools", "none"),),
    ),
    PaperItem(
        "fig3",
        "Ablation of the multiplier control.",
        _CONTROLLERS_DIFFER,
        make_fig3,
        "1 min",
        "5 min",
        _ABLATION,
    ),
    PaperItem(
        "table1",
        "Ablation: subgradient, pretraining, pretraining + PPO.",
        _CONTROLLERS_DIFFER,
        make_table1,
        "1 min",
        "5 min",
        _ABLATION,
    ),
    PaperItem(
        "table9",
        "Gap of every instance.",
        "The paper's table has hardware runs; here all devices are simulated.",
        make_table9,
        "3 min",
        "1 h",
    ),
)
