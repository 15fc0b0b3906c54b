"""HGS-CVRP (Vidal 2022) through `hygese`, with its defaults.

It reports its last solution only, and its time limit counts the processor's seconds. It uses at most the fleet rule's
vehicles, knows no least number, and under a free fleet keeps to its own limit (1.3 Σd/Q + 3). Its SWAP* needs
coordinates, and is off without them, as in its own program. It refuses distances above 100,000: then, and where
distances are no whole numbers, it gets them in another unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lagrl.paper.peer_answer import Answer, scale, whole_distances

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP

_MOST = 1e5  # largest distance that it takes
_USUAL = 1e3  # largest distance in the other unit, about that of CVRPLIB's instances


def run(problem: CVRP, seconds: float, seed: int) -> Answer:
    """Search for `seconds`; the cost counts as found then, however long the call took."""
    import hygese

    distance = whole_distances(problem)
    largest, unit = float(distance.max()), float(scale(problem))
    factor = 1.0 if unit == 1 and largest <= _MOST else _USUAL / largest
    data: dict[str, Any] = {
        "distance_matrix": factor * distance,
        "demands": [0, *problem.demand.tolist()],
        "vehicle_capacity": problem.capacity,
    }
    if problem.fleet.most is not None:
        data["num_vehicles"] = problem.fleet.most
    if problem.coordinates is not None:  # none may be below 0
        data["x_coordinates"], data["y_coordinates"] = (problem.coordinates - problem.coordinates.min(axis=0)).T
    swap_star = problem.coordinates is not None
    parameters = hygese.AlgorithmParameters(timeLimit=seconds, seed=seed, useSwapStar=swap_star)
    result = hygese.Solver(parameters, verbose=False).solve_cvrp(data)
    routes = [[int(customer) for customer in route] for route in result.routes if route]
    return Answer(routes, [(seconds, result.cost / (factor * unit))] if routes else [])
