"""The solver `vrp-cli` (Builuk, github.com/reinterpretcat/vrp) with its defaults, on one thread, cost the only aim.

Its aim after serving all customers is set to the cost, in place of first the number of routes. It takes whole seconds
and no seed, uses at most the fleet rule's vehicles, and knows no least number. Its clock starts after it has read the
instance. Routes that leave a customer out are given as they are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lagrl.paper.peer_answer import Answer, History, scale, vehicles, whole_distances

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP

_CONFIG = {
    "telemetry": {"metrics": {"enabled": True, "trackPopulation": 10}},  # generations between two looks
    "environment": {"parallelism": {"numThreadPools": 1, "threadsPerPool": 1}, "logging": {"enabled": False}},
}


def run(problem: CVRP, seconds: float, seed: int) -> Answer:
    """Search for `seconds`, a whole number."""
    del seed
    import vrp_cli

    distance = whole_distances(problem).ravel().tolist()
    matrix = {"profile": "road", "travelTimes": [0] * len(distance), "distances": distance}
    config = {"termination": {"maxTime": int(seconds)}, **_CONFIG}
    texts = json.dumps(_described(problem)), [json.dumps(matrix)], json.dumps(config)
    found = json.loads(vrp_cli.solve_pragmatic(*texts))
    routes = [
        [int(visit["jobId"]) for stop in tour["stops"] for visit in stop["activities"] if visit["type"] == "delivery"]
        for tour in found["tours"]
    ]
    return Answer(routes, _history(found, seconds, scale(problem)))


def _described(problem: CVRP) -> dict[str, Any]:
    """Return the instance in the format `pragmatic`; customers are numbers of the matrix."""
    depot = {"location": {"index": 0}}
    shift = {
        "start": {"earliest": "2020-01-01T00:00:00Z", **depot},
        "end": {"latest": "2020-01-02T00:00:00Z", **depot},
    }
    fleet = {
        "typeId": "vehicle",
        "vehicleIds": [str(number) for number in range(vehicles(problem))],
        "profile": {"matrix": "road"},
        "costs": {"fixed": 0, "distance": 1, "time": 0},
        "shifts": [shift],
        "capacity": [problem.capacity],
    }
    jobs = [
        {"id": str(i), "deliveries": [{"places": [{"location": {"index": i}, "duration": 0}], "demand": [demand]}]}
        for i, demand in enumerate(problem.demand.tolist(), 1)
    ]
    return {
        "plan": {"jobs": jobs},
        "fleet": {"vehicles": [fleet], "profiles": [{"name": "road"}]},
        "objectives": [[{"type": "minimize-unassigned"}], [{"type": "minimize-cost"}]],
    }


def _history(found: dict[str, Any], seconds: float, unit: int) -> History:
    """Return every better cost of its best solution without a customer left out; the last is that of the routes."""
    history: History = []
    for generation in found["extras"]["metrics"]["evolution"]:
        for left_out, cost in (each["fitness"] for each in generation["population"]["individuals"]):
            if not left_out and (not history or cost / unit < history[-1][1]):
                history.append((generation["timestamp"], cost / unit))
    last = found["statistic"]["cost"] / unit
    if not found.get("unassigned") and (not history or last < history[-1][1]):
        history.append((seconds, last))
    return history
