"""Rendering of an episode as text or picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, get_args

import numpy as np

from envs.picture import Curve, CurveLine, Map, picture_of
from lagrl.errors import UnknownNameError
from lagrl.plot.picture_style import COLOURS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from envs.episode import Episode

RenderMode = Literal["ansi", "rgb_array"]
RENDER_MODES: tuple[str, ...] = get_args(RenderMode)


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
    step = episode.step  # None before a choice of seeds
    drawn = Map(
        episode.problem,
        episode.state.incumbent.solution(),
        values=episode.initial if step is None else step.point.multipliers,
        label="multiplier λ",
        ringed=np.zeros(episode.n_customers, np.bool_) if step is None else step.point.violation != 0,
        note="ringed: not served exactly once at λ",
    )
    value = "dual value" if episode.dual.is_exact else "sampled value"
    costs, values = np.array(episode.assignment_costs), np.array(episode.values)
    lines = [
        CurveLine(value, values, COLOURS[5], width=1.0),
        CurveLine(f"best {value}", np.maximum.accumulate(values), COLOURS[0]),
    ]
    if np.isfinite(costs).any():
        known = np.where(np.isfinite(costs), costs, np.nan)
        lines.append(CurveLine("cheapest assignment", known, COLOURS[1], is_dashed=True))
    curve = Curve(
        f"Dual ascent, gap {100 * episode.best.gap:.2f} %",
        lines,
        first=1,
        last=episode.budget,
        x_label=f"evaluations (of {episode.budget})",
        y_label=("assignment surrogate, distance units", "(does not bound the CVRP)"),
    )
    return picture_of(drawn, curve)
