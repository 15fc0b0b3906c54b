"""Rendering of an episode of a route relaxation as text or picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envs.picture import Curve, CurveLine, Map, picture_of
from lagrl.plot.picture_style import COLOURS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from envs.route.episode import RouteEpisode


def render_route_episode(episode: RouteEpisode, mode: str) -> str | NDArray[np.uint8]:
    """Return the episode as text (`ansi`) or as a picture [H, W, 3] (`rgb_array`).

    Raises
    ------
    MissingExtraError
        If the mode is `rgb_array` and matplotlib is not installed.
    """
    return as_text(episode) if mode == "ansi" else as_picture(episode)


def as_text(episode: RouteEpisode) -> str:
    """Return the episode's figures and its best routes, one per line."""
    info, best, solution = episode.info(), episode.best, episode.incumbent.solution()
    reference = "unknown" if best.reference is None else f"{best.reference:.6g}"
    lines = [
        f"{episode.problem.name}: {info['n_customers']} customers, {info['n_vehicles']} vehicles "
        f"({episode.dual.relaxation}), evaluation {info['evaluations']}/{episode.budget}, "
        f"phase {episode.phase or 'all'}",
        f"dual value {info['last_sampled_value']:.6g}, best {best.dual_value:.6g} (a lower bound on the CVRP)",
        f"reference {reference}, {100 * best.gap:.2f} % of the gap left, "
        f"{100 * info['last_share_served']:.0f} % served once" + (", proven optimal" if info["is_optimal"] else ""),
    ]
    if solution is None:
        return "\n".join([*lines, "no routes yet"])
    lines.append(f"routes {solution.cost:.10g}, {info['best_route_ratio']:.4f} of Clarke and Wright's")
    routes = (f"  {number}: {' '.join(map(str, route))}" for number, route in enumerate(solution.routes, start=1))
    return "\n".join([*lines, *routes])


def as_picture(episode: RouteEpisode) -> NDArray[np.uint8]:
    """Draw the best routes, customers coloured by their multipliers, beside the dual ascent; return [H, W, 3].

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    step = episode.step
    assert step is not None  # a reset evaluates λ₀
    drawn = Map(
        episode.problem,
        episode.incumbent.solution(),
        values=step.point.multipliers[:-1],
        label="multiplier λ",
        ringed=step.point.violation[:-1] != 0,
        note="ringed: not visited exactly once at λ",
    )
    values = np.array(episode.values)
    lines = [
        CurveLine("dual value", values, COLOURS[5], width=1.0),
        CurveLine("best dual value", np.maximum.accumulate(values), COLOURS[0]),
    ]
    if episode.best.reference is not None:
        known = np.full(len(values), episode.best.reference)
        lines.append(CurveLine("reference", known, COLOURS[1], is_dashed=True))
    curve = Curve(
        f"Dual ascent, {100 * episode.best.gap:.2f} % of the gap left",
        lines,
        first=1,
        last=episode.budget,
        x_label=f"evaluations (of {episode.budget})",
        y_label=("lower bound on the CVRP, distance units",),
    )
    return picture_of(drawn, curve)
