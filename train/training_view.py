"""The live view of a training with `--watch`: steps, speed, and the curves of its figures."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

from rich.segment import Segment

from lagrl.cli.braille_map import sparkline
from lagrl.cli.live_frame import BOLD, DIM, Frame, LiveFrame, bar_line, figure_lines, heading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from lagrl.cli.live_frame import Line

_WIDTH = 44  # columns of the figures above the curves
_NAME, _VALUE, _LONGEST = 20, 10, 40  # columns of a curve's name and value, and most of the curve
_WINDOW = 5.0  # seconds over which the speed is measured
_UNITS = {
    "validation": "instances",
    "collection": "states",
    "epoch": "states",
    "rollout": "steps",
    "update": "updates",
    "critic update": "updates",
}


class TrainingView:
    """Shows a training run live on a terminal.

    Parameters
    ----------
    title, unit, total
        Name of the run, name of its steps, and their number in the whole run.
    console
        The terminal.
    clock
        Returns the time in seconds.
    earlier
        Figures of the steps of an earlier part of the run.

    Attributes
    ----------
    done
        Completed steps.
    left, text
        Remaining time and current work, for the user.
    figures
        Values of each figure so far, by its name.
    references
        Figure to the name and value that it is compared with.
    """

    def __init__(
        self,
        title: str,
        unit: str,
        total: int,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
        earlier: Sequence[Mapping[str, float | None]] = (),
    ) -> None:
        self.title, self.unit, self.total = title, unit, total
        self.done, self.left, self.text = 0, "", ""
        self.figures: dict[str, list[float]] = {}
        self.references: dict[str, tuple[str, float]] = {}
        self.live = LiveFrame(console)
        self._clock = clock
        self._earlier = earlier
        self._started = clock()
        self._kind = ""
        self._pieces: deque[tuple[float, float]] = deque()  # seconds and pieces of the present kind

    def count(self, kind: str, pieces: float) -> None:
        """Count pieces of work for the speed; another kind starts again."""
        now = self._clock()
        if kind != self._kind:
            self._kind = kind
            self._pieces.clear()
        self._pieces.append((now, pieces))
        while self._pieces[0][0] < now - _WINDOW and len(self._pieces) > 2:
            self._pieces.popleft()

    def add(self, figures: dict[str, float]) -> None:
        """Add a step's figures to the curves."""
        for name, value in figures.items():
            if name not in self.figures:
                self.figures[name] = [old for row in self._earlier if (old := row.get(name)) is not None]
            self.figures[name].append(value)

    def show(self, *, at_once: bool = False) -> None:
        """Show the present state if a frame is due, or `at_once`."""
        self.live.show(self.frame, at_once=at_once)

    def frame(self, columns: int, rows: int) -> Frame:
        """Return the frame of a size in characters."""
        width = min(columns - 1, _WIDTH)
        state = (("now", self.text), ("seconds", f"{self._clock() - self._started:.0f}"), ("to the end", self.left))
        lines = [
            heading(f"{self.title}: {self.unit} {self.done}/{self.total}", width),
            bar_line(self.done / max(self.total, 1), width),
            *figure_lines((*state, *self._speed()), width),
        ]
        for name, values in self.figures.items():
            lines += self._curve(name, [value for value in values if math.isfinite(value)], columns - 1)
        return Frame(lines[:rows])

    def _speed(self) -> list[tuple[str, str]]:
        """Return name and value of the speed of the present work; nothing before there are two counts."""
        if len(self._pieces) < 2 or self._pieces[-1][0] <= self._pieces[0][0]:
            return []
        seconds = self._pieces[-1][0] - self._pieces[0][0]
        pieces = sum(number for _, number in list(self._pieces)[1:])
        return [(f"{_UNITS.get(self._kind, 'steps')}/s ({self._kind})", f"{pieces / seconds:.4g}")]

    def _curve(self, name: str, values: list[float], width: int) -> list[Line]:
        """Return the line of a figure, and one below with what it is compared with; nothing without values."""
        if not values:
            return []
        drawn = sparkline(values, min(max(width - _NAME - _VALUE - 2, 1), _LONGEST))
        lines = [[Segment(f"{name:<{_NAME}}", DIM), Segment(f"{values[-1]:>{_VALUE}.4g}  ", BOLD), Segment(drawn)]]
        if name in self.references:
            other, value = self.references[name]
            lines.append([Segment(f"{'  of ' + other:<{_NAME}.{_NAME}}{value:>{_VALUE}.4g}", DIM)])
        return lines
