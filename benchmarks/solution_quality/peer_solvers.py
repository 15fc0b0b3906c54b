"""PyVRP and OR-Tools on an instance, one thread, with the history of their best routes.

Each runs in a process of its own: OR-Tools and HiGHS cannot share one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP

History = list[tuple[float, float]]
_FINE = 1000  # whole numbers per distance unit, where distances are no whole numbers


def _scale(problem: CVRP) -> int:
    return 1 if (problem.distance == np.floor(problem.distance)).all() else _FINE


def pyvrp_data(problem: CVRP, n_vehicles: int | None = None) -> Any:
    """Describe the instance to PyVRP; as many vehicles as the fleet rule lets it use, if none are given."""
    import pyvrp

    distance = np.rint(problem.distance * _scale(problem)).astype(np.int64)
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


def run_pyvrp(problem: CVRP, seconds: float, seed: int) -> tuple[list[list[int]], History]:
    """PyVRP's own search (`pyvrp.solve` with its defaults); its acceptance does not look at the time limit."""
    import pyvrp
    from pyvrp.IteratedLocalSearch import IteratedLocalSearchCallbacks, IteratedLocalSearchParams
    from pyvrp.stop import MaxRuntime

    started, scale = time.perf_counter(), _scale(problem)
    history: History = []

    class Watch(IteratedLocalSearchCallbacks):
        """Writes down every new best, and the first of all, which is no news to PyVRP."""

        def on_best(self, best: Any) -> None:
            if best.is_feasible():
                history.append((time.perf_counter() - started, best.distance() / scale))

        def on_iteration(self, current: Any, candidate: Any, best: Any, cost_evaluator: Any) -> None:
            del current, candidate, cost_evaluator
            if not history:
                self.on_best(best)

    data = pyvrp_data(problem)
    params = pyvrp.SolveParams(ils=IteratedLocalSearchParams(callbacks=Watch()))
    stop = MaxRuntime(seconds - (time.perf_counter() - started))
    result = pyvrp.solve(data, stop, seed=seed, collect_stats=False, display=False, params=params)
    return (pyvrp_routes(result.best) if result.is_feasible() else []), history


def run_local_search(problem: CVRP, seconds: float, seed: int) -> tuple[list[list[int]], History]:
    """PyVRP's local search alone, from random routes again and again, to a local optimum each time."""
    import pyvrp
    from pyvrp import search

    started, scale = time.perf_counter(), _scale(problem)
    # a random solution spreads over all vehicles there are
    least = problem.minimum_vehicles
    n_vehicles = min(problem.maximum_vehicles, least + max(2, least // 10))
    data, rng = pyvrp_data(problem, n_vehicles), pyvrp.RandomNumberGenerator(seed)
    still = search.PerturbationManager(search.PerturbationParams(0, 0))
    improve = search.LocalSearch(data, rng, search.compute_neighbours(data), still)
    for operator in search.OPERATORS:
        if operator.supports(data):
            improve.add_operator(operator(data))
    unit = scale * max(float(problem.distance.max()), 1.0) / max(int(problem.demand.max()), 1)
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
        if solution.is_feasible() and (not history or solution.distance() / scale < history[-1][1]):
            history.append((now, solution.distance() / scale))
            best = pyvrp_routes(solution)
        if now >= seconds:
            break
    return best, history


def run_ortools(problem: CVRP, seconds: float, seed: int) -> tuple[list[list[int]], History]:
    """OR-Tools' routing solver: cheapest arc first, then guided local search. It takes no seed."""
    del seed
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    started, scale = time.perf_counter(), _scale(problem)
    n_vehicles = min(problem.maximum_vehicles, 2 * problem.minimum_vehicles + 5)
    distance = np.rint(problem.distance * scale).astype(int).tolist()
    demand = [0, *problem.demand.tolist()]
    manager = pywrapcp.RoutingIndexManager(len(distance), n_vehicles, 0)
    routing = pywrapcp.RoutingModel(manager)
    # matrix and vector, not callbacks: no Python in its search
    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitMatrix(distance))
    load = routing.RegisterUnaryTransitVector(demand)
    routing.AddDimensionWithVehicleCapacity(load, 0, [problem.capacity] * n_vehicles, True, "load")
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    left = max(seconds - (time.perf_counter() - started), 0.01)
    parameters.time_limit.FromNanoseconds(int(left * 1e9))
    history: History = []

    def note() -> None:
        cost = routing.CostVar().Max() / scale
        if not history or cost < history[-1][1]:
            history.append((time.perf_counter() - started, cost))

    routing.AddAtSolutionCallback(note)
    found = routing.SolveWithParameters(parameters)
    if found is None:
        return [], history
    routes = []
    for vehicle in range(n_vehicles):
        index, route = found.Value(routing.NextVar(routing.Start(vehicle))), []
        while not routing.IsEnd(index):
            route.append(manager.IndexToNode(index))
            index = found.Value(routing.NextVar(index))
        if route:
            routes.append(route)
    return routes, history


PEERS = {"pyvrp": run_pyvrp, "ortools": run_ortools, "local search": run_local_search}
