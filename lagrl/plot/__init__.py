"""Pictures of routes, dual ascents, bounds, samples, devices and trainings in one style (extra `viz`).

A function that draws one panel draws on the axes given (`ax`), or on new ones of matplotlib.pyplot, and returns the
axes; `ax.figure` is the figure. Pictures of several panels return the figure. `style` chooses the light or dark theme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.lazy import lazy_names

__all__ = [
    "animate",
    "bound",
    "compare_routes",
    "device_errors",
    "device_mix",
    "dual",
    "history",
    "multipliers",
    "new_figure",
    "performance_profile",
    "routes",
    "samples",
    "save_figure",
    "style",
    "summary",
    "training",
]

if TYPE_CHECKING:
    from lagrl.plot.bound_curve import bound
    from lagrl.plot.device_pictures import device_errors, device_mix
    from lagrl.plot.dual_animation import animate
    from lagrl.plot.multiplier_map import multipliers
    from lagrl.plot.picture_style import new_figure, save_figure, style
    from lagrl.plot.pictures import dual, history, routes
    from lagrl.plot.profile_curves import performance_profile
    from lagrl.plot.route_panels import compare_routes, summary
    from lagrl.plot.sample_bars import samples
    from lagrl.plot.training_curves import training
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "lagrl.plot.bound_curve": ["bound"],
            "lagrl.plot.device_pictures": ["device_errors", "device_mix"],
            "lagrl.plot.dual_animation": ["animate"],
            "lagrl.plot.multiplier_map": ["multipliers"],
            "lagrl.plot.pictures": ["dual", "history", "routes"],
            "lagrl.plot.profile_curves": ["performance_profile"],
            "lagrl.plot.route_panels": ["compare_routes", "summary"],
            "lagrl.plot.sample_bars": ["samples"],
            "lagrl.plot.picture_style": ["new_figure", "save_figure", "style"],
            "lagrl.plot.training_curves": ["training"],
        },
    )
