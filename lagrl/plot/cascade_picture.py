"""Picture of an answer to cascade routing: each task at the price and the quality of its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.plot.picture_style import colour, current_theme, finish, mark, new_figure, styled
from lagrl.printable import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lagrl.problems.cascade.routing import Routing

_MOST_POINTS = 4000
_MARKED = 6  # models with a colour and a mark of their own


@styled
def draw_routing(routing: Routing) -> Figure:
    """Draw tasks over dollars and score, coloured by model, and each model's share of tasks and dollars beside them.

    The dearest models in use have colours and marks of their own, the others are grey. Of many tasks every k-th is
    drawn.

    Raises
    ------
    InputError
        If there is no task.
    MissingExtraError
        If matplotlib is not installed.
    """
    cascade, each = routing.cascade, np.arange(routing.cascade.n_tasks)
    if not len(each):
        raise InputError("has no task", source=cascade.name, remedy="draw an answer with tasks")
    dollars, quality = cascade.dollars[routing.model, each], cascade.quality[routing.model, each]
    used = [j for j in range(cascade.n_models) if (routing.model == j).any()]
    used.sort(key=lambda j: float(dollars[routing.model == j].mean()))
    look = {j: min(rank, _MARKED) for rank, j in enumerate(used[::-1])}
    figure = new_figure(11.0, 4.8)
    left, right = figure.subplots(1, 2, width_ratios=(2.0, 1.0))
    step = max(1, -(-cascade.n_tasks // _MOST_POINTS))
    least = float(dollars[dollars > 0].min(initial=1.0)) / 2.0
    for j in used:
        i = np.flatnonzero(routing.model == j)[::step]
        left.scatter(
            np.maximum(dollars[i], least), quality[i], s=20, marker=mark(look[j]), alpha=0.75, color=colour(look[j]),
            edgecolor=current_theme().background, linewidths=0.3, label=one_line(cascade.models[j].name, 24),
            gid="tasks",
        )  # fmt: skip
    left.set_xscale("log")
    free = " (free ones at the left edge)" if (dollars <= 0).any() else ""
    title = f"${routing.dollars:.4g}, mean quality {routing.mean_quality:.3f}"
    finish(left, title, f"dollars for the task{free}", "quality of the answer", has_legend=False)
    tasks = np.array([(routing.model == j).mean() for j in used])
    money = np.array([dollars[routing.model == j].sum() for j in used]) / max(float(dollars.sum()), 1e-300)
    place = np.arange(len(used))
    own = [colour(look[j]) for j in used]
    right.barh(place + 0.2, 100 * tasks, 0.36, color=own, gid="tasks")
    right.barh(place - 0.2, 100 * money, 0.36, color=own, alpha=0.55, hatch="//", gid="dollars")
    right.set_yticks(place, [one_line(cascade.models[j].name, 24) for j in used])
    finish(right, "Share of each model", "% of tasks (plain), of dollars (hatched)", "", has_legend=False)
    right.grid(axis="x")
    right.grid(visible=False, axis="y")
    if len(used) <= 12:
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=6, markerscale=1.6)
    return figure
