"""The page's figures as data: curves and dots, which the page's script draws with Plotly."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.bench.aggregates import (
    interquartile_interval,
    performance_profile,
    performance_ratios,
    probability_of_improvement,
)
from lagrl.bench.comparison import cells
from lagrl.plot.picture_style import COLOURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from lagrl.bench.grouping import Grouping, Line
    from lagrl.bench.schema import Row
    from lagrl.bench.statistics import Interval

    Drawing = dict[str, Any]

_SEED = 1993
_POINTS = 121
_RESAMPLES = 1000
_TIMES = 80


@dataclass(frozen=True)
class PageFigure:
    """One figure of the page.

    Attributes
    ----------
    name
        Identifier, also of its files.
    title, note
        Heading, and what is drawn and how.
    kind
        `curves`: series over x. `dots`: a mean with its interval for each line, in one or several panels.
    drawings
        Budget to what is drawn; one of budget 0 if it does not depend on the budget. Empty if there is nothing to draw.
    axes
        Titles and kinds of the axes.
    """

    name: str
    title: str
    note: str
    kind: str
    drawings: Mapping[int, Drawing]
    axes: Drawing


def styles(lines: list[Line]) -> list[Drawing]:
    """Return name, group, number of the colour and dash of each line: colour by controller, dash by how it was run.

    A group is a controller. With a single controller, colour and group are those of the line. Colours repeat after
    seven, with other dashes.
    """
    varying = varying_fields(lines)
    hues = sorted({line.controller for line in lines})
    if len(hues) == 1:
        return [_style(_name(line, varying), "", i, i // len(COLOURS)) for i, line in enumerate(lines)]
    ways = sorted({(line.sampler, line.method, line.fleet) for line in lines}, reverse=True)
    return [
        _style(
            _name(line, varying),
            line.controller,
            hues.index(line.controller),
            ways.index((line.sampler, line.method, line.fleet)) + hues.index(line.controller) // len(COLOURS),
        )
        for line in lines
    ]


def varying_fields(lines: list[Line]) -> list[str]:
    """Return the fields in which lines differ; `controller` if there are none."""
    names = ("controller", "sampler", "method", "fleet")
    return [name for name in names if len({getattr(line, name) for line in lines}) > 1] or ["controller"]


def _style(name: str, group: str, colour: int, dash: int) -> Drawing:
    return {"name": name, "group": group or name, "colour": colour % len(COLOURS), "dash": dash}


def _name(line: Line, varying: list[str]) -> str:
    return " / ".join(getattr(line, field) for field in varying if getattr(line, field)) or line.controller


def runs_at(grouping: Grouping, budget: int) -> dict[Line, dict[str, list[float]]]:
    """Return the gaps of each line at a budget over the instances that all lines with this budget have.

    Instance to gaps over seeds, per cent, infinity for an infeasible run. Instances with a feasible row without gap are
    left out: nothing is known to compare it with.
    """
    return _runs(grouping, budget, "gap_pct")


def _runs(grouping: Grouping, budget: int, field: str) -> dict[Line, dict[str, list[float]]]:
    unknown = {
        row["instance"]
        for line in grouping.lines
        for row in grouping.members(line, budget)
        if row["feasible"] and row["gap_pct"] is None
    }
    names = [name for name in grouping.instances_run(budget) if name not in unknown]
    found: dict[Line, dict[str, list[float]]] = {}
    for line in grouping.lines:
        members = grouping.members(line, budget)
        if not members or not names:
            continue
        values: dict[str, list[float]] = {name: [] for name in names}
        for row in members:
            if row["instance"] in values:
                values[row["instance"]].append(row[field] if row["feasible"] else np.inf)
        found[line] = values
    return found


def figures(grouping: Grouping, baseline: str) -> list[PageFigure]:
    """Return all figures; `baseline` is the controller that others are compared with."""
    return [
        _gap_profile(grouping),
        _ratio_profile(grouping),
        _middle(grouping),
        _improvement(grouping, baseline),
        _over_budget(grouping),
        _over_seconds(grouping),
    ]


def _gap_profile(grouping: Grouping) -> PageFigure:
    drawings = {}
    for budget in grouping.budgets:
        runs = runs_at(grouping, budget)
        finite = _finite(runs)
        if len(finite):
            top = max(0.5, float(np.quantile(finite, 0.99)))
            points = np.linspace(min(0.0, float(finite.min())), top, _POINTS)
            drawings[budget] = _profiles(grouping, runs, points)
    return PageFigure(
        "gap-profile",
        "Performance profile over gaps",
        f"Share of runs with a gap to the {grouping.reference} of at most τ, each instance with the same weight; "
        "infeasible runs never count. Bands, drawn for at most four lines: 95 % stratified bootstrap over seeds "
        "(Agarwal et al. 2021). Higher is better.",
        "curves",
        drawings,
        {"x": "gap τ, %", "y": "share of runs, %", "step": True, "percent": True},
    )


def _ratio_profile(grouping: Grouping) -> PageFigure:
    drawings = {}
    for budget in grouping.budgets:
        costs = _runs(grouping, budget, "cost")
        if len(costs) < 2 or not len(_finite(costs)) or _finite(costs).min() <= 0:
            continue
        by_name = performance_ratios({str(grouping.lines.index(line)): costs[line] for line in costs})
        ratios = {line: by_name[str(grouping.lines.index(line))] for line in costs}
        top = max(1.005, float(np.quantile(_finite(ratios), 0.99)))
        drawings[budget] = _profiles(grouping, ratios, np.linspace(1.0, top, _POINTS))
    return PageFigure(
        "ratio-profile",
        "Performance profile over ratios to the best",
        "Share of runs whose cost is at most τ times the lowest cost of any run here on the same instance (Dolan and "
        "Moré 2002). Where a line starts, at τ = 1, is how often it is the best. It depends on which lines are "
        "compared. Bands as above.",
        "curves",
        drawings,
        {"x": "cost / lowest cost, τ", "y": "share of runs, %", "step": True, "percent": True},
    )


def _profiles(grouping: Grouping, runs: Mapping[Line, Mapping[str, Any]], points: NDArray[np.float64]) -> Drawing:
    series = []
    for line, values in runs.items():
        found = performance_profile(values, points, np.random.default_rng(_SEED), resamples=_RESAMPLES)
        series.append(
            {
                "line": grouping.lines.index(line),
                "x": _rounded(found.thresholds),
                "y": _rounded(100 * found.share),
                "low": _rounded(100 * found.low),
                "high": _rounded(100 * found.high),
            }
        )
    return {"series": series}


def _middle(grouping: Grouping) -> PageFigure:
    drawings = {}
    for budget in grouping.budgets:
        means, shares = [], []
        for line, values in runs_at(grouping, budget).items():
            index = grouping.lines.index(line)
            feasible = {name: [v for v in seeds if np.isfinite(v)] for name, seeds in values.items()}
            feasible = {name: seeds for name, seeds in feasible.items() if seeds}
            every = [value for seeds in values.values() for value in seeds]
            shares.append({"line": index, "mean": 100 * fmean(not np.isfinite(value) for value in every)})
            if feasible:
                found = interquartile_interval(feasible, np.random.default_rng(_SEED), resamples=_RESAMPLES)
                means.append({"line": index, **_ends(found)})
        if shares:
            drawings[budget] = {
                "panels": [
                    {"title": "interquartile mean gap, %", "values": means},
                    {"title": "infeasible runs, %", "values": shares, "bars": True},
                ]
            }
    return PageFigure(
        "interquartile-mean",
        "Interquartile mean gap, beside the infeasible share",
        "Left: mean of the middle half of the gaps of feasible runs, which outliers do not move, with 95 % stratified "
        "bootstrap intervals over seeds (none with one seed). Right: share of runs without feasible routes, which the "
        "left panel leaves out: read both. Lower is better.",
        "dots",
        drawings,
        {},
    )


def _improvement(grouping: Grouping, baseline: str) -> PageFigure:
    drawings = {}
    for budget in grouping.budgets:
        runs = runs_at(grouping, budget)
        values = []
        for line, ours in runs.items():
            reference = _same_way(line, baseline, runs)
            if reference is not None:
                found = probability_of_improvement(ours, runs[reference], np.random.default_rng(_SEED))
                values.append({"line": grouping.lines.index(line), **_ends(found)})
        if values:
            title = "probability of a lower gap"
            drawings[budget] = {"panels": [{"title": title, "values": values, "mark": 0.5, "range": [-0.03, 1.03]}]}
    return PageFigure(
        "improvement",
        f"Probability of improvement over {baseline}",
        f"Chance that a run has a lower gap than a run of {baseline} run the same way on the same instance, mean over "
        "instances; ties count half. 95 % stratified bootstrap intervals over seeds (Agarwal et al. 2021). Right of ½ "
        "is better. It says how often, not by how much.",
        "dots",
        drawings,
        {},
    )


def _same_way(line: Line, baseline: str, runs: Mapping[Line, object]) -> Line | None:
    """Return the line of the baseline controller that was run like `line`, if there is one and it is not `line`."""
    same = (line.sampler, line.method, line.fleet)
    others = [o for o in runs if o.controller == baseline and (o.sampler, o.method, o.fleet) == same]
    return others[0] if others and others[0] != line else None


def _over_budget(grouping: Grouping) -> PageFigure:
    series = []
    by_line: dict[Line, list[Any]] = {}
    for cell in cells(grouping):
        if cell.gap is not None:
            by_line.setdefault(cell.line, []).append((cell.budget, _ends(cell.gap)))
    for line, found in by_line.items():
        series.append(
            {
                "line": grouping.lines.index(line),
                "x": [budget for budget, _ in found],
                "y": [ends["mean"] for _, ends in found],
                "low": [ends["low"] for _, ends in found],
                "high": [ends["high"] for _, ends in found],
            }
        )
    return PageFigure(
        "gap-over-budget",
        "Gap over the budget",
        f"Mean gap to the {grouping.reference} over the instances on which all lines with this budget have one. Bars, "
        "drawn for at most four lines: 95 % bootstrap intervals over instances. Lower is better.",
        "curves",
        {0: {"series": series, "ticks": grouping.budgets}} if series else {},
        {"x": "budget, evaluations", "y": "mean gap, %", "log": True, "bars": True},
    )


def _over_seconds(grouping: Grouping) -> PageFigure:
    drawings = {}
    for budget in grouping.budgets:
        common = set(grouping.instances_with_gap(budget))
        series = []
        for line in grouping.lines:
            rows = [row for row in grouping.members(line, budget) if row["instance"] in common]
            found = _median_over_seconds(rows)
            if found is not None:
                series.append({"line": grouping.lines.index(line), "x": _rounded(found[0], 6), "y": _rounded(found[1])})
        if series:
            drawings[budget] = {"series": series}
    return PageFigure(
        "gap-over-seconds",
        "Gap over seconds",
        "Median over instances of the gap of the best routes so far, each instance the mean over its seeds, from the "
        "time at which more than half of the instances have routes to the end of the longest run. Seconds as the runs "
        "recorded them, compilation excluded; compare only rows of one machine.",
        "curves",
        drawings,
        {"x": "seconds", "y": "median gap, %", "log": True, "step": True},
    )


def _median_over_seconds(rows: Iterable[Row]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return times [t ≤ _TIMES] in seconds and the median over instances of the gap so far, or None without history."""
    by_instance: dict[str, list[Row]] = {}
    for row in rows:
        if not row["feasible"] or (row["gap_pct"] is not None and row["history"] and row["cost"]):
            by_instance.setdefault(row["instance"], []).append(row)
    every = [row for found in by_instance.values() for row in found]
    moments = [entry[1] for row in every if row["feasible"] for entry in row["history"]]
    if not moments or max(moments) <= 0.0:
        return None
    ends = max(*moments, *(row["seconds"] for row in every))
    times = np.geomspace(max(min(moments), 1e-4 * ends, 1e-6), ends, _TIMES)
    gaps = np.array([np.mean([_gap_so_far(row, times) for row in found], axis=0) for found in by_instance.values()])
    median = np.median(gaps, axis=0)
    known = np.isfinite(median)
    return (times[known], median[known]) if known.any() else None


def _gap_so_far(row: Row, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the gap at each time, per cent, infinity before the first routes and for an infeasible run."""
    if not row["feasible"]:
        return np.full(len(times), np.inf)
    reference = row["cost"] / (1.0 + row["gap_pct"] / 100.0)
    seconds = np.array([entry[1] for entry in row["history"]])
    costs = np.minimum.accumulate([entry[2] for entry in row["history"]])
    place = np.searchsorted(seconds, times, side="right")
    gaps = np.concatenate([[np.inf], 100.0 * (costs - reference) / reference])
    reached: NDArray[np.float64] = gaps[place]
    return reached


def _finite(runs: Mapping[Line, Mapping[str, Any]]) -> NDArray[np.float64]:
    values = np.array([value for by_name in runs.values() for seeds in by_name.values() for value in seeds], np.float64)
    return values[np.isfinite(values)]


def _ends(interval: Interval) -> Drawing:
    """Return mean and ends for JSON, null in place of infinity."""
    ends = {"mean": interval.mean, "low": interval.low, "high": interval.high}
    return {name: round(value, 4) if np.isfinite(value) else None for name, value in ends.items()}


def _rounded(values: NDArray[np.float64], digits: int = 4) -> list[float]:
    return [round(float(value), digits) for value in values]
