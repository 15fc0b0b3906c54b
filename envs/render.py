"""Rendering of an episode as text or picture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np

from lagrl.errors import UnknownNameError
from lagrl.plot.pictures import COLOURS, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from envs.episode import Episode
    from lagrl.problems.cvrp import CVRP
    from lagrl.problems.solution import Solution

RenderMode = Literal["ansi", "rgb_array"]
RENDER_MODES: tuple[str, ...] = get_args(RenderMode)

_INK, _FAINT = "#222222", "#767676"


def require_mode(mode: str | None) -> RenderMode | None:
    """Return the render mode if it is known.

    Raises
    ------
    UnknownNameError
        If it is not.
    """
    if mode is not None and mode not in RENDER_MODES:
        raise UnknownNameError.of("render mode", mode, RENDER_MODES)
    return cast("RenderMode | None", mode)


def render_episode(episode: Episode, mode: str) -> str | NDArray[np.uint8]:
    """Return the episode as text (`ansi`) or as a picture [H, W, 3] (`rgb_array`).

    Raises
    ------
    MissingExtraError
        If the mode is `rgb_array` and matplotlib is not installed.
    """
    return as_text(episode) if mode == "ansi" else as_picture(episode)


def as_text(episode: Episode) -> str:
    """Return the episode's figures and its best routes, one per line."""
    info, solution = episode.info(), episode.state.incumbent.solution()
    value = "dual value" if episode.dual.is_exact else "sampled value"
    lines = [
        f"{episode.problem.name}: {info['n_customers']} customers, {info['n_vehicles']} vehicles ({episode.seeding}), "
        f"evaluation {info['evaluations']}/{episode.budget}, phase {episode.phase or 'all'}",
        f"{value} {info['last_sampled_value']:.6g}, best {episode.best.sampled_value:.6g} "
        "(of the assignment surrogate; does not bound the CVRP)",
        f"assignment {info['best_assignment_cost']:.6g}, gap {100 * info['best_gap']:.2f} %, "
        f"{100 * info['last_share_served']:.0f} % served once" + (", proven optimal" if info["is_optimal"] else ""),
    ]
    if episode.is_choosing:
        lines[1:] = ["the next action chooses the seeds"]
    if solution is None:
        return "\n".join([*lines, "no routes yet"])
    lines.append(f"routes {solution.cost:.10g}, {info['best_route_ratio']:.4f} of Clarke and Wright's")
    routes = (f"  {number}: {' '.join(map(str, route))}" for number, route in enumerate(solution.routes, start=1))
    return "\n".join([*lines, *routes])


def as_picture(episode: Episode) -> NDArray[np.uint8]:
    """Draw the best routes, customers coloured by their multipliers, beside the dual ascent; return [H, W, 3].

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    figure, route_axes, curve_axes = two_axes()
    step = episode.step  # None before a choice of seeds
    draw_map(
        figure, route_axes, episode.problem, episode.state.incumbent.solution(),
        values=episode.initial if step is None else step.point.multipliers, label="multiplier λ",
        ringed=np.zeros(episode.n_customers, np.bool_) if step is None else step.point.violation != 0,
        note="ringed: not served exactly once at λ",
    )  # fmt: skip
    _draw_ascent(curve_axes, episode)
    return pixels_of(figure)


def two_axes() -> tuple[Figure, Axes, Axes]:
    """Return a figure with axes for a map and, beside it, for a curve."""
    figure = new_figure(11.0, 4.8)
    route_axes, curve_axes = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
    return figure, route_axes, curve_axes


def pixels_of(figure: Figure) -> NDArray[np.uint8]:
    """Return a figure as a picture [H, W, 3]."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba")
    width, height = (round(side) for side in figure.bbox.size)
    pixels = np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)
    return pixels[:, :, :3].copy()


def draw_map(
    figure: Figure,
    axes: Axes,
    problem: CVRP,
    solution: Solution | None,
    *,
    values: NDArray[np.floating[Any]],
    label: str,
    ringed: NDArray[np.bool_],
    note: str,
) -> None:
    """Draw routes, and customers by their demands (size), values [n] (colour) and marks [n] (ring).

    Parameters
    ----------
    figure, axes
        Where to draw.
    problem, solution
        The instance, and its routes if there are any.
    values, label
        The values, and what they are.
    ringed, note
        The marks, and what they mean.
    """
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    summary = "no routes yet" if solution is None else f"{solution.n_routes} routes, cost {solution.cost:.10g}"
    axes.set_title(f"{problem.name}: {summary}", fontsize=11, color=_INK, loc="left")
    points = problem.coordinates
    if points is None:
        axes.text(0.5, 0.5, "only distances are known", ha="center", color=_FAINT, transform=axes.transAxes)
        return
    for route in () if solution is None else solution.routes:
        tour = points[[0, *route, 0]]
        axes.plot(*tour[1:-1].T, color=_FAINT, linewidth=1.3, zorder=1)
        for leg in (tour[:2], tour[-2:]):
            axes.plot(*leg.T, color=_FAINT, alpha=0.3, linewidth=0.9, zorder=1)
    size = 14.0 + 60.0 * problem.demand / max(1, int(problem.demand.max()))
    x, y = points.T
    dots = axes.scatter(x[1:], y[1:], s=size, c=values, cmap="viridis", edgecolor="white", linewidth=0.6, zorder=3)
    axes.scatter(x[1:][ringed], y[1:][ringed], s=size[ringed] + 45, facecolor="none", edgecolor=COLOURS[1], zorder=2)
    axes.scatter(x[:1], y[:1], s=90, marker="s", color=_INK, edgecolor="white", linewidth=1.0, zorder=4)
    axes.set_aspect("equal", adjustable="datalim")
    bar = figure.colorbar(dots, ax=axes, shrink=0.7, pad=0.01)
    bar.set_label(label, fontsize=9, color=_INK)
    bar.ax.tick_params(labelsize=8, colors=_INK)
    bar.outline.set_visible(False)
    axes.set_xlabel(note, fontsize=9, color=_FAINT)


def _draw_ascent(axes: Axes, episode: Episode) -> None:
    evaluations = range(1, len(episode.values) + 1)
    value = "dual value" if episode.dual.is_exact else "sampled value"
    style: dict[str, Any] = {"linewidth": 1.8}
    axes.plot(evaluations, episode.values, color=COLOURS[5], linewidth=1.0, label=value)
    best: list[float] = np.maximum.accumulate(episode.values).tolist() if episode.values else []
    axes.plot(evaluations, best, color=COLOURS[0], label=f"best {value}", **style)
    costs = np.array(episode.assignment_costs)
    if np.isfinite(costs).any():
        axes.plot(
            evaluations, np.where(np.isfinite(costs), costs, np.nan), color=COLOURS[1], label="cheapest assignment",
            linestyle=(0, (5, 1.5)), **style,
        )  # fmt: skip
    axes.set_xlim(0.5, episode.budget + 0.5)
    axes.set_title(f"Dual ascent, gap {100 * episode.best.gap:.2f} %", fontsize=11, color=_INK, loc="left")
    label_curve(
        axes, f"evaluations (of {episode.budget})", "assignment surrogate, distance units\n(does not bound the CVRP)"
    )


def label_curve(axes: Axes, x: str, y: str) -> None:
    """Label the axes of a curve over whole numbers, with a legend."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(x, fontsize=10, color=_INK)
    axes.set_ylabel(y, fontsize=10, color=_INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.tick_params(labelsize=9, colors=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.legend(frameon=False, fontsize=9.5, loc="best")
