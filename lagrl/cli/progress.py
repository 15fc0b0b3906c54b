"""What a running command prints on stderr: progress bars on a terminal, and where an interrupted run can be resumed."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING

from lagrl.printable import one_line, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rich.progress import Progress, ProgressColumn

    from lagrl.bench.schema import Row
    from lagrl.bounds.bound import LowerBound
    from lagrl.problems.cvrp import CVRP
    from lagrl.search.search_report import SolveProgress

COMPILING = "compiling kernels, once after installing, for less than a minute"
"""What a command says while its kernels are compiled."""

_PATIENCE = 1.0  # seconds before a bar without a known end is shown


@contextlib.contextmanager
def solve_bar(
    name: str, rooms: Sequence[str], *, later: Sequence[str] = (), is_quiet: bool
) -> Iterator[Callable[[SolveProgress], None] | None]:
    """Show cost, gap and bound of a solve, and how much of its budget is spent.

    Yields the callback of `solve`, or None if no bar is shown: stderr is no terminal, or `is_quiet`. `rooms` are those
    whose kernels it needs, `later` those that it may get later, see `lagrl.compilation.compile_kernels`.
    """
    with _working_bar(name, rooms, later=later, is_quiet=is_quiet) as show:
        yield None if show is None else lambda now: show(now.share, _state(now.cost, now.gap, now.lower_bound))


@contextlib.contextmanager
def bound_bar(name: str, seconds: float, *, is_quiet: bool) -> Iterator[Callable[[CVRP, LowerBound], None]]:
    """Show a bound and its gap while it rises, and how many of its seconds are spent; yields what shows one."""
    from lagrl.compilation import BOUND_ROOMS

    with _working_bar(name, BOUND_ROOMS, is_quiet=is_quiet) as show:

        def on_progress(problem: CVRP, bound: LowerBound) -> None:
            if show is not None:
                gap = problem.gap_percent(bound.value)
                below = None if gap is None else -gap
                show(bound.seconds / seconds, _state(None, below, bound.value))

        yield on_progress


def _state(cost: float | None, gap: float | None, bound: float | None) -> str:
    parts = (("cost", cost, ".10g"), ("bound", bound, ".10g"), ("gap", gap, ".2f"))
    known = [f"{name} {value:{digits}}" for name, value, digits in parts if value is not None]
    return ", ".join(known) + (" %" if gap is not None else "")


@contextlib.contextmanager
def _working_bar(
    name: str, rooms: Sequence[str], *, later: Sequence[str] = (), is_quiet: bool
) -> Iterator[Callable[[float, str], None] | None]:
    """Show a bar from 0 to 1 with a text, after the kernels are loaded; yields None if none is shown."""
    from lagrl.compilation import compile_kernels

    if is_quiet or not sys.stderr.isatty():
        compile_kernels(
            *rooms, later=later, on_start=lambda: None if is_quiet else say(f"lagrl: {COMPILING}", error=True)
        )
        yield None
        return
    from rich.progress import TextColumn

    with _progress(TextColumn("{task.fields[state]}")) as progress:
        bar = progress.add_task("loading kernels", total=None, state="")
        compile_kernels(*rooms, later=later, on_start=lambda: progress.update(bar, description=COMPILING))
        progress.reset(bar, total=1.0, description=_plain(name))
        yield lambda share, state: progress.update(bar, completed=share, state=state)


@contextlib.contextmanager
def row_bar() -> Iterator[tuple[Callable[[int, int], None], Callable[[Row], None]]]:
    """Show how many rows are finished; yields the two callbacks of `lagrl.bench.run.run`."""
    with counting_bar("rows") as (on_plan, advance):
        yield on_plan, lambda row: advance(f"{row['instance']} {row['controller']} {row['budget']}")


@contextlib.contextmanager
def counting_bar(what: str) -> Iterator[tuple[Callable[[int, int], None], Callable[[str], None]]]:
    """Show how many parts of the work are finished; yields `on_plan(total, finished)` and `advance(name)`.

    The bar is shown once `on_plan` is called, so that a mistake found before it is a line of its own.
    """
    from rich.progress import MofNCompleteColumn

    progress = _progress(MofNCompleteColumn())
    bar = progress.add_task(what, total=None)
    with contextlib.ExitStack() as at_the_end:

        def on_plan(total: int, done: int) -> None:
            progress.reset(bar, total=total, completed=done)
            at_the_end.enter_context(progress)

        yield on_plan, lambda name: progress.update(bar, advance=1, description=_plain(name))


@contextlib.contextmanager
def waiting_bar(what: str) -> Iterator[Callable[[str], None]]:
    """Show that work without a known end goes on, and for how long; yields a function that changes the text.

    Nothing is shown during the first second. Print nothing inside.
    """
    progress = _progress()
    bar = progress.add_task(_plain(what), total=None)
    timer = threading.Timer(_PATIENCE, progress.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda text: progress.update(bar, description=_plain(text))
    finally:
        timer.cancel()
        timer.join()  # else it could start the bar after its end
        if progress.live.is_started:
            progress.stop()


def _plain(name: str) -> str:
    """Return a name that rich shows as it is."""
    from rich.markup import escape

    return escape(one_line(name, 100))


def _progress(*state: ProgressColumn) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), *state)
    clocks = (TimeElapsedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    console.quiet = not console.is_terminal  # rich before 15 prints an empty line there
    return Progress(*columns, *clocks, console=console, transient=True, disable=not console.is_terminal)


def announce_journal(journal: Path | None, *samplers: str) -> None:
    """Print where paid answers are kept if the user named no file."""
    from lagrl.samplers.registry import default_journal

    for sampler in dict.fromkeys(samplers):
        kept = default_journal(sampler)
        if journal is None and kept is not None:
            say(f"lagrl: {sampler}: answers are kept in {kept}; run again to resume from it", error=True)


@contextlib.contextmanager
def explain_resuming(kept: Path | None, sampler: str = "exact") -> Iterator[None]:
    """Print after Ctrl-C which file keeps the finished work, if any."""
    try:
        yield
    except KeyboardInterrupt:
        print_resuming(kept, sampler)
        raise


def print_resuming(kept: Path | None, sampler: str) -> None:
    """Print from which file the same command resumes, if any: the file given, or the sampler's own journal."""
    from lagrl.samplers.registry import default_journal

    kept = kept or default_journal(sampler)
    if kept is not None:
        say(f"lagrl: run the same command again to resume from {kept}", error=True)
