"""A live view on a terminal: frames of text, redrawn in place at a limited rate and cost."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.segment import Segment
from rich.style import Style

from lagrl.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from rich.console import ConsoleOptions, RenderResult

BOLD, DIM = Style(bold=True), Style(dim=True)
MOST_COLUMNS, MOST_ROWS = 132, 43
"""Greatest size of a frame: a larger one is slow to draw and not clearer."""

_FRAMES_PER_SECOND = 8.0
_SHARE = 0.02  # of the time that frames may take
_MOST_DELAY = 3.0  # wall-clock seconds of a frame for one of the processor, at most
_BAR = "━"

Line = list[Segment]


class Frame:
    """Lines of styled characters, which rich prints as they are; lines that do not fit are cropped."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines for rich."""
        for line in self.lines:
            yield from Segment.adjust_line_length(line, options.max_width, pad=False)
            yield Segment.line()


class LiveFrame:
    """Shows frames on stderr, at most eight a second; a context manager. The last frame stays on the screen.

    Frames are made in the thread of the work. If one takes long, the next waits for longer, so that together they take
    about 2 % of the time.

    Parameters
    ----------
    console
        Where frames are shown; stderr if None.
    clock
        Returns the time in seconds.

    Attributes
    ----------
    n_frames, seconds
        Frames so far, and the seconds of the processor that they took.
    """

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = Console(stderr=True, highlight=False) if console is None else console
        self.n_frames, self.seconds = 0, 0.0
        self._clock = clock
        self._due = -float("inf")
        self._size = self.console.size
        self._latest: Callable[[int, int], Frame] | None = None
        self._live = Live(
            console=self.console, auto_refresh=False, vertical_overflow="crop", redirect_stdout=sys.stdout.isatty()
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._latest is not None:  # what happened since the frame before
                self._draw(self._latest)
        finally:
            self._live.stop()

    def show(self, make: Callable[[int, int], Frame], *, at_once: bool = False) -> bool:
        """Show the frame that `make(columns, rows)` returns if one is due, or `at_once`; return whether it was."""
        self._latest = make
        if not at_once and self._clock() < self._due:
            return False
        self._draw(make)
        return True

    def _draw(self, make: Callable[[int, int], Frame]) -> None:
        before, started = time.thread_time(), self._clock()
        size = self.console.size
        if size != self._size:  # another width breaks the lines of the frame before
            self.console.clear()
            self._size = size
        self._live.update(make(min(size.width, MOST_COLUMNS), min(size.height - 1, MOST_ROWS)), refresh=True)
        worked, now = time.thread_time() - before, self._clock()
        self.n_frames += 1
        self.seconds += worked
        took = min(now - started, _MOST_DELAY * worked)  # a frame that another process held up says little of the next
        self._due = now + max(1.0 / _FRAMES_PER_SECOND, took / _SHARE)


def obstacle(console: Console | None = None) -> str | None:
    """Return why stderr can show no live view; None if it can."""
    console = Console(stderr=True) if console is None else console
    if not console.is_terminal or (console.stderr and not sys.stderr.isatty()):
        return "stderr is no terminal"
    if console.is_dumb_terminal:
        return f"the terminal cannot move its cursor (TERM={os.environ.get('TERM', '')})"
    if not console.encoding.startswith("utf"):
        return f"the terminal's encoding is {console.encoding}, which has no braille characters"
    return None


def figure_lines(figures: Sequence[tuple[str, str]], width: int) -> Iterator[Line]:
    """Yield one line for each name and value that is not empty: names on the left, values on the right of `width`."""
    for name, value in figures:
        if value:
            room = max(width - len(name), len(value) + 1)
            yield [Segment(name, DIM), Segment(value.rjust(room))]


def bar_line(share: float, width: int) -> Line:
    """Return a bar of `width` characters that is filled up to a share, 0 to 1, with that share in percent."""
    label = f"{100 * share:4.0f} %"
    room = max(width - len(label), 0)
    full = round(room * min(max(share, 0.0), 1.0))
    return [Segment(_BAR * full, BOLD), Segment(_BAR * (room - full), DIM), Segment(label)]


def heading(text: str, width: int) -> Line:
    """Return a line in bold, shortened to `width` characters."""
    return [Segment(one_line(text, max(width, 1)), BOLD)]


def beside(left: Sequence[Line], right: Sequence[Line], width: int, gap: int = 2) -> list[Line]:
    """Return two blocks of lines side by side; those on the left are cropped or filled to `width` characters."""
    height = max(len(left), len(right))
    padded = [Segment.adjust_line_length(line, width) for line in [*left, *([[]] * (height - len(left)))]]
    others = [*right, *([[]] * (height - len(right)))]
    return [[*line, Segment(" " * gap), *other] for line, other in zip(padded, others, strict=True)]
