"""Frames of a map beside a curve, drawn in milliseconds.

Lines and dots are drawn by matplotlib on a figure that is made once and reused. Axes, scales and texts are put into the
pixels directly, texts as cached images: matplotlib's own axes take most of the time of a frame.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lagrl.plot.picture_style import COLOURS, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.problems.solution import Solution

    Box = tuple[int, int, int, int]

_INCHES = (11.0, 4.8)
_TEXT_INCHES = 0.3
_INK, _FAINT = "#222222", "#767676"
# left, bottom, right, top in pixels, from the lower left corner
_MAP: Box = (24, 58, 548, 520)
_BAR: Box = (580, 140, 594, 440)
_CURVE: Box = (790, 72, 1300, 492)
_TITLE, _NAMES, _BELOW = 552, 516, 28  # heights of the middles of lines of text
_SAMPLE, _GAP, _NAME_SIZE = 22, 16, 8.5  # of the names of lines: pixels of the line before and of the gaps, points
_MOST_LINES = 3


@dataclass(frozen=True)
class Map:
    """Routes, and customers by their demands (size), values (colour) and marks (ring).

    Attributes
    ----------
    problem, solution
        The instance, and its routes if there are any.
    values, label
        [n] values of the customers, and what they are.
    ringed, note
        [n] marks of the customers, and what they mean.
    """

    problem: CVRP
    solution: Solution | None
    values: NDArray[np.floating[Any]]
    label: str
    ringed: NDArray[np.bool_]
    note: str


@dataclass(frozen=True)
class CurveLine:
    """A line of a curve: values at `first`, `first` + 1, …, NaN where there is none, and its style."""

    name: str
    values: Sequence[float] | NDArray[np.floating[Any]]
    colour: str
    width: float = 1.8
    is_dashed: bool = False


@dataclass(frozen=True)
class Curve:
    """At most three lines over the whole numbers from `first` to `last`, their title, and the axes' labels.

    The label of the vertical axis is one line of text or two.
    """

    title: str
    lines: Sequence[CurveLine]
    first: int
    last: int
    x_label: str
    y_label: Sequence[str]


def picture_of(drawn: Map, curve: Curve) -> NDArray[np.uint8]:
    """Return a map beside a curve as a picture [H, W, 3].

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    if not hasattr(_made, "frame"):
        _made.frame = _Frame()
    frame: _Frame = _made.frame
    frame.place_map(drawn)
    limits = frame.place_curve(curve)
    pixels = frame.pixels()
    _write_map(pixels, drawn)
    _write_curve(pixels, curve, limits)
    return pixels


_made = threading.local()  # two threads must not draw on one figure


class _Frame:
    """The figure with its lines and dots; every frame sets all that differs between frames. Units are pixels."""

    def __init__(self) -> None:
        figure = new_figure(*_INCHES)
        from matplotlib.collections import LineCollection, PathCollection
        from matplotlib.lines import Line2D
        from matplotlib.path import Path
        from matplotlib.transforms import IdentityTransform

        figure.set_layout_engine("none")
        self.figure, pixel = figure, IdentityTransform()

        def dots(path: Path, sizes: list[float], **style: Any) -> Any:
            made = PathCollection([path], sizes, offset_transform=pixel, **style)
            made.set_transform(pixel)
            return made

        self.legs = LineCollection([], colors=_FAINT, alpha=0.3, linewidths=0.9, transform=pixel)
        self.tours = LineCollection([], colors=_FAINT, linewidths=1.3, transform=pixel)
        circle = Path.unit_circle()
        self.rings = dots(circle, [], facecolors="none", edgecolors=COLOURS[1], linewidths=1.5)
        self.customers = dots(circle, [], edgecolors="white", linewidths=0.6)
        self.depot = dots(Path.unit_rectangle().transformed(_centred()), [92.0], facecolors=_INK, edgecolors="white")
        self.map_parts = [self.legs, self.tours, self.rings, self.customers, self.depot]
        self.lines = [Line2D([], [], transform=pixel) for _ in range(_MOST_LINES)]
        self.samples = [Line2D([], [], transform=pixel) for _ in range(_MOST_LINES)]
        for order, part in enumerate([*self.map_parts, *self.lines, *self.samples]):
            part.set_zorder(order)
            figure.add_artist(part)

    def place_map(self, drawn: Map) -> None:
        """Place the parts of the map."""
        coordinates = drawn.problem.coordinates
        for part in self.map_parts:
            part.set_visible(coordinates is not None)
        if coordinates is None:
            return
        points = _fitted(coordinates)
        routes = () if drawn.solution is None else drawn.solution.routes
        self.tours.set_segments([points[list(route)] for route in routes])
        self.legs.set_segments([points[[0, end]] for route in routes for end in (route[0], route[-1])])
        demand = drawn.problem.demand
        radius = np.sqrt((14.0 + 60.0 * demand / max(1, int(demand.max()))) / np.pi) * 120 / 72
        self.customers.set_offsets(points[1:])
        self.customers.set_sizes(_areas(radius))
        self.customers.set_facecolor(_colours()[_shades(drawn.values)])
        self.rings.set_offsets(points[1:][drawn.ringed])
        self.rings.set_sizes(_areas(radius[drawn.ringed] + 3.5))
        self.depot.set_offsets(points[:1])

    def place_curve(self, curve: Curve) -> tuple[float, float]:
        """Place the lines of the curve and the samples beside their names; return the vertical limits."""
        left, bottom, right, top = _CURVE
        known = np.concatenate([np.asarray(line.values, np.float64) for line in curve.lines])
        low, high = _limits(known[np.isfinite(known)])
        at = left
        for number in range(_MOST_LINES):
            is_used = number < len(curve.lines)
            drawn, sample = self.lines[number], self.samples[number]
            drawn.set_visible(is_used)
            sample.set_visible(is_used)
            if not is_used:
                continue
            line = curve.lines[number]
            values = np.asarray(line.values, np.float64)
            x = _scaled(curve.first + np.arange(len(values)), curve.first - 0.5, curve.last + 0.5, left, right)
            drawn.set_data(x, _scaled(values, low, high, bottom, top))
            sample.set_data([at, at + _SAMPLE], [_NAMES, _NAMES])
            at += _SAMPLE + _text_width(line.name, _NAME_SIZE) + _GAP + 6
            for part in (drawn, sample):
                part.set(color=line.colour, linewidth=line.width)
                part.set_linestyle((0, (5, 1.5)) if line.is_dashed else "-")
        return low, high

    def pixels(self) -> NDArray[np.uint8]:
        """Return the picture [H, W, 3]."""
        return _rendered(self.figure)


def _write_map(pixels: NDArray[np.uint8], drawn: Map) -> None:
    """Write the title, the note and the scale of colours."""
    left, bottom, right, top = _BAR
    solution, problem = drawn.solution, drawn.problem
    summary = "no routes yet" if solution is None else f"{solution.n_routes} routes, cost {solution.cost:.10g}"
    _write(pixels, f"{problem.name}: {summary}", _MAP[0], _TITLE, 11, width=_CURVE[0] - _MAP[0] - 20)
    middle = ((_MAP[0] + _MAP[2]) // 2, (_MAP[1] + _MAP[3]) // 2)
    if problem.coordinates is None:
        _write(pixels, "only distances are known", *middle, 10, _FAINT, "centre")
        return
    _write(pixels, drawn.note, middle[0], _BELOW, 9, _FAINT, "centre")
    shades = np.linspace(255, 0, top - bottom).round().astype(np.int64)
    height = len(pixels)
    pixels[height - top : height - bottom, left:right] = np.round(255 * _colours()[shades, None, :3])
    low, high = _limits(drawn.values, margin=0.0)
    widest = 0
    for tick in _ticks(low, high):
        y, text = round(float(_scaled(tick, low, high, bottom, top))), f"{tick:.6g}"
        pixels[height - 1 - y, right : right + 5] = _rgb(_INK)
        _write(pixels, text, right + 9, y, 8)
        widest = max(widest, _text_width(text, 8))
    _write(pixels, drawn.label, right + 9 + widest + 14, (bottom + top) // 2, 9, is_upright=True)


def _write_curve(pixels: NDArray[np.uint8], curve: Curve, limits: tuple[float, float]) -> None:
    """Write the title, the names of the lines, and the axes."""
    left, bottom, right, top = _CURVE
    _write(pixels, curve.title, left, _TITLE, 11)
    at = left
    for line in curve.lines:
        _write(pixels, line.name, at + _SAMPLE + 6, _NAMES, _NAME_SIZE)
        at += _SAMPLE + _text_width(line.name, _NAME_SIZE) + _GAP + 6
    floor = len(pixels) - 1 - bottom
    pixels[floor, left:right] = pixels[len(pixels) - top : floor, left] = _rgb(_FAINT)
    for tick in _ticks(curve.first - 0.5, curve.last + 0.5, is_whole=True):
        x = round(float(_scaled(tick, curve.first - 0.5, curve.last + 0.5, left, right)))
        pixels[floor : floor + 5, x] = _rgb(_INK)
        _write(pixels, f"{tick:.6g}", x, bottom - 18, 9, anchor="centre")
    widest = 0
    for tick in _ticks(*limits):
        y, text = round(float(_scaled(tick, *limits, bottom, top))), f"{tick:.6g}"
        pixels[len(pixels) - 1 - y, left - 5 : left] = _rgb(_INK)
        _write(pixels, text, left - 9, y, 9, anchor="right")
        widest = max(widest, _text_width(text, 9))
    _write(pixels, curve.x_label, (left + right) // 2, _BELOW, 10, anchor="centre")
    for number, text in enumerate(reversed(curve.y_label)):
        _write(pixels, text, left - 9 - widest - 14 - 19 * number, (bottom + top) // 2, 10, is_upright=True)


def _write(
    pixels: NDArray[np.uint8],
    text: str,
    x: int,
    y: int,
    size: float,
    colour: str = _INK,
    anchor: Literal["left", "centre", "right"] = "left",
    *,
    is_upright: bool = False,
    width: int | None = None,
) -> None:
    """Write a line of text of a size in points, its middle at height y; cut off what is wider than `width` pixels.

    Upright text reads upwards, its middle at x and y.
    """
    ink = _text_image(text, size)[:, :width]
    shape = ink.shape[::-1] if is_upright else ink.shape
    share = {"left": 0.0, "centre": 0.5, "right": 1.0}["centre" if is_upright else anchor]
    top, start = len(pixels) - 1 - y - shape[0] // 2, x - round(share * shape[1])
    place = pixels[max(top, 0) : max(top, 0) + shape[0], max(start, 0) : max(start, 0) + shape[1]]
    ink = (np.rot90(ink) if is_upright else ink)[: place.shape[0], : place.shape[1], None]
    place[:] = (place * (255 - ink) + _rgb(colour) * ink) // 255


@lru_cache(maxsize=512)
def _text_image(text: str, size: float) -> NDArray[np.uint16]:
    """Return a line of text as ink [h, w] from 0 to 255; h depends on the size only."""
    if not hasattr(_made, "text"):
        figure = new_figure(_INCHES[0], _TEXT_INCHES)
        figure.set_layout_engine("none")
        _made.text = figure.text(0.005, 0.5, "", va="center_baseline", parse_math=False)
    _made.text.set(text=text, fontsize=size)
    ink = 255 - _rendered(_made.text.figure)[:, :, 0].astype(np.uint16)
    filled = np.flatnonzero(ink.any(axis=0))
    return ink[:, filled[0] : filled[-1] + 1] if filled.size else ink[:, :0]


def _text_width(text: str, size: float) -> int:
    return int(_text_image(text, size).shape[1])


def _rendered(figure: Any) -> NDArray[np.uint8]:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[:, :, :3].copy()


def _fitted(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points [n + 1, 2] in pixels of the map's middle, with one scale in both directions."""
    box = np.array(_MAP, np.float64).reshape(2, 2)
    least, most = points.min(axis=0), points.max(axis=0)
    scale = float(((most - least) / (box[1] - box[0])).max())
    return np.asarray((points - (least + most) / 2) / (scale or 1.0) + box.mean(axis=0))


def _scaled(values: Any, low: float, high: float, start: float, end: float) -> NDArray[np.float64]:
    return np.asarray(start + (np.asarray(values) - low) * ((end - start) / (high - low)))


def _limits(values: NDArray[np.floating[Any]], margin: float = 0.05) -> tuple[float, float]:
    """Return limits around values, with a margin as a share of their range; they are never equal."""
    if values.size == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-9 * max(abs(low), abs(high), 1.0):
        around = 0.05 * max(abs(low), abs(high)) or 0.5
        low, high = low - around, high + around
    return low - margin * (high - low), high + margin * (high - low)


def _ticks(low: float, high: float, *, is_whole: bool = False) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(nbins=8, steps=[1, 2, 5, 10], integer=is_whole).tick_values(low, high)
    return [float(tick) for tick in found if low <= tick <= high]


def _shades(values: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return the index of each value's colour."""
    return np.rint(_scaled(values, *_limits(values, margin=0.0), 0, 255)).astype(np.int64)


@lru_cache(maxsize=1)
def _colours() -> NDArray[np.float64]:
    """Return the colours viridis [256, 4]."""
    from matplotlib import colormaps

    return np.asarray(colormaps["viridis"](np.arange(256)))


@lru_cache(maxsize=16)
def _rgb(colour: str) -> NDArray[np.uint16]:
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], np.uint16)


def _areas(radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a collection of unit circles calls the sizes of circles of a radius in pixels."""
    return (radius * 72 / 120) ** 2


def _centred() -> Any:
    from matplotlib.transforms import Affine2D

    return Affine2D().translate(-0.5, -0.5)
