"""PyVRP's local search alone, from random routes again and again, to a local optimum each time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.solution_quality.peers.pyvrp_search import pyvrp_data, pyvrp_routes
from lagrl.paper.peer_answer import Answer, History, scale

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP


def run(problem: CVRP, seconds: float, seed: int) -> Answer:
    """Restart until the seconds are over."""
    import pyvrp
    from pyvrp import search

    started, whole = time.perf_counter(), scale(problem)
    # a random solution spreads over all vehicles there are
    least = problem.minimum_vehicles
    n_vehicles = min(problem.maximum_vehicles, least + max(2, least // 10))
    data, rng = pyvrp_data(problem, n_vehicles), pyvrp.RandomNumberGenerator(seed)
    still = search.PerturbationManager(search.PerturbationParams(0, 0))
    improve = search.LocalSearch(data, rng, search.compute_neighbours(data), still)
    for operator in search.OPERATORS:
        if operator.supports(data):
            improve.add_operator(operator(data))
    unit = whole * float(problem.distance.max()) / max(int(problem.demand.max()), 1)
    costs = [pyvrp.CostEvaluator([max(1.0, weight * unit)], 0.0, 0.0) for weight in (1.0, 100.0)]
    best: list[list[int]] = []
    history: History = []
    while not history or time.perf_counter() - started < seconds:
        solution = pyvrp.Solution.make_random(data, rng)
        for cost in costs:
            solution = improve(solution, cost, exhaustive=True)
            if solution.is_feasible():
                break
        now = time.perf_counter() - started
        if solution.is_feasible() and (not history or solution.distance() / whole < history[-1][1]):
            history.append((now, solution.distance() / whole))
            best = pyvrp_routes(solution)
        if now >= seconds:
            break
    return Answer(best, history)
