"""Rendering of a search as text or picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envs.picture import Curve, CurveLine, Map, picture_of
from lagrl.plot.picture_style import COLOURS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from envs.search.episode import SearchEpisode


def render_search(episode: SearchEpisode, mode: str) -> str | NDArray[np.uint8]:
    """Return the search as text (`ansi`) or as a picture [H, W, 3] (`rgb_array`).

    Raises
    ------
    MissingExtraError
        If the mode is `rgb_array` and matplotlib is not installed.
    """
    return _as_text(episode) if mode == "ansi" else _as_picture(episode)


def _as_text(episode: SearchEpisode) -> str:
    """Return the search's figures and its current routes, one per line."""
    info = episode.info()
    lines = [
        f"{episode.problem.name}: {info['n_customers']} customers, {info['n_routes']} routes, "
        f"move {info['moves']}/{episode.config.max_moves}",
        f"best {info['best_route_cost']:.10g}, {info['best_route_ratio']:.4f} of Clarke and Wright's, "
        f"current {info['current_route_cost']:.10g}, start {info['start_route_cost']:.10g}",
    ]
    if episode.trail:
        result = "accepted" if info["last_is_accepted"] else "refused"
        lines.append(f"freed {' '.join(map(str, episode.trail[-1]))}: {result}")
    routes = (f"  {number}: {' '.join(map(str, route))}" for number, route in enumerate(episode.routes, start=1))
    return "\n".join([*lines, *routes])


def _as_picture(episode: SearchEpisode) -> NDArray[np.uint8]:
    """Draw the current routes, customers coloured by how often they were freed, beside the costs; return [H, W, 3]."""
    times = np.bincount([one - 1 for freed in episode.trail for one in freed], minlength=episode.n_customers)
    is_last = np.zeros(episode.n_customers, np.bool_)
    is_last[np.array(episode.trail[-1] if episode.trail else (), np.int64) - 1] = True
    drawn = Map(
        episode.problem,
        episode.search.pool.solution(episode.search.current.neighbourhood.columns),
        values=times.astype(float),
        label="times freed",
        ringed=is_last,
        note="ringed: freed by the last move",
    )
    current, best = np.array(episode.costs).T
    gain = 100.0 * (1.0 - episode.search.incumbent.cost / (episode.start_cost or 1.0))
    curve = Curve(
        f"Search, {gain:.2f} % below the start",
        [CurveLine("current routes", current, COLOURS[5], width=1.0), CurveLine("best routes", best, COLOURS[0])],
        first=0,
        last=episode.config.max_moves,
        x_label=f"moves (of {episode.config.max_moves})",
        y_label=("route cost, distance units",),
    )
    return picture_of(drawn, curve)
