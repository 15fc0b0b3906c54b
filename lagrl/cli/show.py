"""What a person sees while something runs, and of its result."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.progress import Progress

    from lagrl.bench.schema import Row
    from lagrl.quantum.ibm.device_table import DeviceRow
    from lagrl.quantum.journal.journal import JournalSummary
    from lagrl.relaxation.sampler import SamplingCost
    from lagrl.solver import SolveResult


@contextlib.contextmanager
def solving(name: str, evaluations: int | None, *, is_quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """Show a progress bar on stderr, if a person looks; give the callback that `solve` wants.

    Parameters
    ----------
    name
        What to call the work.
    evaluations
        The budget; None shows a bar without an end.
    is_quiet
        Whether to show nothing.
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
def counting_rows() -> Iterator[tuple[Callable[[int, int], None], Callable[[Row], None]]]:
    """Show how many rows are made and how long the rest will take; give the two callbacks that `run` wants."""
    with counting("rows") as (on_plan, advance):
        yield on_plan, lambda row: advance(f"{row['instance']} {row['controller']} {row['budget']}")


@contextlib.contextmanager
def counting(what: str) -> Iterator[tuple[Callable[[int, int], None], Callable[[str], None]]]:
    """Show how many pieces of work are done; give what takes their number and those done, and the name of each one."""
    with _progress() as progress:
        bar = progress.add_task(what, total=None)

        def on_plan(total: int, done: int) -> None:
            progress.reset(bar, total=total, completed=done)

        yield on_plan, lambda name: progress.update(bar, advance=1, description=name)


def print_solution(result: SolveResult, price: float | None = None) -> None:
    """Print routes, cost and where they stand, and what quantum computers were used for, for a person."""
    from rich.console import Console
    from rich.markup import escape

    problem, solution = result.problem, result.solution
    gap = problem.gap_percent(solution.cost)
    known = f", best known {problem.best_known:.10g}, gap {gap:.2f} %" if gap is not None else ""
    routes, ascents = _counted(solution.n_routes, "route"), _counted(len(result.ascents), "linearisation")
    console = Console(highlight=False, soft_wrap=True)
    for number, route in enumerate(solution.routes, 1):
        load = sum(int(problem.demand[customer - 1]) for customer in route)
        stops = " ".join(map(str, route))
        console.print(f"[dim]Route #{number} ({load}/{problem.capacity}):[/dim] {stops}")
    console.print(f"[bold]{escape(problem.name)}[/bold]: cost {solution.cost:.10g} in {routes}{known}")
    console.print(
        f"{_counted(result.evaluations, 'evaluation')} of {escape(result.config.controller)}, {ascents} from seeds, "
        f"{result.seconds:.2f} s, fleet {problem.fleet}, {result.config.method}"
    )
    if result.config.method == "search":
        console.print(f"[dim]{_shares(result)}[/dim]")
    if result.lower_bound is not None and result.gap_to_bound is not None:
        proven = ": no solution costs less" if result.gap_to_bound < 1e-7 else ""
        console.print(f"lower bound {result.lower_bound:.10g}, gap to bound {result.gap_to_bound:.2f} %{proven}")
    if result.sampling.backend not in ("", "exact"):
        console.print(escape(_bill(result.sampling, result.sampling_seconds, price)))
    if result.sampling.fallback:
        console.print(f"[yellow]answered by other means: {escape(result.sampling.fallback)}[/yellow]")
    if result.dual_value is not None:
        console.print(f"[dim]dual value {result.dual_value:.2f} (bounds the assignment surrogate, not the CVRP)[/dim]")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _shares(result: SolveResult) -> str:
    """Say how the seconds were spent."""
    total = max(result.seconds * result.config.workers, 1e-9)
    parts = {
        "local search": result.polish_seconds,
        "set partitioning": result.partition_seconds,
        "lower bound": result.bound_seconds,
    }
    said = ", ".join(f"{100 * seconds / total:.0f} % {part}" for part, seconds in parts.items() if seconds > 0)
    return f"of the time: {said or 'all in the dual loop'}; best routes after {result.history[-1][1]:.2f} s"


def _bill(cost: SamplingCost, seconds: float, price: float | None) -> str:
    """Say what answered the knapsacks and what that took; what is 0 is left out."""
    said = [
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
        said.append(f"price {price:g}")
    return f"knapsacks by {cost.backend}: {', '.join(said)}"


def print_journal(summary: JournalSummary, price: float | None) -> None:
    """Print what a journal holds, for a person."""
    steps = sum(summary.runs.values())
    print(f"{summary.path}: {summary.calls} calls of {', '.join(summary.samplers) or 'no sampler'}")
    print(f"runs: {len(summary.runs)}, steps: {steps}, circuits: {summary.sampling.circuits}")
    paid, cost = summary.paid, "" if price is None else f", price {price:g}"
    print(f"jobs: {summary.jobs}, failed: {summary.failed}, pending: {len(summary.pending)}")
    print(f"executed: {paid.circuits} circuits, {paid.shots} shots, {paid.qpu_seconds:g} s of a quantum computer{cost}")
    for job in summary.pending:
        why = f": {job.problem}" if job.problem else ""
        print(f"pending: {job.state} {job.job or f'tag {job.tag}'} of run {job.run}, step {job.step}{why}")


def print_devices(rows: Sequence[DeviceRow]) -> None:
    """Print a table of devices for a person, then their notes; – stands for what nobody tells."""
    widths = list(dict.fromkeys(width for row in rows for width in row.fidelity))
    title = ["device", "qubits", "gate", "2q error", "readout", "T1 us", "T2 us"]
    lines = [[*title, *(f"F({width})" for width in widths), "queue", "operational"]]
    for row in rows:
        lines.append(
            [
                *(row.name, str(row.qubits), row.gate or "–"),
                *(_told(row.two_qubit_error, ".2e"), _told(row.readout_error, ".2e")),
                *(_told(time and 1e6 * time, ".0f") for time in (row.t1, row.t2)),
                *(_told(row.fidelity.get(width), ".3f") for width in widths),
                "–" if row.pending_jobs is None else str(row.pending_jobs),
                "–" if row.is_operational is None else ("yes" if row.is_operational else "no"),
            ]
        )
    size = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        name, *rest = (
            cell.ljust(n) if not i else cell.rjust(n) for i, (cell, n) in enumerate(zip(line, size, strict=True))
        )
        print("  ".join([name, *rest]))
    for row in rows:
        if row.note:
            print(f"note: {row.note if row.name in row.note else f'{row.name}: {row.note}'}")


def _told(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


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
