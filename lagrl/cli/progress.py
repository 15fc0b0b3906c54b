"""What a running command prints on stderr: progress bars on a terminal, and where an interrupted run can be resumed."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.progress import Progress

    from lagrl.bench.schema import Row


@contextlib.contextmanager
def evaluation_bar(name: str, evaluations: int | None, *, is_quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """Show the evaluations of a solve; yields the callback of `solve`, or None where no bar is shown.

    Parameters
    ----------
    name
        Name of the work.
    evaluations
        Budget of evaluations; None shows a bar without an end.
    is_quiet
        Whether to show no bar.
    """
    if is_quiet or not sys.stderr.isatty():
        yield None
        return
    from lagrl.compilation import compile_kernels

    with _progress() as progress:
        bar = progress.add_task("loading kernels (compiled on first use)", total=None)
        compile_kernels()
        progress.reset(bar, total=evaluations, description=name)
        yield lambda spent: progress.update(bar, completed=spent)


@contextlib.contextmanager
def row_bar() -> Iterator[tuple[Callable[[int, int], None], Callable[[Row], None]]]:
    """Show how many rows are finished; yields the two callbacks of `lagrl.bench.run.run`."""
    with counting_bar("rows") as (on_plan, advance):
        yield on_plan, lambda row: advance(f"{row['instance']} {row['controller']} {row['budget']}")


@contextlib.contextmanager
def counting_bar(what: str) -> Iterator[tuple[Callable[[int, int], None], Callable[[str], None]]]:
    """Show how many parts of the work are finished; yields `on_plan(total, finished)` and `advance(name)`."""
    with _progress() as progress:
        bar = progress.add_task(what, total=None)

        def on_plan(total: int, done: int) -> None:
            progress.reset(bar, total=total, completed=done)

        yield on_plan, lambda name: progress.update(bar, advance=1, description=name)


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    clocks = (TimeElapsedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, *clocks, console=console, transient=True, disable=not console.is_terminal)


def announce_journal(journal: Path | None, *samplers: str) -> None:
    """Print where paid answers are kept if the user named no file; the device is connected first."""
    from lagrl.samplers.registry import default_journal, make_sampler

    for sampler in dict.fromkeys(samplers):
        kept = default_journal(sampler)
        if journal is None and kept is not None:
            make_sampler(sampler)  # one connection for all of this process
            print(f"lagrl: {sampler}: answers are kept in {kept}; run again to resume from it", file=sys.stderr)


@contextlib.contextmanager
def explain_resuming(kept: Path | None, sampler: str = "exact") -> Iterator[None]:
    """Print after Ctrl-C which file keeps the finished work, if any."""
    from lagrl.samplers.registry import default_journal

    try:
        yield
    except KeyboardInterrupt:
        kept = kept or default_journal(sampler)
        if kept is not None:
            print(f"lagrl: run the same command again to resume from {kept}", file=sys.stderr)
        raise
