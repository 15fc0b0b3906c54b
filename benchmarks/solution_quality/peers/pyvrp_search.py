"""PyVRP (Wouda, Lan and Kool 2024), `pyvrp.solve` with its defaults.

It uses at most the fleet rule's vehicles, and knows no least number.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.paper.peer_answer import Answer, History, scale, whole_distances

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP


def pyvrp_data(problem: CVRP, n_vehicles: int | None = None) -> Any:
    """Describe the instance to PyVRP; as many vehicles as the fleet rule lets it use, if none are given."""
    import pyvrp

    distance = whole_distances(problem)
    places = problem.coordinates if problem.coordinates is not None else np.zeros((problem.n_customers + 1, 2))
    return pyvrp.ProblemData(
        [pyvrp.Location(x, y) for x, y in places.tolist()],
        [pyvrp.Client(i, delivery=[demand]) for i, demand in enumerate(problem.demand.tolist(), 1)],
        [pyvrp.Depot(0)],
        [pyvrp.VehicleType(n_vehicles or problem.maximum_vehicles, capacity=[problem.capacity])],
        [distance],
        [np.zeros_like(distance)],
    )


def pyvrp_routes(solution: Any) -> list[list[int]]:
    """Customers 1 … n of each route."""
    return [[visit.idx + 1 for visit in route.schedule()[1:-1]] for route in solution.routes()]


def run(problem: CVRP, seconds: float, seed: int) -> Answer:
    """Search until the seconds are over; its acceptance does not look at the time limit."""
    import pyvrp
    from pyvrp.IteratedLocalSearch import IteratedLocalSearchCallbacks, IteratedLocalSearchParams
    from pyvrp.stop import MaxRuntime

    started, unit = time.perf_counter(), scale(problem)
    history: History = []

    class Watch(IteratedLocalSearchCallbacks):
        """Writes down every new best, and the first of all, which is no news to PyVRP."""

        def on_best(self, best: Any) -> None:
            if best.is_feasible():
                history.append((time.perf_counter() - started, best.distance() / unit))

        def on_iteration(self, current: Any, candidate: Any, best: Any, cost_evaluator: Any) -> None:
            del current, candidate, cost_evaluator
            if not history:
                self.on_best(best)

    data = pyvrp_data(problem)
    params = pyvrp.SolveParams(ils=IteratedLocalSearchParams(callbacks=Watch()))
    stop = MaxRuntime(seconds - (time.perf_counter() - started))
    result = pyvrp.solve(data, stop, seed=seed, collect_stats=False, display=False, params=params)
    return Answer(pyvrp_routes(result.best) if result.is_feasible() else [], history)
