"""Picture of an answer to cascade routing: each task at the price and the quality of its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.plot.pictures import COLOURS, new_figure, save_figure

if TYPE_CHECKING:
    import os

    from lagrl.problems.cascade.routing import Routing

_MOST_POINTS = 4000


def draw_routing(routing: Routing, path: str | os.PathLike[str]) -> None:
    """Draw tasks over dollars and score, coloured by model, and each model's share of tasks and dollars beside them.

    The dearest models in use have colours of their own, the others are grey. Of many tasks every k-th is drawn.

    Raises
    ------
    InputError
        If the suffix is not .png, .svg or .pdf.
    MissingExtraError
        If matplotlib is not installed.
    OutputError
        If the file cannot be written.
    """
    cascade, each = routing.cascade, np.arange(routing.cascade.n_tasks)
    dollars, quality = cascade.dollars[routing.model, each], cascade.quality[routing.model, each]
    used = [j for j in range(cascade.n_models) if (routing.model == j).any()]
    used.sort(key=lambda j: float(dollars[routing.model == j].mean()))
    colour = {j: COLOURS[-1] for j in used} | dict(zip(used[::-1], COLOURS[:-1], strict=False))
    figure = new_figure(9.0, 4.2)
    left, right = figure.subplots(1, 2, width_ratios=(2.2, 1.0))
    step = max(1, -(-cascade.n_tasks // _MOST_POINTS))
    least = float(dollars[dollars > 0].min(initial=1.0)) / 2.0
    for j in used:
        i = np.flatnonzero(routing.model == j)[::step]
        left.scatter(np.maximum(dollars[i], least), quality[i], s=9, alpha=0.6, color=colour[j], linewidths=0)
    left.set_xscale("log")
    left.set_xlabel("dollars for the task (free ones at the left edge)")
    left.set_ylabel("quality of the answer")
    left.set_title(f"${routing.dollars:.4g}, mean quality {routing.mean_quality:.3f}", loc="left", fontsize=10)
    tasks = np.array([(routing.model == j).mean() for j in used])
    money = np.array([dollars[routing.model == j].sum() for j in used]) / max(float(dollars.sum()), 1e-300)
    place = np.arange(len(used))
    right.barh(place + 0.2, 100 * tasks, 0.38, color=[colour[j] for j in used])
    right.barh(place - 0.2, 100 * money, 0.38, color=[colour[j] for j in used], alpha=0.45)
    right.set_yticks(place, [cascade.models[j].name[:24] for j in used], fontsize=8)
    right.set_xlabel("% of tasks (dark), of dollars (light)", fontsize=9)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)
