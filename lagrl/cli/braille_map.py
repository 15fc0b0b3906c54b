"""Maps and curves made of characters: lines in braille dots, 2 × 4 in each cell, and curves of block characters."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from rich.segment import Segment
from rich.style import Style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DOTS_WIDE, DOTS_HIGH = 2, 4
"""Dots of one braille cell."""

_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)  # Unicode's order of the dots
_EMPTY = 0x2800  # the braille character without dots
_STYLES = tuple(
    Style(color=f"bright_{name}") for name in ("blue", "yellow", "green", "magenta", "cyan", "red", "black")
)
_DEPOT = "■"
_BLOCKS = "▁▂▃▄▅▆▇█"


def line_dots(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the dots of straight lines, and the number of the line of each dot.

    The dots are those of Bresenham (1965): one for each step along the longer side, at the nearest whole position of
    the other one. All lines are drawn at once.

    Parameters
    ----------
    starts, ends
        [L, 2] dots (column, row) at the ends of the lines.

    Returns
    -------
    dots
        [D, 2] dots (column, row), both ends of each line among them.
    lines
        [D] number of the line of each dot.
    """
    side = ends - starts
    longer = np.abs(side).max(axis=1, initial=0)
    lines = np.repeat(np.arange(len(starts)), longer + 1)
    first = np.cumsum(longer + 1) - (longer + 1)
    step = np.arange(len(lines)) - first[lines]
    length = np.maximum(longer, 1)[lines]
    moved = np.sign(side)[lines] * (
        (2 * step[:, None] * np.abs(side)[lines] + length[:, None]) // (2 * length[:, None])
    )
    return starts[lines] + moved, lines


class BrailleMap:
    """Draws routes of one instance in braille characters.

    North is up, both directions have one scale, and the map is centred.

    Parameters
    ----------
    coordinates
        [1 + n, 2] places of the depot and of customers 1 … n, distance units.
    columns, rows
        Size of the map in characters, 1 or more.
    """

    def __init__(self, coordinates: NDArray[np.float64], columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        room = np.array([columns * DOTS_WIDE, rows * DOTS_HIGH]) - 1
        low, span = coordinates.min(axis=0), np.ptp(coordinates, axis=0)
        scale = min((room[k] / span[k] for k in (0, 1) if span[k] > 0), default=1.0)
        places = (coordinates - low) * scale + (room - span * scale) / 2
        places[:, 1] = room[1] - places[:, 1]
        self.dots = np.clip(np.floor(places + 0.5).astype(np.int64), 0, room)

    def draw(self, routes: Sequence[NDArray[np.int64]]) -> tuple[list[str], NDArray[np.int64]]:
        """Return the characters and, for their colours, the last route in each of them.

        Parameters
        ----------
        routes
            Customers 1 … n in visiting order.

        Returns
        -------
        lines
            The rows of the map, `columns` characters each; the depot is a square.
        route
            [rows, columns] number of the last route drawn in each character; -1 for none.
        """
        bits = np.zeros((self.rows, self.columns), np.uint8)
        route = np.full((self.rows, self.columns), -1, np.int64)
        if len(routes):
            tours = [np.concatenate([[0], tour, [0]]) for tour in routes]
            starts = np.concatenate([tour[:-1] for tour in tours])
            ends = np.concatenate([tour[1:] for tour in tours])
            owner = np.repeat(np.arange(len(tours)), [len(tour) - 1 for tour in tours])
            order = np.argsort((starts > 0) & (ends > 0), kind="stable")  # legs of the depot first: others cover them
            starts, ends, owner = starts[order], ends[order], owner[order]
            dots, lines = line_dots(self.dots[starts], self.dots[ends])
            x, y = dots.T
            np.bitwise_or.at(bits, (y // DOTS_HIGH, x // DOTS_WIDE), _BITS[y % DOTS_HIGH, x % DOTS_WIDE])
            route[y // DOTS_HIGH, x // DOTS_WIDE] = owner[lines]
        characters = (bits.astype(np.uint32) + _EMPTY).view("<U1")
        x, y = self.dots[0]
        characters[y // DOTS_HIGH, x // DOTS_WIDE] = _DEPOT
        route[y // DOTS_HIGH, x // DOTS_WIDE] = -1
        return ["".join(row) for row in characters], route

    def segments(self, routes: Sequence[NDArray[np.int64]]) -> list[list[Segment]]:
        """Return the rows of the map with one colour for each route; colours repeat after seven."""
        rows: list[list[Segment]] = []
        for line, owners in zip(*self.draw(routes), strict=True):
            rows.append([])
            at = 0
            for owner, run in groupby(owners.tolist()):
                end = at + sum(1 for _ in run)
                rows[-1].append(Segment(line[at:end], None if owner < 0 else _STYLES[owner % len(_STYLES)]))
                at = end
        return rows


def sparkline(values: Sequence[float], width: int) -> str:
    """Return a curve of at most `width` block characters: the lowest value is the lowest block.

    Of more values the last of each of `width` equal groups is shown.
    """
    n = len(values)
    shown = [values[(k + 1) * n // width - 1] for k in range(width)] if n > width else list(values)
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    steps = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round(steps * (value - low) / (high - low)) if high > low else 0] for value in shown)
