"""Routes, seconds and memory on generated instances of 3000 to 30,000 customers, beside PyVRP and HGS-CVRP.

    python -m benchmarks.large_instances.run --instance 10000-R --solver lagrl --rows docs/rows/large_instances.jsonl
    python -m benchmarks.large_instances.run --show --rows docs/rows/large_instances.jsonl

One row per call, in a process of its own on one thread. Seconds are of the process (time.process_time), so that rows
from a shared machine compare; HGS-CVRP counts these too. The clock starts when the instance, and for PyVRP its distance
matrix, is in memory. HGS-CVRP (`pip install hygese`) does not report its first routes.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.harness import append_rows, one_thread, origin, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy and numba are loaded
    time.perf_counter = time.process_time

import numpy as np
import tyro

from benchmarks.solution_quality.peer_solvers import run_pyvrp
from lagrl.compilation import compile_kernels
from lagrl.problems.generate import generate
from lagrl.problems.solution import Solution, faults
from lagrl.solver import solve

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP

    Found = tuple[Any, list[tuple[float, float]]]

INSTANCES: dict[str, tuple[int, Literal["R", "C"], int]] = {
    f"{n}-{kind}": (n, kind, seed) for n in (3000, 10_000, 30_000) for seed, kind in enumerate(("R", "C"))
}
"""Customers, where they are (anywhere, or clustered) and the seed that draws all other characteristics."""


@dataclass(frozen=True)
class Options:
    """What to run, and where its row goes."""

    rows: Path
    """file of the rows"""
    instance: str = "10000-R"
    """customers, and R (anywhere) or C (clustered)"""
    solver: Literal["lagrl", "pyvrp", "hgs"] = "lagrl"
    """what makes routes"""
    seconds: float = 60.0
    """seconds of the process"""
    seed: int = 0
    """random seed of the solver"""
    show: bool = False
    """print the table of the rows instead"""


def run_lagrl(problem: CVRP, seconds: float, seed: int) -> Found:
    """Solve with lagrl's defaults."""
    compile_kernels()
    result = solve(problem, seconds=seconds, seed=seed)
    return result.routes, [(when, cost) for _, when, cost in result.history]


def run_pyvrp_on_matrix(problem: CVRP, seconds: float, seed: int) -> Found:
    """Solve with PyVRP, which needs the distance matrix."""
    nodes = np.arange(problem.n_customers + 1)
    given = SimpleNamespace(
        distance=problem.between(nodes[:, None], nodes),
        coordinates=problem.coordinates,
        demand=problem.demand,
        capacity=problem.capacity,
        n_customers=problem.n_customers,
        maximum_vehicles=problem.maximum_vehicles,
    )
    stand_in: Any = given
    return run_pyvrp(stand_in, seconds, seed)


def run_hgs(problem: CVRP, seconds: float, seed: int) -> Found:
    """Solve with HGS-CVRP (Vidal 2022), which makes its matrix from the coordinates."""
    import hygese

    assert problem.coordinates is not None
    x, y = problem.coordinates.T
    data = {
        "x_coordinates": x.copy(),
        "y_coordinates": y.copy(),
        "demands": np.concatenate([[0], problem.demand]),
        "vehicle_capacity": problem.capacity,
        "service_times": np.zeros(len(x)),
        "depot": 0,
    }
    parameters = hygese.AlgorithmParameters(timeLimit=seconds, nbIter=10**9, seed=seed)
    result = hygese.Solver(parameters=parameters, verbose=False).solve_cvrp(data, rounding=True)
    return result.routes, [(result.time, result.cost)]


SOLVERS = {"lagrl": run_lagrl, "pyvrp": run_pyvrp_on_matrix, "hgs": run_hgs}


def make_row(options: Options) -> dict[str, Any]:
    """Run one solver on one instance."""
    n_customers, kind, seed = INSTANCES[options.instance]
    problem = generate(n_customers, seed, customers=kind, name=options.instance)
    started = time.process_time()
    routes, history = SOLVERS[options.solver](problem, options.seconds, options.seed)
    solution = Solution.of(problem, routes)
    wrong = faults(problem, solution.routes) if routes else []
    assert not wrong, wrong[:3]
    return {
        "instance": options.instance,
        "n_customers": n_customers,
        "comment": problem.comment,
        "solver": options.solver,
        "seconds": options.seconds,
        "seed": options.seed,
        "cost": solution.cost if routes else None,
        "n_routes": solution.n_routes,
        "processor": round(time.process_time() - started, 2),
        "history": [[round(when, 3), cost] for when, cost in history],
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        **origin("pyvrp", "hygese"),
    }


def show(rows: list[dict[str, Any]]) -> None:
    """Print one line per instance and solver."""
    print("| instance | solver | first routes | at | cost | of lagrl's | memory |\n|---|---|--:|--:|--:|--:|--:|")
    ours = {(row["instance"], row["seconds"]): row["cost"] for row in rows if row["solver"] == "lagrl"}
    for row in sorted(rows, key=lambda row: (row["n_customers"], row["instance"], row["cost"] or np.inf)):
        first = f"{row['history'][0][0]:.1f} s" if row["history"] and row["solver"] != "hgs" else "–"
        own = ours.get((row["instance"], row["seconds"]))
        ratio = f"{100 * (row['cost'] / own - 1):+.2f} %" if own and row["cost"] else "–"
        cost = "none" if row["cost"] is None else f"{row['cost']:,.0f}"
        print(
            f"| {row['instance']} | {row['solver']} | {first} | {row['seconds']:g} s | {cost} | {ratio} | "
            f"{row['megabytes'] / 1024:.2f} GiB |"
        )


def main() -> None:
    """Make one row, or print the table."""
    options = tyro.cli(Options, description=__doc__)
    if options.show:
        show(read_rows_if_any(options.rows))
    else:
        append_rows(options.rows, [make_row(options)])


if __name__ == "__main__":
    main()
