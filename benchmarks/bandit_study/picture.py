"""The picture of `bandit_study`: learning, gate budgets, what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.plot.picture_style import (
    colour,
    current_theme,
    dashes,
    finish,
    mark,
    new_figure,
    outside_legend,
    save_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, Any]


@styled
def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw four panels: learning curves, top-ranked arms over budgets, budget against reward, devices chosen."""
    figure = new_figure(15.0, 9.4)
    panels = figure.subplots(2, 2)
    _learning(panels[0, 0], rows)
    _over_budget(panels[0, 1], rows)
    _trade(panels[1, 0], rows)
    _mix(panels[1, 1], rows)
    save_figure(figure, path)


def _of(rows: Sequence[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind]


def _learning(axes: Axes, rows: Sequence[Row]) -> None:
    series: dict[str, dict[int, list[float]]] = {}
    for row in (*_of(rows, "curve"), *_of(rows, "online")):
        if row["learner"].endswith((" all arms", " default arms")):  # of the study of fewer arms
            continue
        name = row["learner"] if row["kind"] == "curve" else f"on the way: {row['learner']}"
        series.setdefault(name, {}).setdefault(row["decisions"], []).append(row["value"])
    for number, (name, points) in enumerate(series.items()):
        n, own = sorted(points), colour(number)
        pattern = "--" if name.startswith("on the way") else "-"
        means = [np.mean(points[x]) for x in n]
        axes.plot(n, means, linestyle=pattern, marker=mark(number), markersize=6, color=own, label=name)
        if pattern == "-":
            axes.fill_between(n, [min(points[x]) for x in n], [max(points[x]) for x in n], color=own, alpha=0.1)
    for row in _of(rows, "value"):
        if row["policy"].startswith(("surest", "uniform", "product")):
            pattern = {"s": "-", "u": ":", "p": "-."}[row["policy"][0]]
            name = row["policy"].replace("surest static ", "surest static\n")
            axes.axhline(row["table"][0], color=current_theme().faint, linewidth=1.4, linestyle=pattern, label=name)
    axes.set_xscale("log")
    title = "Learning; bands: range of five orders"
    finish(axes, title, "decisions learned from", "mean reward, validation", has_legend=False)
    outside_legend(axes)


def _over_budget(axes: Axes, rows: Sequence[Row]) -> None:
    own = _of(rows, "budget")
    widths = [row["width"] for row in own]
    for number, most in enumerate(own[0]["bandit"] if own else ()):
        for policy, pattern in (("bandit", "-"), ("uniform", ":")):
            share = [row[policy][most] for row in own]
            axes.plot(
                widths, share, linestyle=pattern, marker=mark(number), color=colour(number), label=f"{policy}, {most}"
            )
    axes.set_ylim(-0.03, 1.03)
    axes.set_xticks(widths)
    title = "Top-ranked arm above a number of two-qubit gates"
    finish(axes, title, "variables", "share of knapsacks", has_legend=False)
    if own:
        outside_legend(axes)


def _trade(axes: Axes, rows: Sequence[Row]) -> None:
    own = _of(rows, "cap")
    gates = [row["gates"] for row in own]
    for number, (name, label) in enumerate((("value", "all arms on\nevery knapsack"), ("robust", "doubly robust"))):
        mean, low, high = (np.array([row[name][i] for row in own]) for i in range(3))
        bars = np.maximum([mean - low, high - mean], 0.0)
        beside = np.array(gates) * (0.97, 1.03)[number]
        axes.errorbar(
            beside,
            mean,
            bars,
            linestyle=dashes(number),
            marker=mark(number),
            color=colour(number),
            label=label,
            capsize=2,
        )
    axes.axhline(0.0, color=current_theme().faint, linewidth=1.4, linestyle="-.", label="product")
    axes.set_xscale("log")
    axes.set_xticks(gates, [str(most) for most in gates])
    axes.minorticks_off()
    title = "Reward under a limit of gates; bars: 95 %"
    finish(axes, title, "greatest number of two-qubit gates", "mean reward of the bandit", has_legend=False)
    outside_legend(axes)


def _mix(axes: Axes, rows: Sequence[Row]) -> None:
    own = [row for row in _of(rows, "mix") if row["by"] == "backend" and row["width"]]
    names = sorted({name for row in own for name in row["shares"]})
    widths, base = [row["width"] for row in own], np.zeros(len(own))
    for number, name in enumerate(names):
        share = np.array([row["shares"].get(name, 0.0) for row in own])
        hatch = (None, "//", "..")[number % 3]
        axes.bar(
            widths,
            share,
            bottom=base,
            color=colour(number),
            hatch=hatch,
            edgecolor=current_theme().background,
            label=name,
        )
        base += share
    axes.set_xticks(widths)
    finish(axes, "Devices chosen by the trained bandit", "variables", "share of decisions", has_legend=False)
    outside_legend(axes)
