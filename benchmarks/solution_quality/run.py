"""lagrl against other solvers at equal seconds, ingredient by ingredient, and up to a thousand customers.

    LAGRL_DATA=DIR python -m benchmarks.solution_quality.run --part curve    --rows docs/rows/solution_quality.jsonl
    LAGRL_DATA=DIR python -m benchmarks.solution_quality.run --part ablation --rows docs/rows/search_ablation.jsonl
    LAGRL_DATA=DIR python -m benchmarks.solution_quality.run --part scaling  --rows docs/rows/solution_quality.jsonl
    LAGRL_DATA=DIR python -m benchmarks.solution_quality.run --part clock    --rows docs/rows/solution_quality.jsonl
    python -m benchmarks.solution_quality.run --part roads --seeds 0 1 --rows docs/rows/solution_quality.jsonl
    LAGRL_DATA=DIR python -m benchmarks.solution_quality.run --part peers --sets paper30 X X-type roads uniform \\
        --seeds 0 1 2 --rows docs/rows/peers.jsonl
    python -m benchmarks.solution_quality.run --part show --rows docs/rows/solution_quality.jsonl

The part `peers` runs every solver of `peers.PEERS` that is installed; the page's rows were made with

    pip install ortools==9.15.6755 hygese==0.1.0 vrp-cli==1.22.1

One row per instance, method, seconds and seed, made in a fresh process on one thread, one after the other (or on
`--workers` cores at a time, all rows of an instance on the same); run again after an interruption to make the rest. A
search that looks at its time limit is run anew for each length; one long run has the whole curve of the others. Costs
are computed from the routes; routes that are no solution have none.
"""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from math import inf
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from benchmarks.harness import append_rows, one_thread, origin, read_rows_if_any, set_constants

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import tyro

from benchmarks.solution_quality.peers import PEERS
from benchmarks.solution_quality.processor_clock import LIBRARY, make_library
from benchmarks.solution_quality.report import show
from benchmarks.solution_quality.sets import ROADS, X_TYPE, Set, family, instances, problem_of
from lagrl.bench.suites import suite
from lagrl.errors import InputError, SolutionError
from lagrl.paper.peer_answer import Answer
from lagrl.problems.solution import Solution, faults

HORIZONS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
SECONDS = {
    "curve": HORIZONS,
    "ablation": (2.0, 20.0),
    "scaling": (10.0, 30.0, 120.0),
    "clock": (0.5, 1.0, 2.0, 5.0),
    "roads": (2.0, 20.0),
    "peers": HORIZONS,
}
ABLATIONS: dict[str, dict[str, Any]] = {
    "without relinearisation": {"without": ("relinearisation",)},
    "without chains": {"without": ("chains",)},
    "without priced moves in chains": {"constants": {"move_chain._PRICED": 0.0}},
    "without restarts of chains": {"constants": {"chaining._MOVES_PER_CUSTOMER": inf}},
    "without polish": {"without": ("polish",)},
    "without partition": {"without": ("partition",)},
    "without bound": {"without": ("bound",)},
}
SCALING = (
    *("X-n101-k25", "X-n153-k22", "X-n200-k36", "X-n251-k28", "X-n303-k21", "X-n351-k40"),
    *("X-n401-k29", "X-n502-k39", "X-n627-k43", "X-n783-k48", "X-n895-k37", "X-n1001-k43"),
)
CLOCK = (
    *("X-n101-k25", "X-n439-k37", "X-n783-k48", "X-n819-k171", "X-n895-k37"),
    *("X-n936-k151", "X-n979-k58", "X-n1001-k43"),
)
PEER_METHODS = ("lagrl", "pyvrp", "hgs", "ortools", "vrp-cli")
CLOCK_METHODS: dict[str, dict[str, Any]] = {"without bound": ABLATIONS["without bound"], "two workers": {"workers": 2}}


@dataclass(frozen=True)
class Task:
    """One row to be made."""

    part: str
    instance: str
    method: str
    seconds: float
    seed: int

    @property
    def key(self) -> str:
        """What identifies it."""
        return json.dumps(list(asdict(self).values()))


def peer_tasks(
    names: tuple[str, ...], methods: tuple[str, ...], seeds: tuple[int, ...], times: tuple[float, ...]
) -> Iterator[Task]:
    """Yield the rows of the part `peers`, instance by instance; a solver without seeds runs with the first."""
    for name in names:
        for seed in seeds:
            for method in methods:
                peer = PEERS.get(method)
                if peer is not None and not peer.seeded and seed != seeds[0]:
                    continue
                wanted = tuple(times)
                if peer is not None and peer.lengths == "longest":
                    wanted = (max(times),)
                elif peer is not None and peer.lengths == "whole":
                    wanted = tuple(seconds for seconds in times if seconds == int(seconds))
                yield from (Task("peers", name, method, seconds, seed) for seconds in wanted)


def _instances_of(part: str) -> tuple[str, ...]:
    """Return the instances of a part; of the reference instances an ablation has every third."""
    if part == "ablation":
        return (*suite("paper30")[::3], *X_TYPE)
    return {"scaling": SCALING, "clock": CLOCK, "roads": ROADS}.get(part) or suite("paper30")


def tasks(part: str, seeds: tuple[int, ...], times: tuple[float, ...]) -> Iterator[Task]:
    """Yield the rows of a part other than `peers`, instance by instance; the curve of the others is of one long run."""
    for name in _instances_of(part):
        for seed in seeds:
            if part == "curve":
                yield from (Task(part, name, "lagrl", seconds, seed) for seconds in times)
                yield Task(part, name, "pyvrp", max(times), seed)
                if seed == seeds[0]:
                    yield Task(part, name, "ortools", max(times), seed)
            elif part == "roads":
                yield from (Task(part, name, "lagrl", seconds, seed) for seconds in times)
                yield Task(part, name, "pyvrp", max(times), seed)
            else:
                methods = ("lagrl", *{"ablation": ABLATIONS, "clock": CLOCK_METHODS}.get(part, ()))
                for seconds in times:
                    yield from (Task(part, name, method, seconds, seed) for method in methods)


def run_lagrl(problem: Any, seconds: float, seed: int, options: dict[str, Any]) -> tuple[Any, Any, dict[str, float]]:
    """Solve with lagrl; give routes, history and how the seconds were spent."""
    from lagrl.solver import SolveConfig, SolveProgress, solve

    options = dict(options)
    set_constants(options.pop("constants", {}))
    config = SolveConfig(seconds=seconds, seed=seed, **options)
    started: list[float] = []  # of the clock: with workers, after they have loaded their kernels

    def note_start(now: SolveProgress) -> None:
        if not started:
            started.append(time.perf_counter() - now.seconds)

    processor = time.process_time()
    result = solve(problem, config, note_start)
    shares = {
        "overrun": time.perf_counter() - started[0] - seconds,
        "processor": time.process_time() - processor,
        "seconds": result.seconds,
        "chains": result.chain_seconds,
        "polish": result.polish_seconds,
        "partition": result.partition_seconds,
        "bound": result.bound_seconds,
        "evaluations": result.evaluations,
        "lower_bound": result.lower_bound or 0.0,
    }
    return result.solution.routes, [(when, cost) for _, when, cost in result.history], shares


def answer_of(task: Task, problem: Any) -> tuple[Answer, dict[str, float]]:
    """Run one method on one instance; for lagrl also how the seconds were spent."""
    if task.method in PEERS:
        return PEERS[task.method].run(problem, task.seconds, task.seed), {}
    try:
        options = {**ABLATIONS, **CLOCK_METHODS}.get(task.method, {})
        routes, history, shares = run_lagrl(problem, task.seconds, task.seed, options)
    except SolutionError:  # none that meet the fleet rule: a row like any other
        return Answer([], []), {}
    return Answer([list(route) for route in routes], history), shares


def fault_of(problem: Any, answer: Answer) -> str | None:
    """Return why an answer is no solution, the fleet rule left out; None if it is one."""
    if not answer.routes:
        return "no routes"
    found = [fault for fault in faults(problem, answer.routes) if "fleet rule" not in fault]
    if found:
        return found[0]
    cost, reported = Solution.of(problem, answer.routes).cost, answer.history[-1][1] if answer.history else None
    if reported is None or abs(reported - cost) > 1e-4 * cost:
        return f"reported cost {reported}, but the routes cost {cost}"
    return None


def make_row(task: Task) -> dict[str, Any]:
    """Run one method on one instance."""
    problem = problem_of(task.instance)
    if task.method not in PEERS:
        from lagrl.compilation import compile_kernels

        compile_kernels()
    started, processor = time.perf_counter(), time.process_time()
    answer, shares = answer_of(task, problem)
    wall, processor = time.perf_counter() - started, time.process_time() - processor
    return row_of(task, problem, answer) | {
        "wall": round(wall, 4),
        "processor": round(processor, 4),
        "clock": "processor" if LIBRARY in os.environ.get("LD_PRELOAD", "") else "wall",
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        **{name: round(value, 4) for name, value in shares.items() if name != "seconds"},
        **origin(*{peer.package for peer in PEERS.values()}),
    }


def row_of(task: Task, problem: Any, answer: Answer) -> dict[str, Any]:
    """Return what a row says of an answer; one that is no solution has neither cost nor history."""
    fault = fault_of(problem, answer)
    solution = Solution.of(problem, answer.routes if fault is None else [])
    history = [] if fault else [*answer.history[:-1], (answer.history[-1][0], solution.cost)]
    return {
        "key": task.key,
        **asdict(task),
        "family": family(task.instance),
        "n_customers": problem.n_customers,
        "best_known": problem.best_known,
        "cost": None if fault else solution.cost,
        "fault": fault,
        "n_routes": solution.n_routes,
        "keeps_fleet": problem.fleet.allows(solution.n_routes),
        "history": [[round(when, 4), cost] for when, cost in history],
    }


def on_core(core: int) -> ProcessPoolExecutor:
    """Return what makes one row at a time, each in a fresh process, all of them on one core."""
    return ProcessPoolExecutor(
        1, get_context("spawn"), initializer=os.sched_setaffinity, initargs=(0, {core}), max_tasks_per_child=1
    )


def reached(row: dict[str, Any]) -> str:
    """Return a row's gap, or its cost where no best known cost is known."""
    if row["cost"] is None:
        return "none"
    return f"{100 * (row['cost'] / row['best_known'] - 1):.2f} %" if row["best_known"] else f"{row['cost']:.10g}"


def require_installed(methods: tuple[str, ...]) -> None:
    """Refuse methods that are unknown or whose package is missing.

    Raises
    ------
    InputError
        If there is one.
    """
    for method in methods:
        if method != "lagrl" and method not in PEERS:
            raise InputError(f"{method!r} is not known", field="methods", remedy=f"known: lagrl, {', '.join(PEERS)}")
        if method in PEERS and not PEERS[method].is_installed:
            remedy = f"pip install {PEERS[method].package}, or leave it out of --methods"
            raise InputError(f"{method} is not installed", field="methods", remedy=remedy)


def chosen(wanted: list[Task], methods: tuple[str, ...], only: tuple[str, ...]) -> list[Task]:
    """Return the rows of some methods and some instances; none given means all.

    Raises
    ------
    InputError
        If there is no row of one of them.
    """
    for field, names in (("method", methods), ("instance", only)):
        known = dict.fromkeys(getattr(task, field) for task in wanted)
        for name in names:
            if name not in known:
                raise InputError(f"{name!r} has no rows here", field=field, remedy=f"known: {', '.join(known)}")
    return [
        task
        for task in wanted
        if task.method in (methods or (task.method,)) and task.instance in (only or (task.instance,))
    ]


def main(
    rows: Path,
    part: Literal["curve", "ablation", "scaling", "clock", "roads", "peers", "show"] = "show",
    seeds: tuple[int, ...] = (0,),
    longest: float = inf,
    workers: int = 1,
    sets: tuple[Set, ...] = ("paper30",),
    times: tuple[float, ...] = (),
    methods: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
    clock: Literal["wall", "processor"] = "wall",
) -> None:
    """Make the rows of a part that are missing, or print all tables.

    Parameters
    ----------
    rows
        JSONL file, appended to.
    part
        What to run.
    seeds
        Seeds of the solvers that take one.
    longest
        Longest run, seconds.
    workers
        Rows made at a time, each on a core of its own; more than one shares the memory's bandwidth.
    sets
        Sets of instances of the part `peers`.
    times
        Seconds of the runs (default: those of the part, see `SECONDS`).
    methods
        Solvers, or variants of the search (default: all of the part).
    only
        Instances to run (default: all of the part).
    clock
        Whose seconds a run gets: `processor` for a machine whose cores are shared, with rows in a file of its own.
    """
    if part == "show":
        print(show(read_rows_if_any(rows)))
        return
    done = {row["key"] for row in read_rows_if_any(rows)}
    seconds = tuple(limit for limit in times or SECONDS[part] if limit <= longest)
    if part == "peers":
        solvers = methods or PEER_METHODS
        require_installed(solvers)
        names = tuple(dict.fromkeys(name for kind in sets for name in instances(kind)))
        wanted = list(peer_tasks(names, solvers, seeds, seconds))
    else:
        wanted = list(tasks(part, seeds, seconds))
    wanted = chosen(wanted, methods, only)
    due = [task for task in wanted if task.key not in done]
    order = list(dict.fromkeys(task.instance for task in due))
    with ExitStack() as at_the_end:
        if clock == "processor":
            os.environ["LD_PRELOAD"] = str(make_library(Path(at_the_end.enter_context(TemporaryDirectory()))))
            at_the_end.callback(os.environ.pop, "LD_PRELOAD")
        cores = [at_the_end.enter_context(on_core(core)) for core in sorted(os.sched_getaffinity(0))[:workers]]
        futures = [cores[order.index(task.instance) % len(cores)].submit(make_row, task) for task in due]
        for number, future in enumerate(as_completed(futures), 1):
            row = future.result()
            append_rows(rows, [row])
            print(
                f"{number}/{len(due)} {row['instance']} {row['method']} {row['seconds']:g} s: {reached(row)}",
                flush=True,
            )


if __name__ == "__main__":
    tyro.cli(main)
