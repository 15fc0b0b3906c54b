"""Demonstration: the bundled instances under several controllers, as a table and a picture."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from lagrl.compilation import compile_kernels
from lagrl.controllers.registry import controller_factory
from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import require_writable
from lagrl.plot.picture_style import new_figure, save_figure, styled
from lagrl.plot.pictures import dual, history, routes
from lagrl.printable import one_line
from lagrl.problems.bundled import bundled_names, read_bundled
from lagrl.solver import SolveConfig, solve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure
    from rich.progress import TaskID

    from lagrl.solver import SolveProgress, SolveResult

CONTROLLERS = ("constant", "hwc", "cfm", "volume", "perturbed")
_PICTURE = "demo.png"
_SIZE = (13.5, 4.6)  # inches


@dataclass(frozen=True)
class DemoResult:
    """Results of a demonstration.

    Attributes
    ----------
    picture
        PNG file.
    pictured
        Name of the instance in the picture.
    results
        By instance, the smallest first, then by controller.
    compile_seconds
        Seconds to compile or load the kernels, contained in no other number.
    """

    picture: Path
    pictured: str
    results: dict[str, dict[str, SolveResult]]
    compile_seconds: float

    def gap_percent(self, instance: str, controller: str) -> float:
        """Return the gap of a result to the best known cost, %."""
        result = self.results[instance][controller]
        gap = result.problem.gap_percent(result.solution.cost)
        assert gap is not None  # every bundled instance ships with its best known solution
        return gap

    def mean_gap_percent(self, controller: str) -> float:
        """Return the mean gap of a controller over the instances, %."""
        return fmean(self.gap_percent(instance, controller) for instance in self.results)

    def mean_seconds(self, controller: str) -> float:
        """Return the mean classical seconds of a controller over the instances."""
        return fmean(by_controller[controller].seconds for by_controller in self.results.values())


def demo(
    folder: Path,
    *,
    controllers: Sequence[str] = CONTROLLERS,
    evaluations: int = 200,
    seed: int = 0,
    progress: bool = True,
) -> DemoResult:
    """Solve the bundled instances, print the table and draw the picture.

    Every solve is that of `lagrl solve` with this budget: nothing is left out.

    Parameters
    ----------
    folder
        Folder of the picture, created if it is missing.
    controllers
        Names of controllers.
    evaluations
        Budget per instance and controller.
    seed
        Random seed of every solve.
    progress
        Whether to show progress bars on stderr, if it is a terminal.

    Raises
    ------
    UnknownNameError, InputError, BudgetError
        If a controller, the budget or the seed cannot be used.
    MissingExtraError
        If matplotlib is not installed.
    OutputError
        If the folder cannot be made or written to.
    """
    if not controllers:
        raise InputError("nothing given", field="controllers", remedy="give at least one")
    chosen = tuple(dict.fromkeys(controllers))
    for controller in chosen:
        controller_factory(controller)
    settings = SolveConfig(evaluations=evaluations, seed=seed)
    configs = {name: replace(settings, controller=name) for name in chosen}
    new_figure(*_SIZE)  # a missing package is an error before the work
    picture = _prepare(folder)
    started = time.perf_counter()
    compile_kernels(*settings.kernel_rooms)
    compile_seconds = time.perf_counter() - started

    results = _solve_all(configs, evaluations, progress)
    pictured = list(results)[(len(results) - 1) // 2]
    save_figure(_drawn(results[pictured]), picture)
    result = DemoResult(picture, pictured, results, compile_seconds)
    _print(result, chosen, evaluations)
    return result


@styled
def _drawn(results: dict[str, SolveResult]) -> Figure:
    """Draw the best routes, the ascents and the improvement of the solves of one instance."""
    best = min(results.values(), key=lambda result: result.solution.cost)
    figure = new_figure(*_SIZE)
    axes = figure.subplots(1, 3, width_ratios=(1.1, 1, 1))
    routes(best.problem, best, axes[0])
    gap = "" if best.gap is None else f", {best.gap:.2f} % gap"
    axes[0].set_title(f"{best.problem.name}: {best.solution.n_routes} routes{gap}")  # the longer title does not fit
    dual({name: solved.ascents[0] for name, solved in results.items()}, axes[1])
    history(results, axes[2])
    return figure


def _prepare(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{folder}: folder cannot be made ({reason}); choose another folder") from error
    require_writable(folder / _PICTURE)
    return folder / _PICTURE


def _solve_all(configs: dict[str, SolveConfig], evaluations: int, progress: bool) -> dict[str, dict[str, SolveResult]]:
    """Solve instance by instance, one bar per controller."""
    problems = [read_bundled(name) for name in bundled_names()]
    results: dict[str, dict[str, SolveResult]] = {problem.name: {} for problem in problems}
    console = Console(stderr=True)
    console.quiet = not console.is_terminal  # rich before 15 prints an empty line there
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not (progress and console.is_terminal)) as bars:
        total = len(problems) * evaluations
        bar = {name: bars.add_task(escape(one_line(name)), total=total, start=False) for name in configs}
        for index, problem in enumerate(problems):
            for name, config in configs.items():
                done, task = index * evaluations, bar[name]
                bars.start_task(task)
                bars.update(task, description=escape(f"{one_line(name):<10} {problem.name}"))
                advance = partial(_advance, bars, task, done)
                results[problem.name][name] = solve(problem, config, advance)
                bars.update(task, completed=done + evaluations)
    return results


def _advance(bars: Progress, task: TaskID, done: int, now: SolveProgress) -> None:
    bars.update(task, completed=done + now.evaluations)


def _print(result: DemoResult, controllers: Sequence[str], evaluations: int) -> None:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0, header_style="bold")
    table.add_column("instance", no_wrap=True)
    for heading in ("n", "K", "best\nknown"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name in controllers:
        table.add_column(Text(f"{one_line(name)}\ngap%    s"), justify="right", overflow="fold")
    for instance, by_controller in result.results.items():
        problem = next(iter(by_controller.values())).problem
        table.add_row(
            *(instance, str(problem.n_customers), str(problem.minimum_vehicles), f"{problem.best_known:.10g}"),
            *(f"{result.gap_percent(instance, name):.2f} {by_controller[name].seconds:4.2f}" for name in controllers),
        )
    table.add_section()
    means = (f"{result.mean_gap_percent(name):.2f} {result.mean_seconds(name):4.2f}" for name in controllers)
    table.add_row("mean", "", "", "", *means)
    console = Console(soft_wrap=True)
    console.print(table)
    lines = [
        f"gap%: route cost above the best known, after {evaluations} evaluations under one seed;",
        "      longer solves reach smaller gaps: lagrl solve NAME --seconds 10. Whether controllers differ takes many",
        "      instances and seeds: lagrl eval, then lagrl report.",
        f"s:    seconds per solve; the {result.compile_seconds:.1f} s to compile or load the kernels are not in it.",
        f"Routes, dual ascent and improvement on {result.pictured}: {one_line(str(result.picture))}",
    ]
    console.print(Text("\n".join(lines)))
