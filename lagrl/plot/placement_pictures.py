"""Pictures of carbon-aware placement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import SolutionError
from lagrl.plot.picture_style import colour, current_theme, dashes, new_figure, styled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from lagrl.problems.carbon.instance import CarbonInstance

_HATCHES = (None, "//", "..", "\\\\", "xx", "--", "oo")


@styled
def draw_placement(instance: CarbonInstance, devices: NDArray[np.int64]) -> Figure:
    """Draw the intensities of the zones over the day, and below them the device of each layer in each hour.

    Parameters
    ----------
    instance
        The instance.
    devices
        [T, N] device indices.

    Raises
    ------
    SolutionError
        If the shape is wrong, or there is no such device.
    MissingExtraError
        If matplotlib is not installed.
    """
    hours, layers = len(instance.tokens_per_hour), len(instance.layers)
    if devices.shape != (hours, layers) or not ((devices >= 0) & (devices < len(instance.devices))).all():
        raise SolutionError(
            f"array of shape {devices.shape}", field="placement", remedy=f"give device indices [{hours}, {layers}]"
        )
    figure = new_figure(9.0, 6.0)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.3])
    number = {device.name: h for h, device in enumerate(instance.devices)}
    edges = np.arange(hours + 1)
    for device in instance.devices:
        series = instance.intensity_g_per_kwh[device.zone]
        top.stairs(
            series,
            edges,
            color=colour(number[device.name]),
            linestyle=dashes(number[device.name]),
            linewidth=2.4,
            label=f"{device.name} in {device.zone}",
            baseline=None,
        )
    top.set_ylabel("carbon intensity,\ngCO2e/kWh")
    top.set_ylim(bottom=0)
    for h in number.values():
        for first, last, low, high in _blocks(devices == h):
            bottom.fill_between(
                [first, last], low + 0.5, high + 0.5, facecolor=colour(h), hatch=_HATCHES[h % len(_HATCHES)],
                linewidth=0.0, edgecolor=current_theme().background, gid=instance.devices[h].name,
            )  # fmt: skip
    bottom.set_xlim(0, hours)
    bottom.set_ylim(layers + 0.5, 0.5)
    bottom.set_ylabel("layer of the model")
    bottom.set_xlabel("hour of the day, UTC")
    bottom.set_xticks(range(0, hours + 1, 3 if hours <= 48 else 24))
    top.set_title(f"{instance.name}: intensities, and where each layer runs")
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", ncols=min(4, len(number)))
    top.grid(axis="y")
    return figure


def _blocks(runs: NDArray[np.bool_]) -> Iterator[tuple[int, int, int, int]]:
    """Yield (first hour, last hour + 1, first layer, last layer + 1) of rectangles that cover the true entries [T, N].

    Layers of an hour that follow each other are one strip; equal strips of hours that follow each other are one block.
    """
    started: dict[tuple[int, int], int] = {}
    for hour in range(len(runs) + 1):
        strips = set() if hour == len(runs) else set(_strips(runs[hour]))
        for low, high in [strip for strip in started if strip not in strips]:
            yield started.pop((low, high)), hour, low, high
        for strip in strips:
            started.setdefault(strip, hour)


def _strips(row: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first, last + 1) of the stretches of true entries."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(np.int8)))
    return [(int(low), int(high)) for low, high in steps.reshape(-1, 2)]
