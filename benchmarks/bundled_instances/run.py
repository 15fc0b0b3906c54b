"""Make the instances that ship with lagrl, and improve their reference solutions with PyVRP.

python -m benchmarks.bundled_instances.run            # about eight minutes on one core
python -m benchmarks.bundled_instances.run --seconds-scale 10

The instances depend on nothing but the seeds below. A reference solution is only ever replaced by a cheaper one, so
running this again, for longer or on a faster machine, can but improve the shipped costs.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import lagrl.problems
from lagrl.errors import InputError, LagrlError, MissingExtraError, SolutionError
from lagrl.problems.cvrplib import read_instance, read_solution, write_instance, write_solution
from lagrl.problems.generate import XTypeParams, generate_x_type
from lagrl.problems.solution import Solution, faults

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP

FOLDER = Path(lagrl.problems.__file__).parent / "data" / "bundled"


@dataclass(frozen=True)
class Recipe:
    """One bundled instance: its characteristics, its seed, and the seconds of PyVRP that it is worth."""

    params: XTypeParams
    seed: int
    seconds: float

    def make(self) -> CVRP:
        """Generate the instance; always the same."""
        return generate_x_type(self.params, np.random.default_rng(self.seed))


RECIPES = (
    Recipe(XTypeParams(15, "C", "R", "1-10", route_length=5.5), seed=15, seconds=30),
    Recipe(XTypeParams(30, "E", "C", "U", route_length=7.0, n_seeds=3), seed=30, seconds=30),
    Recipe(XTypeParams(50, "R", "RC", "Q", route_length=9.0, n_seeds=4), seed=50, seconds=60),
    Recipe(XTypeParams(80, "C", "C", "50-100", route_length=5.3, n_seeds=6), seed=80, seconds=90),
    Recipe(XTypeParams(120, "E", "RC", "SL", route_length=14.0, n_seeds=8), seed=120, seconds=120),
    Recipe(XTypeParams(200, "R", "R", "1-100", route_length=11.0), seed=200, seconds=180),
)


def main(seconds_scale: float = 1.0, seeds: tuple[int, ...] = (1, 2, 3), folder: Path = FOLDER) -> None:
    """Write every instance, and every reference solution that is new or cheaper than the one there.

    Parameters
    ----------
    seconds_scale
        Multiplies each instance's seconds.
    seeds
        PyVRP's seeds; they share an instance's seconds equally, and the cheapest result counts.
    folder
        Where the files go.
    """
    if not 0 < seconds_scale < float("inf"):
        raise InputError(f"{seconds_scale} is not positive", field="--seconds-scale", remedy="give a positive number")
    if not seeds:
        raise InputError("no seed given", field="--seeds", remedy="give at least one whole number")
    folder.mkdir(parents=True, exist_ok=True)
    for recipe in RECIPES:
        problem = recipe.make()
        seconds = recipe.seconds * seconds_scale / len(seeds)
        found = min((route_with_pyvrp(problem, seconds, seed) for seed in seeds), key=lambda solution: solution.cost)
        kept = keep_cheaper(folder, problem, found)
        print(f"{problem.name}: found {found.cost:g}, kept {kept.cost:g} with {kept.n_routes} routes", flush=True)


def route_with_pyvrp(problem: CVRP, seconds: float, seed: int) -> Solution:
    """Return the best solution of one PyVRP run under a free fleet."""
    try:
        from pyvrp import Model
        from pyvrp.stop import MaxRuntime
    except ImportError as error:
        raise MissingExtraError.of("pyvrp", "bench", "making reference solutions") from error
    model = Model()
    assert problem.coordinates is not None
    nodes = [model.add_location(float(x), float(y)) for x, y in problem.coordinates]
    depot = model.add_depot(nodes[0])
    for node, demand in zip(nodes[1:], problem.demand, strict=True):
        model.add_client(node, delivery=int(demand))
    model.add_vehicle_type(problem.n_customers, problem.capacity, start_depot=depot, end_depot=depot)
    for i, start in enumerate(nodes):
        for j, end in enumerate(nodes):
            model.add_edge(start, end, distance=int(problem.distance[i, j]))
    result = model.solve(MaxRuntime(seconds), seed=seed, collect_stats=False, display=False)
    if not result.is_feasible():
        raise SolutionError(
            f"PyVRP found nothing feasible in {seconds:g} s", source=problem.name, remedy="raise --seconds-scale"
        )
    routes = [[stop.idx + 1 for stop in route if stop.is_client()] for route in result.best.routes()]
    return Solution.of(problem, routes)


def keep_cheaper(folder: Path, problem: CVRP, found: Solution) -> Solution:
    """Leave `problem` and the cheaper of `found` and the solution already there in `folder`; return that one.

    Raises
    ------
    SolutionError
        If `found` does not solve `problem`.
    """
    wrong = faults(problem, found.routes, found.cost)
    if wrong:
        raise SolutionError(wrong[0], source=problem.name, remedy="PyVRP was given another problem; mend the model")
    there = _solution_there(folder, problem)
    if there is not None and there.cost <= found.cost:
        return there
    write_instance(problem, folder / f"{problem.name}.vrp")
    write_solution(found, folder / f"{problem.name}.sol")
    return found


def _solution_there(folder: Path, problem: CVRP) -> Solution | None:
    """Read the shipped solution if it belongs to this very instance and solves it."""
    instance, routes = folder / f"{problem.name}.vrp", folder / f"{problem.name}.sol"
    if not instance.exists() or not routes.exists():
        return None
    shipped = read_instance(instance)
    same = shipped.capacity == problem.capacity and np.array_equal(shipped.demand, problem.demand)
    if not same or not np.array_equal(shipped.distance, problem.distance):
        return None
    solution = read_solution(routes, shipped)
    return None if faults(problem, solution.routes) else Solution.of(problem, solution.routes)


if __name__ == "__main__":
    import tyro

    try:
        tyro.cli(main)
    except LagrlError as error:
        sys.exit(f"make_bundled: {error}")
