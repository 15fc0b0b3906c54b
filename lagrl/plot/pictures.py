"""Pictures of routes, of dual ascents and of incumbents, drawn on axes that the caller owns.

matplotlib is imported on use, and its figure objects are used directly: there is no global state, and no display.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from lagrl.errors import InputError, MissingExtraError
from lagrl.io.atomic import replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lagrl.problems.cvrp import CVRP
    from lagrl.problems.solution import Solution
    from lagrl.solver import SolveResult

# Okabe and Ito (2008), told apart under all common colour blindness; their yellow is too faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
_INK = "#222222"
_FAINT = "#767676"
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_DOTS_PER_INCH = 120
_DUAL_LABEL = "dual value of the assignment surrogate\n(does not bound the CVRP)"


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of `width` × `height` inches, bound to no display.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError.of("matplotlib", "viz", "drawing") from error
    figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG, atomically.

    Raises
    ------
    OutputError
        If `path` cannot be written; what was there stays.
    """
    with replacing(path) as temporary:
        # matplotlib's version in the file would make equal pictures differ
        figure.savefig(temporary, format="png", metadata={"Software": None})


def draw_routes(axes: Axes, problem: CVRP, solution: Solution) -> None:
    """Draw routes in the plane: depot a square, customers as large as their demand, depot legs faint.

    Routes are coloured in the order of their direction from the depot, so that neighbours differ.

    Raises
    ------
    InputError
        If the instance has no coordinates.
    """
    points = problem.coordinates
    if points is None:
        raise InputError(
            "only distances are known", source=problem.name, field="coordinates", remedy="draw an instance in the plane"
        )
    area = 10.0 + 60.0 * problem.demand / max(1, int(problem.demand.max()))
    for index, route in enumerate(_by_direction(problem, solution)):
        colour = COLOURS[index % len(COLOURS)]
        dashes = _DASHES[index // len(COLOURS) % len(_DASHES)]
        tour = points[list(route)]
        axes.plot(*tour.T, color=colour, linestyle=dashes, linewidth=1.6, zorder=2, gid="route", solid_capstyle="round")
        for end in (tour[0], tour[-1]):
            axes.plot(*np.stack([points[0], end]).T, color=colour, alpha=0.25, linewidth=1.0, zorder=1, gid="depot leg")
        sizes = area[np.array(route) - 1]
        axes.scatter(
            tour[:, 0], tour[:, 1], s=sizes, color=colour, edgecolor="white", linewidth=0.6, zorder=3, gid="customers"
        )
    axes.scatter(
        points[0, 0],
        points[0, 1],
        s=90,
        marker="s",
        color=_INK,
        edgecolor="white",
        linewidth=1.0,
        zorder=4,
        gid="depot",
    )
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    gap = problem.gap_percent(solution.cost)
    told = "" if gap is None else f", {gap:.2f} % above best known"
    _title(axes, f"{problem.name}: {solution.n_routes} routes, cost {solution.cost:.10g}{told}")


def draw_dual_curves(axes: Axes, results: Mapping[str, SolveResult]) -> None:
    """Draw the best dual value so far over the evaluations of the first linearisation, one line per controller.

    Its linear relaxation and the cheapest assignment that any controller found are lines of reference: the optimum
    of the dual lies between them.

    Parameters
    ----------
    axes
        To draw on.
    results
        By controller; of the same instance and seed, so that the first linearisation is the same.

    Raises
    ------
    InputError
        If there are no results, they are not of the same linearisation, or have no exact dual values.
    """
    first = {name: result.ascents[0] for name, result in results.items()}
    if len({(r.problem.name, first[name].linear_value) for name, r in results.items()}) != 1:
        raise InputError(
            "not all of one linearisation", field="results", remedy="give results of one instance under one seed"
        )
    cheapest = min(min(ascent.trace.assignment_cost) for ascent in first.values())
    longest = max(len(ascent.trace) for ascent in first.values())
    for index, (name, ascent) in enumerate(first.items()):
        values = np.array(ascent.trace.exact_value)
        if np.isnan(values).all():
            raise InputError(f"no exact dual value under {name}", field="results", remedy="solve with record_exact")
        best = np.fmax.accumulate(values).tolist()
        best += best[-1:] * (longest - len(best))  # proven optimal early: the value stays
        _curve(axes, index, name, range(1, longest + 1), best)
    _reference(axes, next(iter(first.values())).linear_value, "linear relaxation", above=False)
    if math.isfinite(cheapest):
        _reference(axes, cheapest, "cheapest assignment found", above=True)
    axes.margins(y=0.08)
    _finish(axes, "Dual ascent of the first linearisation", "evaluations of the linearisation", _DUAL_LABEL)


def draw_incumbents(axes: Axes, results: Mapping[str, SolveResult]) -> None:
    """Draw how the best routes improve over all evaluations: gap in percent, or cost without a best known one.

    Parameters
    ----------
    axes
        To draw on.
    results
        By controller, of one instance.

    Raises
    ------
    InputError
        If there are no results, or not all are of one instance.
    """
    if len({result.problem.name for result in results.values()}) != 1:
        raise InputError("not all of one instance", field="results", remedy="give results of one instance")
    problem = next(iter(results.values())).problem
    is_gap = problem.gap_percent(1.0) is not None
    for index, (name, result) in enumerate(results.items()):
        spent = [evaluations for evaluations, _, _ in result.history]
        shown = [problem.gap_percent(cost) or 0.0 if is_gap else cost for _, _, cost in result.history]
        _curve(axes, index, name, [*spent, result.evaluations], [*shown, shown[-1]], drawstyle="steps-post")
    axes.margins(y=0.08)
    if is_gap:
        axes.set_ylim(bottom=0.0)
    label = "gap to best known cost, %" if is_gap else "route cost"
    is_pooled = all(result.config.method == "search" for result in results.values())
    title = "Best routes so far" + (" (last: set partitioning)" if is_pooled else "")
    _finish(axes, title, "evaluations, all linearisations", label)


def _by_direction(problem: CVRP, solution: Solution) -> list[tuple[int, ...]]:
    points = problem.coordinates
    assert points is not None  # the caller has refused it

    def angle(route: tuple[int, ...]) -> float:
        across, along = points[list(route)].mean(axis=0) - points[0]
        return math.atan2(along, across)

    return sorted(solution.routes, key=angle)


def _curve(
    axes: Axes,
    index: int,
    name: str,
    x: Sequence[float],
    y: Sequence[float],
    drawstyle: Literal["default", "steps-post"] = "default",
) -> None:
    pattern = index % len(_DASHES)
    colour, dashes = COLOURS[index % len(COLOURS)], _DASHES[pattern]
    # where lines coincide, the broken ones lie above and let the others through
    axes.plot(
        x, y, color=colour, linestyle=dashes, linewidth=1.8, drawstyle=drawstyle, label=name, gid="controller",
        zorder=2 + pattern / len(_DASHES),
    )  # fmt: skip
    axes.plot(x[-1], y[-1], marker="o", markersize=5, color=colour, zorder=3, clip_on=False, gid="end")


def _reference(axes: Axes, value: float, label: str, *, above: bool) -> None:
    axes.axhline(value, color=_FAINT, linewidth=1.0, linestyle=(0, (2, 2)), zorder=1, gid="reference")
    axes.annotate(
        label, (0.99, value), xycoords=axes.get_yaxis_transform(), xytext=(0, 3 if above else -3),
        textcoords="offset points", ha="right", va="bottom" if above else "top", fontsize=9, color=_FAINT,
    )  # fmt: skip


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, fontsize=11, color=_INK, loc="left")


def _finish(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    from matplotlib.ticker import MaxNLocator

    _title(axes, title)
    axes.set_xlabel(x_label, fontsize=10, color=_INK)
    axes.set_ylabel(y_label, fontsize=10, color=_INK)
    axes.tick_params(labelsize=9, colors=_INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.legend(frameon=False, fontsize=9.5, loc="best")
