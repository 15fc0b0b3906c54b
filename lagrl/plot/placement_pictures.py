"""Pictures of carbon-aware placement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import SolutionError
from lagrl.plot.pictures import COLOURS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from lagrl.problems.carbon.instance import CarbonInstance


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
    figure = new_figure(8.0, 5.5)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.3])
    colours = {device.name: COLOURS[h % len(COLOURS)] for h, device in enumerate(instance.devices)}
    edges = np.arange(hours + 1)
    for device in instance.devices:
        series = instance.intensity_g_per_kwh[device.zone]
        top.stairs(
            series,
            edges,
            color=colours[device.name],
            linewidth=2.0,
            label=f"{device.name} in {device.zone}",
            baseline=None,
        )
    top.set_ylabel("carbon intensity,\ngCO2e/kWh")
    top.set_ylim(bottom=0)
    rgb = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours.values()], np.uint8)
    bottom.imshow(rgb[devices.T], extent=(0, hours, layers + 0.5, 0.5), aspect="auto", interpolation="nearest")
    bottom.set_ylabel("layer of the model")
    bottom.set_xlabel("hour of the day, UTC")
    bottom.set_xticks(range(0, hours + 1, 3 if hours <= 48 else 24))
    top.set_title(f"{instance.name}: intensities, and where each layer runs", loc="left", fontsize=11)
    figure.legend(
        *top.get_legend_handles_labels(), loc="outside lower center", ncols=min(4, len(colours)), frameon=False
    )
    for axes in (top, bottom):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
