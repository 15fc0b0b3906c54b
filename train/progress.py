"""Progress of a run: a bar or a live view on a terminal, one plain line per step elsewhere."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from lagrl.printable import one_line
from train.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import TextIO

    from train.training_view import TrainingView

LINE_SECONDS = 5.0
"""Seconds between two lines about the same step, where there is no terminal."""

_FIRST_ESTIMATE = 3.0  # seconds of work from which the first estimate is made


class Progress:
    """Shows the steps of a run on stderr; a context manager.

    Parameters
    ----------
    title
        Name of the run.
    total
        Steps of the whole run.
    done
        Steps before the start (of a resumed run).
    unit
        Name of a step.
    plan, guesses
        Work of the rest of the run and first guesses of its pace, see `Pace`.
    earlier
        Figures of the steps before the start, whose curves the live view continues.
    watch
        Whether to show a live view with curves instead of the bar. Where none can be shown, one line says so.
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
        plan: Mapping[str, float] | None = None,
        guesses: Mapping[str, float] | None = None,
        earlier: Sequence[Mapping[str, float | None]] = (),
        watch: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.title, self.total, self.done, self.unit = title, total, done, unit
        self._stream = stream if stream is not None else sys.stderr
        self._clock = clock
        self._pace = None if plan is None else Pace(plan, guesses, clock)
        self._known: float | None = None  # time of the first estimate
        self._is_announced = False
        self._last_line = -math.inf
        self._console = Console(file=self._stream)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar: Bar | None = None
        self._view: TrainingView | None = None
        if watch:
            self._view = self._opened_view(earlier)
        if self._view is None and self._console.is_terminal:
            self._bar = Bar(*columns, TextColumn("{task.fields[left]}  {task.fields[shown]}"), console=self._console)
            self._task = self._bar.add_task(title, total=total, completed=done, left="", shown="")

    def __enter__(self) -> Self:
        if self._pace is not None:
            self._pace.pause()
        if self._bar is not None:
            self._bar.start()
        if self._view is not None:
            self._view.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._view is not None:
            self._view.live.__exit__(kind, error, trace)

    def _opened_view(self, earlier: Sequence[Mapping[str, float | None]]) -> TrainingView | None:
        """Return the live view; None after a line that says why there can be none."""
        from lagrl.cli.live_frame import obstacle
        from train.training_view import TrainingView

        reason = obstacle(self._console)
        if reason is not None:
            self._line(f"no live view, as {reason}; the training goes on without it")
            return None
        view = TrainingView(self.title, self.unit, self.total, self._console, self._clock, earlier)
        view.done = self.done
        return view

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds to the end; None while it is not known."""
        return None if self._pace is None else self._pace.seconds_left

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Add completed steps, and show some figures."""
        self.done += steps
        self._announce(at_once=True)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        left = self._left()
        if self._view is not None:
            self._view.add(figures)
            self._view.done, self._view.left = self.done, left
            self._view.show()
        elif self._bar is not None:
            self._bar.update(self._task, completed=self.done, left=left, shown=shown)
        else:
            self._line(", ".join(part for part in (f"{self.unit} {self.done}/{self.total}", shown, left) if part))

    def report(self, kind: str, pieces: float, text: str) -> None:
        """Show what the current step does: beside the bar, or as a line at most every `LINE_SECONDS`; see `Report`."""
        if self._pace is not None:
            self._pace.add(kind, pieces)
        self._announce()
        if self._view is not None:
            self._view.count(kind, pieces)
            self._view.left, self._view.text = self._left(), text
            self._view.show()
        elif self._bar is not None:
            self._bar.update(self._task, left=self._left(), shown=text)
        elif self._clock() - self._last_line >= LINE_SECONDS:
            self._line(", ".join(part for part in (text, self._left()) if part))

    def compare(self, figure: str, other: str, value: float) -> None:
        """Show in a live view what a figure is compared with: the name and the value of another policy, say."""
        if self._view is not None:
            self._view.references[figure] = other, value

    def _announce(self, *, at_once: bool = False) -> None:
        """Show the first estimate once, after a few seconds of work of every kind."""
        if self._is_announced or (seconds := self.seconds_left) is None:
            return
        if self._known is None:
            self._known = self._clock()
        if at_once or self._clock() - self._known >= _FIRST_ESTIMATE:
            self._is_announced = True
            self.note(f"about {readable(seconds)} to the end of the run, estimated from its first steps")

    def _left(self) -> str:
        return "" if self.seconds_left is None else f"about {readable(self.seconds_left)} left"

    def note(self, text: str) -> None:
        """Show one line of text."""
        self._line(text)

    def _line(self, text: str) -> None:
        line = one_line(f"{self.title}: {text}")
        self._last_line = self._clock()
        if self._bar is not None or self._view is not None:
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
