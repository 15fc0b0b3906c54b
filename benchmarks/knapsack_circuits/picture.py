"""The pictures of `knapsack_circuits`: every configuration's mean and interval, and the controls as lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.knapsack_circuits.report import COMPARED, NOISES
from benchmarks.knapsack_circuits.results import Results
from lagrl.paper.circuit_grid import (
    GREEDY,
    LONGER,
    NONE,
    PENALTIES,
    QAOA,
    REFERENCE,
    REPORTED,
    REPORTED_PATTERNS,
    UNIFORM,
    UNTRAINED,
)
from lagrl.plot.picture_style import colour, current_theme, finish, new_figure, save_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWN = {"feasible": "feasible yield", **{name: title for name, (title, _) in COMPARED.items()}}
FLOORS = {"gap": 5e-3, "repaired_gap": 5e-4}
AIMS = {"greedy": "aim: greedy's load", "room": "aim: the room", NONE: "no penalty"}  # "greedy" is a control's name too
CONTROLS = ((REFERENCE, "product state", "-"), (UNIFORM, "uniform strings", ":"), (GREEDY, "greedy", "--"))
MARKS = "os^"  # of depths 1, 2 and 3


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw means and intervals without noise to `path`, and with noise to the file of its name and `_noise`."""
    results = Results.of(rows)
    for noise, title in NOISES.items():
        file = path if noise == "ideal" else path.with_stem(f"{path.stem}_noise")
        save_figure(_figure(results, noise, title), file)


@styled
def _figure(results: Results, noise: str, title: str) -> Figure:
    """Draw a panel per measure; colours are penalties, marks depths, lines the controls without noise."""
    figure = new_figure(13.5, 8.6)
    panels = figure.subplots(2, 2, sharex=True)
    for (measure, label), axes in zip(DRAWN.items(), panels.flat, strict=True):
        _panel(axes, results, noise, measure, label)
    figure.suptitle(f"Circuits for knapsacks, {title}; bars are 95 % intervals", x=0.01, ha="left")
    figure.legend(*_legend(), loc="outside lower center", ncols=6)
    return figure


def _panel(axes: Axes, results: Results, noise: str, measure: str, label: str) -> None:
    names = (*QAOA, "copula", *REPORTED_PATTERNS)
    series = (*PENALTIES, NONE)
    for control, _, dashes in CONTROLS:
        if not (control.ansatz == "greedy" and measure in {"feasible", "optimal"}):
            level = results.mean("ideal", control, measure).mean
            axes.axhline(level, color=current_theme().faint, linewidth=1.6, linestyle=dashes, gid="control")
    for circuit in REPORTED:
        if circuit.ansatz in {LONGER, UNTRAINED} or not results.chosen(noise, circuit):
            continue
        group = 0 if circuit.penalty == NONE else series.index(circuit.penalty) - 1.5
        place = names.index(circuit.ansatz) + 0.2 * group + 0.055 * (circuit.depth - 2)
        found = results.mean(noise, circuit, measure)
        axes.errorbar(
            place,
            found.mean,
            [[max(found.mean - found.low, 0.0)], [max(found.high - found.mean, 0.0)]],
            fmt=MARKS[circuit.depth - 1],
            color=colour(series.index(circuit.penalty)),
            markersize=5,
            linewidth=1.1,
            gid="circuit",
        )
    for border in range(1, len(names)):
        axes.axvline(border - 0.5, color=current_theme().faint, linewidth=0.6, alpha=0.4, zorder=0)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_xticks(range(len(names)), names, rotation=25, ha="right", rotation_mode="anchor")
    finish(axes, label, "", "", has_legend=False)
    if measure in FLOORS:
        axes.set(yscale="log", ylim=(FLOORS[measure], None))
        axes.yaxis.set_major_formatter(_plain)
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else "")


def _plain(value: float, _: object) -> str:
    return f"{value:g}"


def _legend() -> tuple[list[Any], list[str]]:
    """Return handles and labels: controls, penalties by colour, depths by mark."""
    from matplotlib.lines import Line2D

    ink = current_theme().ink
    entries = [(name, {"color": current_theme().faint, "linestyle": dashes}) for _, name, dashes in CONTROLS]
    entries += [
        (AIMS.get(penalty, penalty), {"color": colour(number), "linestyle": "", "marker": "o"})
        for number, penalty in enumerate((*PENALTIES, NONE))
    ]
    entries += [
        (f"depth {depth}", {"color": ink, "linestyle": "", "marker": marker}) for depth, marker in enumerate(MARKS, 1)
    ]
    return [Line2D([], [], **look) for _, look in entries], [name for name, _ in entries]
