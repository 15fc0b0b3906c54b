"""Picture of a lower bound while it rises."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from lagrl.bounds.bound import LowerBound
from lagrl.errors import InputError
from lagrl.plot.picture_style import colour, current_theme, finish, new_axes, reference_line, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from lagrl.problems.cvrp import CVRP

_HATCH = (None, "//", "..")  # of the phases, beside their colours
PHASES = ("distances and loads alone", "routes, no cuts", "routes and capacity cuts")
"""What a lower bound rests on, in the order in which a computation proceeds."""


@styled
def bound(steps: Sequence[LowerBound], problem: CVRP, ax: Axes | None = None) -> Axes:
    """Draw a lower bound over the seconds, shaded by phase, and the best known cost where there is one.

    Phases are the trivial bound from distances and loads, the linear programme over routes, and that programme with
    rounded capacity cuts.

    Parameters
    ----------
    steps
        What `on_progress` of `lagrl.lower_bound` received, in order, with the final bound.
    problem
        The instance.
    ax
        Axes to draw on; new ones if None.

    Returns
    -------
    The axes.

    Raises
    ------
    InputError
        If there is no step, or it is no `LowerBound`.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> problem, steps = lagrl.read("G-n16-k3"), []
    >>> steps.append(lagrl.lower_bound(problem, evaluations=5, on_progress=steps.append))
    >>> lagrl.plot.bound(steps, problem).get_xlabel()
    'wall-clock seconds'
    """
    steps = list(steps)
    if not steps or not all(isinstance(step, LowerBound) for step in steps):
        remedy = "give what on_progress of lagrl.lower_bound received"
        raise InputError(f"{steps!r:.80} given", field="steps", remedy=remedy)
    ax = ax or new_axes()
    seconds, values = [step.seconds for step in steps], [step.value for step in steps]
    ax.step(seconds, values, where="post", color=colour(0), zorder=3, gid="bound", linestyle="-")
    ax.plot(seconds, values, linestyle="", marker="o", markersize=4, color=colour(0), zorder=3, gid="steps")
    first = 0.0
    for number, (phase, end) in enumerate(_last_of_each_phase(steps).items()):
        ax.axvspan(
            first, end, facecolor=colour(number + 1), edgecolor=current_theme().faint, alpha=0.15, linewidth=0,
            hatch=_HATCH[PHASES.index(phase)], zorder=0, label=phase, gid="phase",
        )  # fmt: skip
        first = end
    ax.margins(y=0.12)
    if problem.best_known is not None:
        reference_line(ax, problem.best_known, f"best known cost {problem.best_known:.10g}", above=True)
    last = steps[-1]
    gap = problem.gap_percent(last.value)
    below = "" if gap is None else f", {0.0 - gap:.2f} % below best known"
    ax.set_xlim(0.0, max(last.seconds, 1e-3) * 1.02)
    finish(
        ax,
        f"{problem.name}: lower bound {floor(100.0 * last.value) / 100.0:.2f}{below}",
        "wall-clock seconds",
        "lower bound",
    )
    ax.legend(loc="lower right")
    return ax


def _last_of_each_phase(steps: Sequence[LowerBound]) -> dict[str, float]:
    """Return the seconds at which each phase ends, by its name; the last ends with the last step."""
    found: dict[str, float] = {}
    for step in steps:
        found[PHASES[0] if step.is_trivial else PHASES[2] if step.n_cuts else PHASES[1]] = step.seconds
    return found
