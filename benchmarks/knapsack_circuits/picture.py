"""The picture of `knapsack_circuits`: every configuration's mean and interval, and the controls as lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.knapsack_circuits.grid import (
    CIRCUITS,
    GREEDY,
    LONGER,
    NONE,
    PENALTIES,
    QAOA,
    REFERENCE,
    UNIFORM,
    UNTRAINED,
)
from benchmarks.knapsack_circuits.report import COMPARED, NOISES
from benchmarks.knapsack_circuits.results import Results
from lagrl.plot.pictures import COLOURS, new_figure, save_figure
from lagrl.quantum.circuits.entanglers import PATTERNS

DRAWN = {"feasible": "feasible yield", **{name: title for name, (title, _) in COMPARED.items()}}
FLOORS = {"gap": 5e-3, "repaired_gap": 5e-4}
AIMS = {"greedy": "aim: greedy's load", "room": "aim: the room"}  # "greedy" is a control's name too
LEGEND = "colours: penalties (copula has none); ○ □ △: depth 1, 2, 3; lines: controls without noise"


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw means and intervals: a row of panels without noise and one with it, a column per measure.

    Colours are penalties, marks depths; lines are the product state and uniform strings without noise, and greedy.
    """
    results = Results.of(rows)
    names = (*QAOA, "copula", *PATTERNS)
    figure = new_figure(17.0, 7.6)
    panels = figure.subplots(len(NOISES), len(DRAWN), sharex=True, sharey="col", squeeze=False)
    series = {penalty: COLOURS[i] for i, penalty in enumerate((*PENALTIES, NONE))}
    for (noise, title), line in zip(NOISES.items(), panels, strict=True):
        for (measure, label), axes in zip(DRAWN.items(), line, strict=True):
            for control, dashes in ((REFERENCE, "-"), (UNIFORM, ":"), (GREEDY, "--")):
                level = results.mean("ideal", control, measure).mean
                if not (control.ansatz == "greedy" and measure in {"feasible", "optimal"}):
                    axes.axhline(level, color="#555555", linewidth=1.0, linestyle=dashes, label=control.ansatz)
            for circuit in CIRCUITS:
                if circuit.ansatz in {LONGER, UNTRAINED} or not results.chosen(noise, circuit):
                    continue
                place = (*PENALTIES, NONE).index(circuit.penalty) * 0.17 + (circuit.depth - 2) * 0.05
                place += names.index(circuit.ansatz) - (0.68 if circuit.penalty == NONE else 0.26)
                found = results.mean(noise, circuit, measure)
                is_first = circuit.ansatz == QAOA[0] and circuit.depth == 1
                label_of = AIMS.get(circuit.penalty, circuit.penalty) if is_first else None
                axes.errorbar(
                    place,
                    found.mean,
                    [[max(found.mean - found.low, 0.0)], [max(found.high - found.mean, 0.0)]],
                    fmt="os^"[circuit.depth - 1],
                    color=series[circuit.penalty],
                    markersize=3.5,
                    linewidth=0.8,
                    label=label_of,
                )
            axes.set_xticks(range(len(names)), names, rotation=35, ha="right", fontsize=8)
            axes.grid(alpha=0.25, axis="y")
            axes.set_title(f"{label}, {title}", fontsize=9)
            axes.tick_params(labelsize=8)
            if measure in FLOORS:
                axes.set(yscale="log", ylim=(FLOORS[measure], None))
                axes.tick_params(which="minor", labelsize=7)
    handles, labels = panels[0][-1].get_legend_handles_labels()  # gaps have all lines
    figure.legend(handles, labels, loc="outside lower center", ncols=9, fontsize=8, title=LEGEND, title_fontsize=8)
    save_figure(figure, path)
