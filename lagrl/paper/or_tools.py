"""OR-Tools' routing solver: cheapest arc first, then guided local search.

It takes no seed, uses at most the fleet rule's vehicles, and knows no least number. OR-Tools and HiGHS cannot share a
process.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

from lagrl.errors import MissingExtraError
from lagrl.paper.peer_answer import Answer, History, scale, vehicles, whole_distances

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP


def require_or_tools() -> None:
    """Raise MissingExtraError if OR-Tools is not installed; it is not imported."""
    if find_spec("ortools") is None:
        raise MissingExtraError.of("ortools", "bench", "the comparison with OR-Tools")


def run(problem: CVRP, seconds: float, seed: int) -> Answer:
    """Search until the seconds are over."""
    del seed
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    started, unit, n_vehicles = time.perf_counter(), scale(problem), vehicles(problem)
    distance = whole_distances(problem).tolist()
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
        cost = routing.CostVar().Max() / unit
        if not history or cost < history[-1][1]:
            history.append((time.perf_counter() - started, cost))

    routing.AddAtSolutionCallback(note)
    found = routing.SolveWithParameters(parameters)
    if found is None:
        return Answer([], history)
    routes = []
    for vehicle in range(n_vehicles):
        index, route = found.Value(routing.NextVar(routing.Start(vehicle))), []
        while not routing.IsEnd(index):
            route.append(manager.IndexToNode(index))
            index = found.Value(routing.NextVar(index))
        if route:
            routes.append(route)
    return Answer(routes, history)
