"""Picture of result rows: mean gaps over budgets, and performance profiles."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bench.aggregates import performance_profile
from lagrl.bench.comparison import cells
from lagrl.bench.grouping import Grouping
from lagrl.errors import InputError
from lagrl.plot import profile_curves
from lagrl.plot.picture_style import new_figure, styled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.figure import Figure

    from lagrl.bench.grouping import Line
    from lagrl.bench.schema import Row

_SEED = 1993
_THRESHOLDS = 200


@styled
def row_picture(rows: Iterable[Row]) -> Figure:
    """Draw the mean gap of each controller over the budgets, and the performance profile at the greatest budget.

    Means are over the instances that all controllers have, with 95 % bootstrap intervals over instances, as in the
    report. The profile counts every run; a run without a feasible solution exceeds every threshold.

    Parameters
    ----------
    rows
        As from `read_rows`.

    Returns
    -------
    A figure of two panels.

    Raises
    ------
    InputError
        If there are no rows, or none has a gap.
    MissingExtraError
        If matplotlib is not installed.
    """
    grouping = Grouping(rows)
    found = {(cell.line, cell.budget): cell.gap for cell in cells(grouping)}
    if not any(found.values()):
        remedy = "run instances with a best known cost, and all controllers on all of them"
        raise InputError("no controller has a gap", field="rows", remedy=remedy)
    names = _names(grouping.lines)
    figure = new_figure(13.0, 5.2)
    left, right = figure.subplots(1, 2)
    means = {
        name: [None if (gap := found.get((line, budget))) is None else astuple(gap) for budget in grouping.budgets]
        for line, name in names.items()
    }
    of = "best known cost" if grouping.reference == "best known cost" else "best cost among the rows"
    profile_curves.means_over_budgets(grouping.budgets, means, left, label=f"mean gap to {of}, %")
    left.set_title("Mean gap, 95 % intervals over instances")
    left.set_ylim(bottom=min(0.0, left.get_ylim()[0]))
    last = grouping.budgets[-1]
    runs = {name: _gaps(grouping, line, last) for line, name in names.items()}
    finite = [gap for own in runs.values() for gaps in own.values() for gap in gaps if np.isfinite(gap)]
    thresholds = np.linspace(min(0.0, *finite), 1.05 * max(*finite, 1e-3), _THRESHOLDS)
    profiles = {
        name: performance_profile(own, thresholds, np.random.default_rng(_SEED)) for name, own in runs.items() if own
    }
    profile_curves.performance_profile(profiles, right, label=f"gap to {of}, %")
    right.set_title(f"Performance profile at {last} evaluations")
    return figure


def _gaps(grouping: Grouping, line: Line, budget: int) -> dict[str, list[float]]:
    """Return the gaps of a line's runs by instance, infinity where a run has no feasible solution."""
    gaps: dict[str, list[float]] = {}
    for row in grouping.members(line, budget):
        if not row["feasible"]:
            gaps.setdefault(row["instance"], []).append(np.inf)
        elif row["gap_pct"] is not None:
            gaps.setdefault(row["instance"], []).append(row["gap_pct"])
    return gaps


def _names(lines: Iterable[Line]) -> dict[Line, str]:
    """Return a name of each line: its controller, and what else differs between the lines."""
    all_lines = list(lines)
    shown = [
        field
        for field in ("controller", "sampler", "method", "fleet")
        if field == "controller" or len({getattr(line, field) for line in all_lines}) > 1
    ]
    return {line: ", ".join(filter(None, (getattr(line, field) for field in shown))) for line in all_lines}
