"""Picture of the multipliers on the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError
from lagrl.plot.picture_style import current_theme, finish_map, new_axes, styled
from lagrl.problems.cvrp import require_cvrp

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from lagrl.problems.cvrp import CVRP


@styled
def multipliers(problem: CVRP, values: ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw the multiplier of each customer at its place: colour and size of a point grow with |λ|.

    Points below 0 are triangles. Only they and the scale of colours beside the map tell signs apart.

    Parameters
    ----------
    problem
        The instance, with coordinates.
    values
        [n] λ of customers 1 … n, distance units, such as `trace.best.point.multipliers`.
    ax
        Axes to draw on; new ones if None.

    Returns
    -------
    The axes; the scale of colours is beside them.

    Raises
    ------
    InputError
        If the instance has no coordinates, or `values` is no vector of n finite numbers.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> problem = lagrl.read("G-n16-k3")
    >>> loop = lagrl.DualLoop.of(lagrl.AssignmentDual(lagrl.linearise(problem)))
    >>> trace = lagrl.ascend(loop, "volume", budget=20)
    >>> lagrl.plot.multipliers(problem, trace.best.point.multipliers).get_title(loc="left")
    'G-n16-k3: multipliers of 15 customers'
    """
    require_cvrp(problem)
    points = problem.coordinates
    if points is None:
        raise InputError(
            "only distances are known", source=problem.name, field="coordinates", remedy="draw an instance in the plane"
        )
    try:
        price = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        price = np.empty(0)
    n = problem.n_customers
    if price.shape != (n,) or not np.isfinite(price).all():
        raise InputError(
            f"shape {np.shape(price)}", source=problem.name, field="values", remedy=f"give {n} finite numbers"
        )
    ax = ax or new_axes()
    theme, places = current_theme(), points[1:]
    high = float(np.abs(price).max()) or 1.0
    is_signed = bool((price < 0).any())
    area = 25.0 + 220.0 * np.abs(price) / high
    shading: dict[str, Any] = {
        "cmap": "PuOr" if is_signed else "viridis",
        "vmin": -high if is_signed else 0.0,
        "vmax": high,
    }
    shown = None
    for chosen, marker, group in ((price >= 0, "o", "customers"), (price < 0, "v", "customers below 0")):
        if chosen.any():
            shown = ax.scatter(
                places[chosen, 0], places[chosen, 1], s=area[chosen], c=price[chosen], marker=marker,
                edgecolor=theme.ink, linewidth=0.6, zorder=3, gid=group, **shading,
            )  # fmt: skip
    assert shown is not None  # an instance has customers
    bar = ax.figure.colorbar(shown, ax=ax, shrink=0.85)
    bar.set_label("multiplier λ, distance units")
    bar.outline.set_visible(False)
    finish_map(ax, points[0])
    ax.set_title(f"{problem.name}: multipliers of {n} customers")
    return ax
