"""Pictures of a solve as a whole: its routes beside known ones, and how they improved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.errors import require_type
from lagrl.plot.picture_style import new_figure, require_given, styled
from lagrl.plot.pictures import history, routes
from lagrl.problems.cvrp import require_cvrp
from lagrl.problems.solution import solution_of
from lagrl.solver import SolveResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matplotlib.figure import Figure

    from lagrl.problems.cvrp import CVRP
    from lagrl.problems.solution import HasRoutes, Solution


@styled
def compare_routes(problem: CVRP, solutions: Mapping[str, HasRoutes | Iterable[Sequence[int]]]) -> Figure:
    """Draw several solutions of one instance side by side, with the share of the first one's legs that each has.

    Parameters
    ----------
    problem
        The instance, with coordinates.
    solutions
        By name: solutions, results of solves, or bare routes of customers 1 … n.

    Returns
    -------
    A figure with one map per solution.

    Raises
    ------
    InputError
        If there is no solution, it has no routes of the customers, or the instance has no coordinates.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> problem = lagrl.read("G-n16-k3")
    >>> fast, longer = (lagrl.solve(problem, evaluations=budget) for budget in (2, 50))
    >>> figure = lagrl.plot.compare_routes(problem, {"2 evaluations": fast, "50 evaluations": longer})
    >>> len(figure.axes)
    2
    """
    require_cvrp(problem)
    require_given(solutions, "solutions", "solution by name")
    drawn = {name: solution_of(problem, solution) for name, solution in solutions.items()}
    figure = new_figure(5.6 * len(drawn), 5.4)
    first, own = next(iter(drawn.items()))
    for axes, (name, solution) in zip(figure.subplots(1, len(drawn), squeeze=False)[0], drawn.items(), strict=True):
        routes(problem, solution, axes)
        heading = f"{name}\n{solution.n_routes} routes, cost {solution.cost:.10g}"
        if solution is not own:
            heading += f", {_shared_percent(own, solution):.0f} % of the legs of {first}"
        axes.set_title(heading)
    figure.suptitle(problem.name, x=0.01, ha="left")
    return figure


@styled
def summary(result: SolveResult, reference: HasRoutes | None = None) -> Figure:
    """Draw the routes of a solve, the reference's routes beside them, and the best cost over the seconds.

    Parameters
    ----------
    result
        The result of a solve.
    reference
        Another solution of the instance, such as the best known one; None for no panel of it.

    Returns
    -------
    A figure; without coordinates it has the improvement alone.

    Raises
    ------
    InputError
        If the first is no result, or the reference has no routes of the customers.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> figure = lagrl.plot.summary(lagrl.solve(lagrl.read("G-n16-k3"), evaluations=20))
    >>> [axes.get_title(loc="left") for axes in figure.axes][-1]
    'Best routes so far'
    """
    require_type(result, SolveResult, "result", "give what lagrl.solve(...) returns")
    problem = result.problem
    if problem.coordinates is None:
        figure = new_figure(7.0, 4.8)
        history(result, figure.subplots(), against="seconds")
        return figure
    maps = {"lagrl": result.solution}
    if reference is not None:
        maps["best known"] = solution_of(problem, reference)
    figure = new_figure(5.0 * len(maps) + 5.2, 5.2)
    panels = figure.subplots(1, len(maps) + 1, width_ratios=[*(1.0 for _ in maps), 1.0])
    for axes, (name, solution) in zip(panels, maps.items(), strict=False):
        routes(problem, solution, axes)
        axes.set_title(f"{name}: {solution.n_routes} routes, cost {solution.cost:.10g}")
    history(result, panels[-1], against="seconds")
    known = "" if result.gap is None else f", {result.gap:.2f} % above best known"
    figure.suptitle(f"{problem.name}: {problem.n_customers} customers{known}", x=0.01, ha="left")
    return figure


def _legs(solution: Solution) -> set[frozenset[int]]:
    """Return the legs of all routes, to and from the depot (0) included; their direction does not count."""
    return {frozenset(leg) for route in solution.routes for leg in zip((0, *route), (*route, 0), strict=True)}


def _shared_percent(first: Solution, second: Solution) -> float:
    legs = _legs(first)
    return 100.0 * len(legs & _legs(second)) / len(legs)
