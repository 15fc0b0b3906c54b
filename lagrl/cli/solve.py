"""The command `lagrl solve`: find routes for one instance."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from lagrl.cli.options import OneInstance, OutFile, Plot, Rate, options
from lagrl.cli.outputs import keep_inputs, keep_reference
from lagrl.cli.progress import announce_journal, counting_bar, explain_resuming, print_resuming, solve_bar
from lagrl.errors import InputError
from lagrl.printable import one_line, say
from lagrl.solve_config import SolveConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lagrl.dual_loop import Step
    from lagrl.problems.cvrp import CVRP
    from lagrl.problems.solution import Solution
    from lagrl.relaxation.sampler import SamplingCost
    from lagrl.search.search_report import SolveProgress
    from lagrl.solver import SolveResult

_TERMINAL_SECONDS = 10.0  # the clock of a solve without a budget on a terminal

Config = Annotated[SolveConfig, options(SolveConfig)]


@dataclass(frozen=True)
class SolveCommand:
    """Options of `lagrl solve`.

    Without a budget the clock is 10 s on a terminal, if text is printed, the method is `search` and the sampler exact;
    else there are 200 evaluations, and the result depends on the seed only. Ctrl-C ends with the best routes so far.
    The printed dual value bounds the assignment surrogate of a linearisation, not the CVRP.
    """

    instance: OneInstance
    config: Config
    journal: OutFile = None
    """file that keeps the sampler's answers, to resume or replay them (default: none; always kept of real devices)"""
    price: Rate = None
    """price of one second of the quantum computer, for the estimated price in the record (default: no price)"""
    out: OutFile = None
    """.sol file to write the routes to (default: none)"""
    watch: bool = False
    """show routes, costs, bounds and speed live on the terminal"""
    plot: Plot = None
    """.svg, .pdf or .png file for the routes beside the best known ones, and their improvement (default: none)"""
    gif: Plot = None
    """.gif file for an animation of the first dual ascent: multipliers and selections (default: none)"""
    mp4: Plot = None
    """.mp4 file for the same animation; needs ffmpeg (default: none)"""
    json: bool = False
    """print one JSON object instead of text"""

    def run(self) -> int:
        """Solve the instance, print the result and write the routes; the exit code is 130 after Ctrl-C."""
        from lagrl.compilation import BOUND_ROOMS, is_ready
        from lagrl.io.atomic import require_writable
        from lagrl.plot.picture_style import require_picture, save_figure
        from lagrl.plot.route_panels import summary
        from lagrl.problems.cvrplib import write_solution
        from lagrl.solver import estimated_price, require_price, solve

        require_price(self.price)
        require_picture(self.plot)
        path = self.instance.path()
        if self.out is not None:
            require_writable(self.out)
            keep_inputs(self.out, path)
            keep_reference(self.out, path)
        problem = self.instance.read()
        animations = self._animations(problem)
        announce_journal(self.journal, self.config.sampler)
        config = self._with_budget()
        # routes come first; several workers compile on their own
        later: tuple[str, ...] = ("search", *BOUND_ROOMS) if config.workers == 1 else ()
        later = tuple(room for room in later if room != "controllers" or not config.uses_bundle)
        if self.watch:
            from lagrl.cli.solve_view import watch_solve

            shown = watch_solve(problem, config.kernel_rooms, later=later, is_quiet=self.json)
        else:
            shown = solve_bar(problem.name, config.kernel_rooms, later=later, is_quiet=self.json)
        steps: list[Step] = []
        with explain_resuming(self.journal, config.sampler), shown as show:
            advance = recording_first_ascent(steps, show) if animations else show
            result = solve(problem, config, advance, journal=self.journal, catch_interrupt=True)
        for rooms, what in ((("search",), "chains of moves"), (BOUND_ROOMS, "route bound")):
            if not all(map(is_ready, rooms)):
                say(f"lagrl: no {what}: the kernels were still being compiled; run again", error=True)
        if result.is_interrupted:
            say(f"lagrl: interrupted after {result.elapsed:.2f} s: the best routes so far", error=True)
            print_resuming(self.journal, config.sampler)
        with contextlib.ExitStack() as outputs:  # each is made even if another one fails
            for file in animations:
                outputs.callback(write_animation, problem, steps, file)
            if self.plot is not None:
                plot = self.plot
                outputs.callback(lambda: save_figure(summary(result, known_routes(path, problem)), plot))
            if self.out is not None:
                outputs.callback(write_solution, result, self.out)
            if self.json:
                print(json.dumps(result.record(self.price), allow_nan=False))
            else:
                print_solution(result, estimated_price(result.sampling, self.price))
                if config != self.config:
                    say(f"budget: {config.seconds:g} s, the default on a terminal; see --seconds and --evaluations")
            sys.stdout.flush()
        return 130 if result.is_interrupted else 0

    def _animations(self, problem: CVRP) -> list[Path]:
        """Return the requested files of the animation; raise an error if it cannot be made."""
        from lagrl.plot.dual_animation import require_animation, require_map

        require_animation(self.gif, "--gif", ".gif")
        require_animation(self.mp4, "--mp4", ".mp4")
        files = {option: file for option, file in (("--gif", self.gif), ("--mp4", self.mp4)) if file is not None}
        for option in files:
            if problem.matrix is None:
                reason = f"{problem.n_customers} customers have no dual loop"
                raise InputError(reason, source=problem.name, field=option, remedy="leave it out")
            if self.config.workers > 1:
                raise InputError(
                    f"given with --workers {self.config.workers}", field=option, remedy="use --workers 1: it shows one"
                )
            require_map(problem)
        return list(files.values())

    def _with_budget(self) -> SolveConfig:
        """Return the configuration, with a clock if it has no budget and a person waits for text.

        Other output keeps the default evaluations, whose result depends on the seed only; so do approximate samplers,
        whose journals are replayed by the number of the evaluation, and the reference's method.
        """
        config = self.config
        has_budget = config.evaluations is not None or config.seconds is not None
        is_plain = config.method == "search" and config.sampler == "exact"
        if has_budget or self.json or not is_plain or not sys.stdout.isatty():
            return config
        return replace(config, seconds=_TERMINAL_SECONDS)


def recording_first_ascent(
    steps: list[Step], show: Callable[[SolveProgress], None] | None
) -> Callable[[SolveProgress], None]:
    """Return a callback of `solve` that adds each evaluation of the first linearisation to `steps` before `show`."""

    def on_evaluation(now: SolveProgress) -> None:
        if now.ascent == 0 and now.step is not None and not (steps and steps[-1] is now.step):
            steps.append(now.step)
        if show is not None:
            show(now)

    return on_evaluation


def write_animation(problem: CVRP, steps: Sequence[Step], file: Path) -> None:
    """Write an ascent as an animation, and show how many frames are drawn; without evaluations one line says so."""
    from lagrl.plot.dual_animation import MOST_FRAMES, animate

    if not steps:
        say(f"lagrl: {file} is not written: no multipliers were evaluated", error=True)
        return
    with counting_bar("frames") as (on_plan, advance):
        on_plan(min(len(steps), MOST_FRAMES), 0)
        animate(problem, steps, file, on_frame=lambda *_: advance(file.name))


def known_routes(instance: Path, problem: CVRP) -> Solution | None:
    """Return the routes of the best known cost from the `.sol` file beside an instance; None without them."""
    from lagrl.problems.cvrplib import read_solution

    beside = instance.with_suffix(".sol")
    if problem.best_known is None or not beside.exists():
        return None
    try:
        return read_solution(beside, problem)
    except InputError:  # of another fleet rule or rounding: reading the instance has warned of it
        return None


def print_solution(result: SolveResult, price: float | None = None) -> None:
    """Print routes, cost, gaps, bounds and the use of quantum computers as text."""
    from rich.console import Console
    from rich.markup import escape as unmarked

    def escape(text: str) -> str:
        return unmarked(one_line(text))

    problem, solution = result.problem, result.solution
    gap = problem.gap_percent(solution.cost)
    by = "" if problem.best_known_by is None else f" (by {escape(problem.best_known_by[:40])})"
    known = f", best known {problem.best_known:.10g}{by}, gap {gap:.2f} %" if gap is not None else ""
    routes, ascents = _counted(solution.n_routes, "route"), _counted(len(result.ascents), "linearisation")
    console = Console(highlight=False, soft_wrap=True)
    for number, route in enumerate(solution.routes, 1):
        load = sum(int(problem.demand[customer - 1]) for customer in route)
        stops = " ".join(map(str, route))
        console.print(f"[dim]Route #{number} ({load}/{problem.capacity}):[/dim] {stops}")
    console.print(f"[bold]{escape(problem.name)}[/bold]: cost {solution.cost:.10g} in {routes}{known}")
    if problem.matrix is None:
        console.print(
            f"{result.elapsed:.2f} s, fleet {problem.fleet}; {problem.n_customers} customers have no distance matrix: "
            "savings and chains of moves alone, no multipliers, local search, set partitioning or lower bound"
        )
    else:
        console.print(
            f"{_counted(result.evaluations, 'evaluation')} of {escape(result.config.controller)}, {ascents} from "
            f"seeds, {result.elapsed:.2f} s, fleet {problem.fleet}, {result.config.method}"
        )
    if result.config.method == "search":
        console.print(f"[dim]{_shares(result)}[/dim]")
    if result.lower_bound is not None and result.gap_to_bound is not None:
        proven = ": no solution costs less" if result.gap_to_bound < 1e-7 else ""
        console.print(f"lower bound {result.lower_bound:.10g}, gap to bound {result.gap_to_bound:.2f} %{proven}")
    if result.sampling.backend not in ("", "exact"):
        console.print(escape(_bill(result.sampling, result.sampling_seconds, price)))
    if result.sampling.fallback:
        console.print(f"[yellow]replaced answers: {escape(result.sampling.fallback)}[/yellow]")
    if result.dual_value is not None:
        console.print(f"[dim]dual value {result.dual_value:.2f} (bounds the assignment surrogate, not the CVRP)[/dim]")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _shares(result: SolveResult) -> str:
    """Return which share of the wall-clock seconds went to each part, and when the routes were found."""
    total = max(result.elapsed * result.config.workers, 1e-9)
    parts = {
        "chains of moves": result.chain_seconds,
        "local search": result.polish_seconds,
        "set partitioning": result.partition_seconds,
        "lower bound": result.bound_seconds,
        "sampler": result.sampling_seconds,
    }
    used = ", ".join(f"{100 * seconds / total:.0f} % {part}" for part, seconds in parts.items() if seconds > 0)
    return f"of the time: {used or 'all in the dual loop'}; best routes after {result.history[-1][1]:.2f} s"


def _bill(cost: SamplingCost, seconds: float, price: float | None) -> str:
    """Return which backend sampled the knapsacks and what it used; zeros are left out."""
    used = [
        f"{number:,} {unit}" if isinstance(number, int) else f"{number:.2f} {unit}"
        for number, unit in (
            (cost.circuits, "circuits"),
            (cost.shots, "shots"),
            (cost.two_qubit_gates, f"two-qubit gates, depth up to {cost.depth}"),
            (cost.jobs, "jobs"),
            (cost.qpu_seconds, "s of a quantum computer"),
            (cost.queue_seconds, "s in the queue"),
            (seconds, "s here"),
        )
        if number
    ]
    if price is not None:
        used.append(f"price {price:g}")
    return f"knapsacks by {cost.backend}: {', '.join(used)}"
