"""The picture of `bandit_study`: learning, gate budgets, what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.plot.pictures import COLOURS, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, Any]


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw four panels: learning curves, top-ranked arms over budgets, budget against reward, devices chosen."""
    figure = new_figure(17.0, 9.0)
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
        name = row["learner"] if row["kind"] == "curve" else f"on the way: {row['learner']}"
        series.setdefault(name, {}).setdefault(row["decisions"], []).append(row["value"])
    for (name, points), colour in zip(series.items(), COLOURS, strict=False):
        n = sorted(points)
        style = "--" if name.startswith("on the way") else "-"
        axes.plot(n, [np.mean(points[x]) for x in n], style, marker="o", markersize=3, color=colour, label=name)
        axes.fill_between(n, [min(points[x]) for x in n], [max(points[x]) for x in n], color=colour, alpha=0.12)
    for row in _of(rows, "value"):
        if row["policy"].startswith(("surest", "uniform", "product")):
            dashes = {"s": "-", "u": ":", "p": "-."}[row["policy"][0]]
            axes.axhline(row["table"][0], color="#555555", linewidth=1.0, linestyle=dashes, label=row["policy"])
    axes.set(xscale="log", xlabel="decisions learned from", ylabel="mean reward on validation knapsacks")
    axes.set_title("Learning; bands are the least and most of five orders", fontsize=10)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _over_budget(axes: Axes, rows: Sequence[Row]) -> None:
    own = _of(rows, "budget")
    for colour, most in zip(COLOURS, own[0]["bandit"] if own else (), strict=False):
        widths = [row["width"] for row in own]
        axes.plot(
            widths, [row["bandit"][most] for row in own], "-o", color=colour, markersize=4, label=f"bandit > {most}"
        )
        axes.plot(widths, [row["uniform"][most] for row in own], ":", color=colour, label=f"uniform > {most}")
    axes.set(xlabel="variables", ylabel="share of knapsacks", ylim=(-0.03, 1.03))
    axes.set_title("Top-ranked arm over a budget of two-qubit gates", fontsize=10)
    axes.grid(alpha=0.25)
    if own:
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _trade(axes: Axes, rows: Sequence[Row]) -> None:
    own = _of(rows, "cap")
    gates = [row["gates"] for row in own]
    for name, label, colour in (
        ("value", "all arms on every knapsack", COLOURS[0]),
        ("robust", "doubly robust", COLOURS[1]),
    ):
        mean, low, high = (np.array([row[name][i] for row in own]) for i in range(3))
        bars = np.maximum([mean - low, high - mean], 0.0)
        axes.errorbar(gates, mean, bars, fmt="-o", markersize=4, color=colour, label=label, capsize=2)
    axes.axhline(0.0, color="#555555", linewidth=1.0, linestyle="-.", label="product")
    axes.set(xscale="log", xlabel="most two-qubit gates", ylabel="mean reward of the bandit")
    axes.set_xticks(gates, [str(most) for most in gates])
    axes.minorticks_off()
    axes.set_title("What a budget costs", fontsize=10)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8)


def _mix(axes: Axes, rows: Sequence[Row]) -> None:
    own = [row for row in _of(rows, "mix") if row["by"] == "backend" and row["width"]]
    names = sorted({name for row in own for name in row["shares"]})
    widths, base = [row["width"] for row in own], np.zeros(len(own))
    for name, colour in zip(names, COLOURS, strict=False):
        share = np.array([row["shares"].get(name, 0.0) for row in own])
        axes.bar(widths, share, bottom=base, color=colour, label=name)
        base += share
    axes.set(xlabel="variables", ylabel="share of decisions")
    axes.set_title("Devices chosen by the trained bandit, in the run", fontsize=10)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
