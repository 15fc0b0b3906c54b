"""Axes of the paper's figures, in the colours of `lagrl.plot`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from lagrl.plot.picture_style import COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS, OURS_LIGHT, PUBLISHED = COLOURS[0], COLOURS[5], COLOURS[1]
GREY = COLOURS[6]
MARKERS = "osD^vP"


def styled(axes: Axes, x_label: str, y_label: str, *, grid: Literal["x", "y", "both"] = "y") -> Axes:
    """Label axes, and remove what carries no information; `grid` is `x`, `y` or `both`."""
    axes.set_xlabel(x_label, fontsize=10)
    axes.set_ylabel(y_label, fontsize=10)
    axes.tick_params(labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, alpha=0.25, linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def one_axes(figure: Figure, x_label: str, y_label: str, *, grid: Literal["x", "y", "both"] = "y") -> Axes:
    """Return the only axes of a figure, styled."""
    return styled(figure.add_subplot(), x_label, y_label, grid=grid)


def legend(axes: Axes, **options: Any) -> None:
    """Add a legend without a frame."""
    axes.legend(frameon=False, fontsize=8.5, **options)


def legend_outside(figure: Figure, axes: Axes, *, above: bool = False) -> None:
    """Add a legend of some axes below the figure's axes, or above them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper center" if above else "outside lower center",
        ncols=3,
        frameon=False,
        fontsize=8.5,
    )


def bars(
    axes: Axes,
    names: Sequence[str],
    values: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    *,
    label: str,
    colour: str = OURS,
    offset: float = 0.0,
    height: float = 0.62,
) -> None:
    """Draw horizontal bars from the top, one per name, with their intervals (low, high)."""
    place = [i + offset for i in range(len(names))]
    axes.barh(place, values, height, color=colour, label=label)
    low = [max(value - low, 0.0) for value, (low, _) in zip(values, intervals, strict=True)]
    high = [max(high - value, 0.0) for value, (_, high) in zip(values, intervals, strict=True)]
    axes.errorbar(values, place, xerr=(low, high), fmt="none", ecolor="#222222", elinewidth=1.0, capsize=2.5)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
