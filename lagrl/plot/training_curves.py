"""Picture of training runs: what each measure does over the steps of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError
from lagrl.plot.picture_style import colour, dashes, finish, new_figure, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = list[dict[str, Any]]

MEASURES = {
    "validation": "validation: route cost / Clarke–Wright's",
    "held_out/explained": "explained variance, held out",
    "loss": "loss",
    "reward": "return of an episode",
    "best_route_ratio": "route cost / Clarke–Wright's at the end",
    "best_gap": "relative dual gap at the end",
    "explained_variance": "explained variance of the critic",
    "value_loss": "loss of the critic",
    "gain": "gain of an update",
    "gradient": "length of the gradient",
}
"""Measures in curves by name, with the title of their panel; the first ones are drawn where none are chosen."""
_MOST_IN_A_ROW = 3  # panels; more are placed two in a row
_DRAWN = 3  # measures, if none are chosen


@styled
def training(
    curves: Sequence[dict[str, Any]] | Mapping[str, Sequence[dict[str, Any]]],
    measures: Sequence[str] = (),
    *,
    unit: str = "step",
) -> Figure:
    """Draw measures of training runs over their steps, one panel per measure and one line per run.

    Panels of a single run are shaded by the phase of its curriculum, if its rows have one.

    Parameters
    ----------
    curves
        Rows of a run's `curves.jsonl`, or those of several runs by name. A row has `step` and numbers by name, of which
        any may be missing or None.
    measures
        Names of the numbers to draw (default: three known ones that the rows have).
    unit
        Name of a step: epoch, rollout or update.

    Returns
    -------
    A figure.

    Raises
    ------
    InputError
        If no row has a measure.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> rows = [{"step": step, "loss": 1.0 / step} for step in (1, 2, 3)]
    >>> lagrl.plot.training(rows, unit="epoch").axes[0].get_title(loc="left")
    'loss'
    """
    from matplotlib.ticker import MaxNLocator

    named: dict[str, Rows] = {
        name: list(rows) for name, rows in (curves if isinstance(curves, Mapping) else {"": curves}).items()
    }
    has = {name for rows in named.values() for row in rows for name, value in row.items() if value is not None}
    chosen = list(measures) or _default_measures(has)
    missing = [name for name in chosen if name not in has]
    if not chosen or missing:
        problem = f"no row has {', '.join(missing)}" if missing else "no row has a known measure"
        raise InputError(problem, field="curves", remedy="give rows of a curves.jsonl after a step")
    columns = len(chosen) if len(chosen) <= _MOST_IN_A_ROW else 2
    lines = -(-len(chosen) // columns)
    figure = new_figure(max(7.0, 4.8 * columns), 0.6 + 3.6 * lines)
    panels = figure.subplots(lines, columns, squeeze=False).flat
    for spare in range(len(chosen), lines * columns):
        panels[spare].set_visible(False)
    for axes, measure in zip(panels, chosen, strict=False):
        for number, (name, rows) in enumerate(named.items()):
            points = [(row["step"], row[measure]) for row in rows if row.get(measure) is not None]
            if points:
                axes.plot(
                    *zip(*points, strict=True), color=colour(number), linestyle=dashes(number), label=name or "_",
                    marker="o" if len(points) <= 40 else "", markersize=4, gid="run",
                )  # fmt: skip
        if len(named) == 1:
            _shade_phases(axes, next(iter(named.values())))
        title = MEASURES.get(measure, measure.replace("validation/", "validation at "))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        finish(axes, title, unit, "", has_legend=False)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=min(5, len(handles)))
    return figure


def _default_measures(has: set[str]) -> list[str]:
    known = [name for name in MEASURES if name in has][:_DRAWN]
    if "validation" not in has:
        known = [*sorted(name for name in has if name.startswith("validation/"))[-1:], *known][:_DRAWN]
    return known


def _shade_phases(axes: Axes, rows: Rows) -> None:
    """Shade the steps of each phase, if there is more than one, and put its name at the top."""
    firsts: dict[int, int] = {}
    for row in rows:
        if row.get("phase") is not None:
            firsts.setdefault(int(row["phase"]), int(row["step"]))
    if len(firsts) < 2:
        return
    ends = [*list(firsts.values())[1:], int(rows[-1]["step"])]
    for number, ((phase, first), end) in enumerate(zip(firsts.items(), ends, strict=True)):
        axes.axvspan(
            first, end, color=colour(number + 1), alpha=0.13, linewidth=0, zorder=0, gid="phase", label=f"phase {phase}"
        )
        axes.axvline(first, color=colour(number + 1), linewidth=1.0, linestyle=":", zorder=1)
