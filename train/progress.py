"""Progress of a run: a bar with the remaining time on a terminal, one plain line per step elsewhere."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from lagrl.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TextIO

LINE_SECONDS = 5.0
"""Seconds between two lines about the same step, where there is no terminal."""


class Progress:
    """Shows the steps of a run on stderr; a context manager.

    Parameters
    ----------
    title
        Name of the run.
    total
        Steps of the whole run.
    done
        Steps before the start (of a resumed run); they do not enter the estimate of the remaining time.
    unit
        Name of a step.
    stream
        Output stream; stderr if None.
    clock
        Returns the time in seconds.
    """

    def __init__(
        self,
        title: str,
        total: int,
        *,
        done: int = 0,
        unit: str = "epoch",
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.title, self.total, self.done, self.unit = title, total, done, unit
        self._stream = stream if stream is not None else sys.stderr
        self._clock = clock
        self._first = done
        self._started = clock()
        self._last_line = -math.inf
        self._console = Console(file=self._stream)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar: Bar | None = None
        if self._console.is_terminal:
            self._bar = Bar(*columns, TextColumn("{task.fields[left]}  {task.fields[shown]}"), console=self._console)
            self._task = self._bar.add_task(title, total=total, completed=done, left="", shown="")

    def __enter__(self) -> Self:
        self._started = self._clock()
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds to the end, from the steps of this process; None before its first step."""
        steps = self.done - self._first
        return (self._clock() - self._started) / steps * (self.total - self.done) if steps else None

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Add completed steps, and show some figures."""
        self.done += steps
        shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        left = "" if self.seconds_left is None else f"{readable(self.seconds_left)} left"
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, left=left, shown=shown)
        else:
            self._line(", ".join(part for part in (f"{self.unit} {self.done}/{self.total}", shown, left) if part))

    def report(self, text: str) -> None:
        """Show what the current step does: beside the bar, or as a line at most every `LINE_SECONDS`."""
        if self._bar is not None:
            self._bar.update(self._task, shown=text)
        elif self._clock() - self._last_line >= LINE_SECONDS:
            self._line(text)

    def note(self, text: str) -> None:
        """Show one line of text."""
        self._line(text)

    def _line(self, text: str) -> None:
        line = one_line(f"{self.title}: {text}")
        self._last_line = self._clock()
        if self._bar is not None:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=self._stream, flush=True)


def readable(seconds: float) -> str:
    """Return a duration in a readable unit: 45 s, 12 min, 3.4 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
