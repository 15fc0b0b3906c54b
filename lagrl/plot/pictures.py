"""Pictures of routes, of dual ascents and of the improvement of the best routes.

Without axes the pictures open a figure of pyplot, which a notebook or `pyplot.show()` displays; `new_figure` makes one
that is bound to no display.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from lagrl.ascent import DualTrace
from lagrl.errors import InputError
from lagrl.plot.picture_style import (
    COLOURS,
    DASHES,
    colour,
    current_theme,
    dashes,
    finish,
    finish_map,
    mark,
    new_axes,
    reference_line,
    styled,
)
from lagrl.problems.cvrp import require_cvrp
from lagrl.problems.solution import solution_of
from lagrl.search.search_report import Ascent
from lagrl.solver import SolveResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.problems.solution import HasRoutes, Solution

Ascents: TypeAlias = DualTrace | Ascent

_DUAL_LABEL = "dual value of the assignment surrogate\n(does not bound the CVRP)"


@styled
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
    ax = ax or new_axes()
    edge = current_theme().background
    area = 10.0 + 60.0 * problem.demand / max(1, int(problem.demand.max()))
    for index, route in enumerate(_by_direction(points, drawn)):
        own, pattern = colour(index), dashes(index // len(COLOURS))
        tour = points[list(route)]
        ax.plot(*tour.T, color=own, linestyle=pattern, linewidth=1.8, zorder=2, gid="route", solid_capstyle="round")
        for end in (tour[0], tour[-1]):
            ax.plot(
                *np.stack([points[0], end]).T, color=own, linestyle="-", alpha=0.35, linewidth=1.0, zorder=1,
                gid="depot leg",
            )  # fmt: skip
        ax.scatter(
            tour[:, 0], tour[:, 1], s=area[np.array(route) - 1], color=own, edgecolor=edge, linewidth=0.6, zorder=3,
            gid="customers",
        )  # fmt: skip
    finish_map(ax, points[0])
    gap = problem.gap_percent(drawn.cost)
    known = "" if gap is None else f", {gap:.2f} % above best known"
    ax.set_title(f"{problem.name}: {drawn.n_routes} routes, cost {drawn.cost:.10g}{known}")
    return ax


@styled
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
    ax = ax or new_axes()
    longest = max(len(trace) for trace in traces.values())
    for index, (name, trace) in enumerate(traces.items()):
        best = np.fmax.accumulate(np.array(trace.exact_value)).tolist()
        best += best[-1:] * (longest - len(best))  # proven optimal early: the value stays
        _curve(ax, index, name, range(1, longest + 1), best)
    for value in linear:
        reference_line(ax, value, "linear relaxation", above=False)
    cheapest = min(min(trace.assignment_cost) for trace in traces.values())
    if math.isfinite(cheapest):
        reference_line(ax, cheapest, "cheapest assignment found", above=True)
    ax.margins(y=0.08)
    title = "Dual ascent of the first linearisation" if linear else "Dual ascent"
    _whole_numbers(ax)
    return finish(ax, title, "evaluations of the linearisation", _DUAL_LABEL)


@styled
def history(
    results: SolveResult | Mapping[str, SolveResult],
    ax: Axes | None = None,
    *,
    against: Literal["evaluations", "seconds"] = "evaluations",
) -> Axes:
    """Draw how the best routes improve: gap to the best known cost in percent, else the cost.

    Parameters
    ----------
    results
        The result of a solve, or several by name, all of one instance.
    ax
        Axes to draw on; new ones if None.
    against
        What the horizontal axis counts: evaluations of all linearisations, or wall-clock seconds.

    Returns
    -------
    The axes.

    Raises
    ------
    InputError
        If there are no results, not all are of one instance, or `against` is something else.
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
    if against not in ("evaluations", "seconds"):
        raise InputError(f"{against!r} given", field="against", remedy="give evaluations or seconds")
    problem = next(iter(named.values())).problem
    is_gap = problem.gap_percent(1.0) is not None
    ax = ax or new_axes()
    for index, (name, result) in enumerate(named.items()):
        is_clock = against == "seconds"
        spent: list[float] = [seconds if is_clock else evaluations for evaluations, seconds, _ in result.history]
        end = max(spent[-1], result.elapsed if is_clock else result.evaluations)
        shown = [problem.gap_percent(cost) or 0.0 if is_gap else cost for _, _, cost in result.history]
        _curve(ax, index, name, [*spent, end], [*shown, shown[-1]], drawstyle="steps-post")
    ax.margins(y=0.08)
    if is_gap:
        ax.set_ylim(bottom=0.0)
    label = "gap to best known cost, %" if is_gap else "route cost"
    if against == "seconds":
        ax.set_xlim(left=0.0)
        return finish(ax, "Best routes so far", "wall-clock seconds", label, has_legend=len(named) > 1)
    _whole_numbers(ax)
    return finish(ax, "Best routes so far", "evaluations, all linearisations", label, has_legend=len(named) > 1)


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
    # where lines coincide, the broken ones lie above and let the others through
    axes.plot(
        x, y, color=colour(index), linestyle=dashes(index), drawstyle=drawstyle, label=name, gid="controller",
        zorder=2 + index % len(DASHES) / len(DASHES),
    )  # fmt: skip
    axes.plot(x[-1], y[-1], marker=mark(index), linestyle="", color=colour(index), zorder=3, clip_on=False, gid="end")


def _whole_numbers(axes: Axes) -> None:
    """Put ticks of the horizontal axis at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10]))
