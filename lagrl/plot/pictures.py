"""Pictures of routes, of dual ascents and of the improvement of the best routes.

matplotlib is imported on use. Without axes the pictures open a figure of pyplot, which a notebook or `pyplot.show()`
displays; `new_figure` makes one that is bound to no display.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from lagrl.ascent import DualTrace
from lagrl.errors import InputError, MissingExtraError
from lagrl.io.atomic import replacing
from lagrl.problems.cvrp import require_cvrp
from lagrl.problems.solution import solution_of
from lagrl.search.search_report import Ascent
from lagrl.solver import SolveResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.problems.solution import HasRoutes, Solution

Ascents: TypeAlias = DualTrace | Ascent

# Okabe and Ito (2008), told apart under all common colour blindness; their yellow is too faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
_INK = "#222222"
_FAINT = "#767676"
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_DOTS_PER_INCH = 120
# without matplotlib's version and the time, which would make equal pictures differ
_METADATA = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
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
    """Write a figure as PNG, SVG or PDF, as the suffix of `path` says, atomically; equal pictures give equal files.

    Raises
    ------
    InputError
        If the suffix is another one, or missing.
    OutputError
        If `path` cannot be written; what was there stays.
    """
    from matplotlib import rc_context

    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in _METADATA:
        raise InputError(
            f"{os.fspath(path)!r} given", field="path", remedy="give a name that ends in .png, .svg or .pdf"
        )
    with replacing(path) as temporary, rc_context({"svg.hashsalt": "lagrl"}):
        figure.savefig(temporary, format=suffix, metadata=_METADATA[suffix])


def routes(problem: CVRP, solution: HasRoutes | Iterable[Sequence[int]], ax: Axes | None = None) -> Axes:
    """Draw routes in the plane: the depot as a square, customers as large as their demand, depot legs faint.

    Routes are coloured in the order of their direction from the depot, so that neighbours differ.

    Parameters
    ----------
    problem
        The instance.
    solution
        A `Solution`, the result of a solve, or bare routes of customers 1 … n.
    ax
        Axes to draw on; new ones if None.

    Returns
    -------
    The axes.

    Raises
    ------
    InputError
        If the instance has no coordinates, or the solution has no routes of its customers.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> problem = lagrl.read("G-n16-k3")
    >>> ax = lagrl.plot.routes(problem, lagrl.solve(problem, evaluations=20))
    >>> ax.figure.savefig("routes.png")
    """
    require_cvrp(problem)
    points = problem.coordinates
    if points is None:
        raise InputError(
            "only distances are known", source=problem.name, field="coordinates", remedy="draw an instance in the plane"
        )
    drawn = solution_of(problem, solution)
    ax = ax or _new_axes()
    area = 10.0 + 60.0 * problem.demand / max(1, int(problem.demand.max()))
    for index, route in enumerate(_by_direction(points, drawn)):
        colour = COLOURS[index % len(COLOURS)]
        dashes = _DASHES[index // len(COLOURS) % len(_DASHES)]
        tour = points[list(route)]
        ax.plot(*tour.T, color=colour, linestyle=dashes, linewidth=1.6, zorder=2, gid="route", solid_capstyle="round")
        for end in (tour[0], tour[-1]):
            ax.plot(*np.stack([points[0], end]).T, color=colour, alpha=0.25, linewidth=1.0, zorder=1, gid="depot leg")
        sizes = area[np.array(route) - 1]
        ax.scatter(
            tour[:, 0], tour[:, 1], s=sizes, color=colour, edgecolor="white", linewidth=0.6, zorder=3, gid="customers"
        )
    ax.scatter(
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
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    gap = problem.gap_percent(drawn.cost)
    known = "" if gap is None else f", {gap:.2f} % above best known"
    _title(ax, f"{problem.name}: {drawn.n_routes} routes, cost {drawn.cost:.10g}{known}")
    return ax


def dual(ascents: Ascents | Mapping[str, Ascents], ax: Axes | None = None) -> Axes:
    """Draw the best dual value so far over the evaluations of a linearisation, one line for each ascent.

    The cheapest assignment found by any ascent is a line of reference, and so is the linear relaxation where it is
    known: the optimum of the dual lies between them.

    Parameters
    ----------
    ascents
        A `DualTrace`, an entry of `SolveResult.ascents`, or several of them by name, all of the same linearisation.
    ax
        Axes to draw on; new ones if None.

    Returns
    -------
    The axes.

    Raises
    ------
    InputError
        If there is no ascent, they are not of the same linearisation, or have no exact dual values.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> result = lagrl.solve(lagrl.read("G-n16-k3"), evaluations=20)
    >>> lagrl.plot.dual(result.ascents[0]).get_xlabel()
    'evaluations of the linearisation'
    """
    named = dict(ascents) if isinstance(ascents, Mapping) else {"best so far": ascents}
    linear = {ascent.linear_value for ascent in named.values() if isinstance(ascent, Ascent)}
    if not named or len(linear) > 1:
        raise InputError(
            "not all of one linearisation", field="ascents", remedy="give ascents of one instance under one seed"
        )
    traces = {name: ascent.trace if isinstance(ascent, Ascent) else ascent for name, ascent in named.items()}
    for name, trace in traces.items():
        if not isinstance(trace, DualTrace):
            raise InputError(f"{trace!r:.80} given", field="ascents", remedy="give what lagrl.ascend(...) returns")
        if trace.dual_value is None:
            raise InputError(f"no exact dual value under {name}", field="ascents", remedy="ascend with record_exact")
    ax = ax or _new_axes()
    longest = max(len(trace) for trace in traces.values())
    for index, (name, trace) in enumerate(traces.items()):
        best = np.fmax.accumulate(np.array(trace.exact_value)).tolist()
        best += best[-1:] * (longest - len(best))  # proven optimal early: the value stays
        _curve(ax, index, name, range(1, longest + 1), best)
    for value in linear:
        _reference(ax, value, "linear relaxation", above=False)
    cheapest = min(min(trace.assignment_cost) for trace in traces.values())
    if math.isfinite(cheapest):
        _reference(ax, cheapest, "cheapest assignment found", above=True)
    ax.margins(y=0.08)
    title = "Dual ascent of the first linearisation" if linear else "Dual ascent"
    return _finish(ax, title, "evaluations of the linearisation", _DUAL_LABEL)


def history(results: SolveResult | Mapping[str, SolveResult], ax: Axes | None = None) -> Axes:
    """Draw how the best routes improve over all evaluations: gap to the best known cost in percent, else the cost.

    Parameters
    ----------
    results
        The result of a solve, or several by name, all of one instance.
    ax
        Axes to draw on; new ones if None.

    Returns
    -------
    The axes.

    Raises
    ------
    InputError
        If there are no results, or not all are of one instance.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> result = lagrl.solve(lagrl.read("G-n16-k3"), evaluations=20)
    >>> lagrl.plot.history(result).get_ylabel()
    'gap to best known cost, %'
    """
    named = {results.config.controller: results} if isinstance(results, SolveResult) else results
    if not isinstance(named, Mapping) or len({result.problem.name for result in named.values()}) != 1:
        raise InputError("not all of one instance", field="results", remedy="give results of one instance")
    problem = next(iter(named.values())).problem
    is_gap = problem.gap_percent(1.0) is not None
    ax = ax or _new_axes()
    for index, (name, result) in enumerate(named.items()):
        spent = [evaluations for evaluations, _, _ in result.history]
        shown = [problem.gap_percent(cost) or 0.0 if is_gap else cost for _, _, cost in result.history]
        _curve(ax, index, name, [*spent, result.evaluations], [*shown, shown[-1]], drawstyle="steps-post")
    ax.margins(y=0.08)
    if is_gap:
        ax.set_ylim(bottom=0.0)
    label = "gap to best known cost, %" if is_gap else "route cost"
    is_pooled = all(result.config.method == "search" for result in named.values())
    title = "Best routes so far" + (" (last: set partitioning)" if is_pooled else "")
    return _finish(ax, title, "evaluations, all linearisations", label)


def _new_axes() -> Axes:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise MissingExtraError.of("matplotlib", "viz", "drawing") from error
    _, ax = pyplot.subplots(layout="constrained")
    return ax


def _by_direction(points: NDArray[np.float64], solution: Solution) -> list[tuple[int, ...]]:
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


def _finish(axes: Axes, title: str, x_label: str, y_label: str) -> Axes:
    from matplotlib.ticker import MaxNLocator

    _title(axes, title)
    axes.set_xlabel(x_label, fontsize=10, color=_INK)
    axes.set_ylabel(y_label, fontsize=10, color=_INK)
    axes.tick_params(labelsize=9, colors=_INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.legend(frameon=False, fontsize=9.5, loc="best")
    return axes
