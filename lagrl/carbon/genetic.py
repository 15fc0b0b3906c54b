"""A genetic algorithm, the heuristic that publications on placement compare with."""

from __future__ import annotations

import contextlib
import random
import time
from typing import TYPE_CHECKING

import numpy as np

from lagrl.carbon.controls import solve_cleanest
from lagrl.carbon.result import PlacementResult
from lagrl.errors import InputError, InstanceError, MissingExtraError

if TYPE_CHECKING:
    from lagrl.problems.carbon.placement_problem import PlacementProblem


def solve_genetic(
    problem: PlacementProblem, *, population: int = 100, generations: int = 200, seconds: float = np.inf, seed: int = 0
) -> PlacementResult:
    """Evolve placements by DEAP (Fortin et al. 2012): tournaments of three, two-point crossover, random resets.

    A gene is the device of a layer in an hour. Violated limits cost more than any placement. The cleanest device of
    each hour is in the first generation.

    Parameters
    ----------
    problem
        The placement problem.
    population, generations
        Individuals, and generations after the first.
    seconds
        Wall-clock limit.
    seed
        Random seed.

    Raises
    ------
    InputError
        If a number is below 2 or 0.
    InstanceError
        If no individual meets the limits.
    MissingExtraError
        Without deap.
    """
    try:
        from deap import base, creator, tools
    except ImportError as error:
        raise MissingExtraError.of("deap", "carbon", "the genetic algorithm") from error
    if population < 2 or generations < 0:
        given = f"{population}, {generations} given"
        raise InputError(given, field="population, generations", remedy="give 2 and 0 or more")
    problem.require_feasible()
    started = time.perf_counter()
    hours, layers, devices = problem.running_g.shape
    n = hours * layers
    largest = float(problem.running_g.max(axis=2).sum() + problem.transfer_g.sum() + problem.switching_g.sum())

    def cost(genes: list[int]) -> tuple[float]:
        placement = np.array(genes, np.int64).reshape(hours, layers)
        over = np.maximum(problem.memory_gb(placement) / problem.device_gb - 1, 0).sum()
        if np.isfinite(problem.limit_ms):
            over += np.maximum(problem.time_ms(placement) / problem.limit_ms - 1, 0).sum()
        return (problem.emissions(placement) + (largest * (1 + over) if over > 1e-12 else 0.0),)

    if not hasattr(creator, "LagrlPlacement"):
        creator.create("LagrlFitness", base.Fitness, weights=(-1.0,))
        creator.create("LagrlPlacement", list, fitness=creator.LagrlFitness)
    kept = random.getstate()  # DEAP draws from Python's own generator
    random.seed(seed)
    try:
        people = [creator.LagrlPlacement(random.choices(range(devices), k=n)) for _ in range(population)]
        with contextlib.suppress(InstanceError):
            people[0][:] = solve_cleanest(problem).placement.ravel().tolist()
        for person in people:
            person.fitness.values = cost(person)
        evaluations = population
        best = tools.selBest(people, 1)[0]
        for _ in range(generations):
            if time.perf_counter() - started > seconds:
                break
            children = [creator.LagrlPlacement(person) for person in tools.selTournament(people, population - 1, 3)]
            for first, second in zip(children[::2], children[1::2], strict=False):
                if n > 1 and random.random() < 0.7:
                    tools.cxTwoPoint(first, second)
            for child in children:
                tools.mutUniformInt(child, 0, devices - 1, 1.0 / n)
                child.fitness.values = cost(child)
            evaluations += len(children)
            people = [best, *children]
            best = tools.selBest(people, 1)[0]
    finally:
        random.setstate(kept)
    placement = np.array(best, np.int64).reshape(hours, layers)
    if not problem.is_feasible(placement):
        raise InstanceError("no individual meets the limits", field="method genetic", remedy="use method lagrangian")
    taken = time.perf_counter() - started
    return PlacementResult(placement, problem.emissions(placement), None, taken, evaluations)
