"""lagrl against PyVRP and OR-Tools on paper30, ingredient by ingredient, and up to a thousand customers.

    LAGRL_DATA=DIR python -m benchmarks.solution_quality.run --part curve    --rows docs/rows/solution_quality.jsonl
    LAGRL_DATA=DIR python -m benchmarks.solution_quality.run --part ablation --rows docs/rows/solution_quality.jsonl
    LAGRL_DATA=DIR python -m benchmarks.solution_quality.run --part scaling  --rows docs/rows/solution_quality.jsonl
    LAGRL_DATA=DIR python -m benchmarks.solution_quality.run --part clock    --rows docs/rows/solution_quality.jsonl
    python -m benchmarks.solution_quality.run --part roads --seeds 0 1 --rows docs/rows/solution_quality.jsonl
    python -m benchmarks.solution_quality.run --part show --rows docs/rows/solution_quality.jsonl

One row per instance, method, seconds and seed, made in a fresh process on one thread, one after the other (or on
`--workers` cores at a time, all rows of an instance on the same); run again after an interruption to make the rest. A
search that anneals over its time is run anew for each length; the peers' rules do not look at the time limit, so one
long run has their whole curve.
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
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

from benchmarks.harness import append_rows, one_thread, origin, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import tyro

from benchmarks.solution_quality.peer_solvers import PEERS
from benchmarks.solution_quality.report import show
from lagrl.bench.suites import family, suite
from lagrl.errors import SolutionError
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.generate import generate
from lagrl.problems.locate import data_folder, find_instance
from lagrl.problems.solution import Solution, faults

HORIZONS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
ABLATION_SECONDS = (2.0, 10.0)
ABLATIONS: dict[str, dict[str, Any]] = {
    "without relinearisation": {"without": ("relinearisation",)},
    "without chains": {"without": ("chains",)},
    "without polish": {"without": ("polish",)},
    "without partition": {"without": ("partition",)},
    "without bound": {"without": ("bound",)},
    "without master prices": {"moves": "regret"},
    "without ascent": {"moves": "unpriced"},
    "cluster": {"method": "reference"},
}
SCALING = (
    *("X-n101-k25", "X-n153-k22", "X-n200-k36", "X-n251-k28", "X-n303-k21", "X-n351-k40"),
    *("X-n401-k29", "X-n502-k39", "X-n627-k43", "X-n783-k48", "X-n895-k37", "X-n1001-k43"),
)
SCALING_SECONDS = (10.0, 30.0, 120.0)
CLOCK = (
    *("X-n101-k25", "X-n439-k37", "X-n783-k48", "X-n819-k171", "X-n895-k37"),
    *("X-n936-k151", "X-n979-k58", "X-n1001-k43"),
)
CLOCK_SECONDS = (0.5, 1.0, 2.0, 5.0)
ROADS = {
    f"roads-{n}-{seed}": (n, seed)
    for seed, n in enumerate((241, 323, 400, 405, 455, 500, 510, 600, 601, 701, 900, 1000))
}
"""Customers and seed of generated instances by road, of the sizes of the DIMACS challenge's."""
ROAD_SECONDS = (2.0, 20.0)
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


def tasks(part: str, seeds: tuple[int, ...], longest: float) -> Iterator[Task]:
    """Yield the rows of a part, instance by instance."""
    for name in {"scaling": SCALING, "clock": CLOCK, "roads": tuple(ROADS)}.get(part) or suite("paper30"):
        for seed in seeds:
            if part == "curve":
                yield from (Task(part, name, "lagrl", seconds, seed) for seconds in HORIZONS if seconds <= longest)
                yield Task(part, name, "pyvrp", longest, seed)
                if seed == seeds[0]:
                    yield Task(part, name, "ortools", longest, seed)
            elif part == "ablation":
                for seconds in (seconds for seconds in ABLATION_SECONDS if seconds <= longest):
                    yield from (Task(part, name, method, seconds, seed) for method in ("lagrl", *ABLATIONS))
                    yield Task(part, name, "local search", seconds, seed)
            elif part == "clock":
                for seconds in (seconds for seconds in CLOCK_SECONDS if seconds <= longest):
                    yield from (Task(part, name, method, seconds, seed) for method in ("lagrl", *CLOCK_METHODS))
            elif part == "roads":
                yield from (Task(part, name, "lagrl", seconds, seed) for seconds in ROAD_SECONDS)
                yield Task(part, name, "pyvrp", ROAD_SECONDS[-1], seed)
            else:
                yield from (Task(part, name, "lagrl", seconds, seed) for seconds in SCALING_SECONDS)


def run_lagrl(problem: Any, seconds: float, seed: int, options: dict[str, Any]) -> tuple[Any, Any, dict[str, float]]:
    """Solve with lagrl; give routes, history and how the seconds were spent."""
    from dataclasses import replace

    from lagrl.search.schedule import MOVES, AdaptiveSchedule
    from lagrl.solver import SolveConfig, SolveProgress, solve

    options = dict(options)
    schedule, kind = None, options.pop("moves", None)
    if kind is not None:
        kept = [move for move in MOVES if move.prices == "regret"]
        if kind == "unpriced":  # one evaluation, at the second cheapest costs: repair does all the rest
            kept = [replace(move, budgets=(1,)) for move in kept]
        import numpy as np

        schedule = AdaptiveSchedule(np.random.default_rng(seed), moves=kept)
    config = SolveConfig(seconds=seconds, seed=seed, **options)
    started: list[float] = []  # of the clock: with workers, after they have loaded their kernels

    def note_start(now: SolveProgress) -> None:
        if not started:
            started.append(time.perf_counter() - now.seconds)

    processor = time.process_time()
    result = solve(problem, config, note_start, schedule=schedule)
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


def problem_of(name: str) -> Any:
    """Read an instance of CVRPLIB, or generate one by road."""
    if name not in ROADS:
        return read_instance(find_instance(name, data_folder()))
    n_customers, seed = ROADS[name]
    return generate(n_customers, seed, kind="roads", name=name)


def make_row(task: Task) -> dict[str, Any]:
    """Run one method on one instance."""
    problem = problem_of(task.instance)
    shares: dict[str, float] = {}
    if task.method in PEERS:
        started = time.perf_counter()
        routes, history = PEERS[task.method](problem, task.seconds, task.seed)
    else:
        from lagrl.compilation import compile_kernels

        compile_kernels()
        started = time.perf_counter()
        try:
            options = {**ABLATIONS, **CLOCK_METHODS}.get(task.method, {})
            routes, history, shares = run_lagrl(problem, task.seconds, task.seed, options)
        except SolutionError:  # none that meet the fleet rule: a row like any other
            routes, history = [], []
    wall = time.perf_counter() - started
    solution = Solution.of(problem, routes)
    wrong = [fault for fault in faults(problem, solution.routes) if "fleet rule" not in fault]
    assert not wrong or not routes, wrong
    return {
        "key": task.key,
        **asdict(task),
        "family": "roads" if task.instance in ROADS else family(task.instance),
        "n_customers": problem.n_customers,
        "best_known": problem.best_known,
        "cost": solution.cost if routes else None,
        "n_routes": solution.n_routes,
        "keeps_fleet": problem.fleet.allows(solution.n_routes),
        "history": [[round(when, 4), cost] for when, cost in history],
        "wall": round(wall, 4),
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        **{name: round(value, 4) for name, value in shares.items() if name != "seconds"},
        **origin("pyvrp", "ortools"),
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


def main(
    rows: Path,
    part: Literal["curve", "ablation", "scaling", "clock", "roads", "show"] = "show",
    seeds: tuple[int, ...] = (0,),
    longest: float = 60.0,
    workers: int = 1,
) -> None:
    """Make the rows of a part that are missing, or print all tables.

    Parameters
    ----------
    rows
        JSONL file, appended to.
    part
        What to run.
    seeds
        Seeds of lagrl, PyVRP and the local search.
    longest
        Longest run of the curve and the ablation, seconds.
    workers
        Rows made at a time, each on a core of its own; more than one shares the memory's bandwidth.
    """
    if part == "show":
        print(show(read_rows_if_any(rows)))
        return
    done = {row["key"] for row in read_rows_if_any(rows)}
    due = [task for task in tasks(part, seeds, longest) if task.key not in done]
    names = list(dict.fromkeys(task.instance for task in due))
    with ExitStack() as at_the_end:
        cores = [at_the_end.enter_context(on_core(core)) for core in sorted(os.sched_getaffinity(0))[:workers]]
        futures = [cores[names.index(task.instance) % len(cores)].submit(make_row, task) for task in due]
        for number, future in enumerate(as_completed(futures), 1):
            row = future.result()
            append_rows(rows, [row])
            print(
                f"{number}/{len(due)} {row['instance']} {row['method']} {row['seconds']:g} s: {reached(row)}",
                flush=True,
            )


if __name__ == "__main__":
    tyro.cli(main)
