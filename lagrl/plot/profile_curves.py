"""Pictures that compare methods over many runs: performance profiles, and means with intervals over a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from lagrl.plot.picture_style import colour, dashes, finish, mark, new_axes, require_given, styled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray


class ShareOfRuns(Protocol):
    """Share of runs up to each threshold with its interval, such as `lagrl.bench.aggregates.PerformanceProfile`."""

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """[T], in the unit of the values."""
        ...

    @property
    def share(self) -> NDArray[np.float64]:
        """[T] within [0, 1]."""
        ...

    @property
    def low(self) -> NDArray[np.float64]:
        """[T], lower ends of the intervals."""
        ...

    @property
    def high(self) -> NDArray[np.float64]:
        """[T], upper ends of the intervals."""
        ...


@styled
def performance_profile(
    profiles: Mapping[str, ShareOfRuns], ax: Axes | None = None, *, label: str = "gap to best known cost, %"
) -> Axes:
    """Draw performance profiles: the share of runs whose value is at most τ, over τ; bands are the intervals.

    The higher line is better. See Agarwal et al. (2021), and Dolan and Moré (2002) for ratios to the best method.

    Parameters
    ----------
    profiles
        By method, what `lagrl.bench.aggregates.performance_profile` returns: thresholds, share, low and high, [T] each.
    ax
        Axes to draw on; new ones if None.
    label
        What the thresholds are, with its unit.

    Returns
    -------
    The axes.

    Raises
    ------
    InputError
        If there is no profile.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl, numpy as np
    >>> from lagrl.bench.aggregates import performance_profile
    >>> gaps = {"cfm": {"A": [0.0, 1.0], "B": [2.0]}, "volume": {"A": [1.0, 1.0], "B": [3.0]}}
    >>> rng = np.random.default_rng(0)
    >>> profiles = {name: performance_profile(runs, [0.0, 1.0, 2.0, 3.0], rng) for name, runs in gaps.items()}
    >>> lagrl.plot.performance_profile(profiles).get_ylabel()
    'share of runs'
    """
    require_given(profiles, "profiles", "profile")
    ax = ax or new_axes()
    for number, (name, profile) in enumerate(profiles.items()):
        tau = profile.thresholds
        ax.step(
            tau, profile.share, where="post", color=colour(number), linestyle=dashes(number), label=name, gid="profile"
        )
        if (profile.low < profile.high).any():
            ax.fill_between(tau, profile.low, profile.high, step="post", color=colour(number), alpha=0.12, linewidth=0)
    lows, highs = zip(*((profile.thresholds[0], profile.thresholds[-1]) for profile in profiles.values()), strict=True)
    ax.set_xlim(float(min(lows)), max(float(max(highs)), float(min(lows)) + 1e-9))
    ax.set_ylim(0.0, 1.02)
    finish(ax, "Performance profile", f"{label} (at most)", "share of runs")
    ax.legend(loc="lower right")
    return ax


@styled
def intervals(means: Mapping[str, tuple[float, float, float]], label: str, ax: Axes | None = None) -> Axes:
    """Draw named means with their intervals, one below the other, and 0 as a line if it is within reach.

    Parameters
    ----------
    means
        Mean and the ends of its interval by name, the first at the top.
    label
        What the means are, with its unit.
    ax
        Axes to draw on; new ones if None.

    Returns
    -------
    The axes.

    Raises
    ------
    InputError
        If there is no mean.
    MissingExtraError
        If matplotlib is not installed.
    """
    require_given(means, "means", "mean")
    ax = ax or new_axes()
    for number, (mean, low, high) in enumerate(means.values()):
        ends = [[max(mean - low, 0.0)], [max(high - mean, 0.0)]]
        ax.errorbar(
            mean, number, xerr=ends, color=colour(number), linestyle="", marker=mark(number), capsize=3, gid="mean"
        )
    ax.set_yticks(range(len(means)), list(means))
    ax.set_ylim(len(means) - 0.5, -0.5)
    left, right = ax.get_xlim()
    if left <= 0.0 <= right:
        ax.axvline(0.0, color=ax.spines["left"].get_edgecolor(), linewidth=1.0, linestyle=":", zorder=0)
    finish(ax, "", label, "", has_legend=False)
    ax.grid(visible=False, axis="y")
    ax.grid(axis="x")
    return ax


@styled
def means_over_budgets(
    budgets: Sequence[int | str],
    means: Mapping[str, Sequence[tuple[float, float, float] | None]],
    ax: Axes | None = None,
    *,
    label: str = "mean gap to best known cost, %",
    budget: str = "evaluations",
    has_legend: bool = True,
) -> Axes:
    """Draw means with intervals over budgets, one line per method; points are placed beside each other at a budget.

    Parameters
    ----------
    budgets
        [B] rising numbers, or names of other groups.
    means
        By method, [B] mean and the ends of its interval, which may be infinite; None where there is no mean.
    ax
        Axes to draw on; new ones if None.
    label
        What the means are, with the unit.
    budget
        Unit of the budgets.
    has_legend
        Whether to add a legend.

    Returns
    -------
    The axes. All methods of a budget lie between two grey lines around its tick.

    Raises
    ------
    InputError
        If there is no budget or no method.
    MissingExtraError
        If matplotlib is not installed.
    """
    require_given(budgets, "budgets", "budget")
    require_given(means, "means", "method")
    ax = ax or new_axes()
    apart = min(0.11, 0.7 / len(means))
    for number, (name, found) in enumerate(means.items()):
        points = [
            (place + apart * (number - (len(means) - 1) / 2), *entry)
            for place, entry in enumerate(found)
            if entry is not None
        ]
        if not points:
            continue
        x, mean, low, high = (np.array(column) for column in zip(*points, strict=True))
        bars = [np.where(np.isfinite(end), np.maximum(end, 0.0), 0.0) for end in (mean - low, high - mean)]
        ax.errorbar(
            x, mean, yerr=bars, color=colour(number), linestyle=dashes(number), marker=mark(number), markersize=5,
            linewidth=1.4, elinewidth=1.0, label=name, gid="means",
        )  # fmt: skip
    for border in np.arange(len(budgets) - 1) + 0.5:
        ax.axvline(border, color=ax.spines["left"].get_edgecolor(), linewidth=0.6, alpha=0.4, zorder=0)
    ax.set_xticks(range(len(budgets)), [value if isinstance(value, str) else f"{value:g}" for value in budgets])
    ax.set_xlim(-0.5, len(budgets) - 0.5)
    return finish(ax, "", budget, label, has_legend=has_legend)
