"""Random instances like real deliveries: addresses in few dense cities, a depot far from them, distances by road.

They are like the DIMACS challenge's instances of Loggi and ORTEC (Accorsi, Lodi, Vigo and others, 2022): only a matrix
of distances is known. Every constant here is a choice of ours, made before any solver was run on the instances.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lagrl.errors import InputError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import minimum_vehicles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

MAX_ROAD_CUSTOMERS: Final = 2000
"""Above this the shortest paths take minutes."""

_SIZE: Final = 100_000.0  # metres of the map's side
_CITIES: Final = (1, 5)
_SPREAD: Final = (0.01, 0.04)  # standard deviation of a city's addresses, as a share of the map
_ROUTE_LENGTH: Final = (8.0, 32.0)  # customers
_SHARED: Final = 0.2  # share of the customers at the address of another
_ROADS: Final = 8  # roads from an address, to the nearest others
_DETOUR: Final = 0.35  # mean excess of a street's length over the straight line, drawn for each direction
_HIGHWAY: Final = 1.15  # length of a road between cities, as a multiple of the straight line


def draw_road_instance(rng: Generator, n_customers: int, given: Mapping[str, Any]) -> CVRP:
    """Generate an instance whose distances are shortest paths by road, in whole metres.

    Cities lie away from one corner of the map, the depot in that corner. Streets join an address and its nearest ones,
    each direction with its own detour; highways join the cities' centres and the depot. Distances are the means of the
    shortest paths there and back. Demands are lognormal; the capacity fits a route of the desired length.

    Parameters
    ----------
    rng
        Source of randomness; the same state gives the same instance.
    n_customers
        Number of customers n, 2 … `MAX_ROAD_CUSTOMERS`.
    given
        `n_seeds`: number of cities (default: 1 … 5), `route_length`: customers on a route (default: 8 … 32, at most
        n / 2).

    Raises
    ------
    InputError
        If a number is out of range, or another characteristic is given.
    """
    for name in given:
        if name not in ("n_seeds", "route_length"):
            raise InputError("given for roads", field=name, remedy="omit it: roads have n_seeds and route_length only")
    if not 2 <= n_customers <= MAX_ROAD_CUSTOMERS:
        raise InputError(
            f"{n_customers} is not in 2 … {MAX_ROAD_CUSTOMERS}", field="n_customers", remedy="choose one in that range"
        )
    n_cities = given.get("n_seeds") or int(rng.integers(*_CITIES, endpoint=True))
    if not 1 <= n_cities <= n_customers:
        raise InputError(f"{n_cities} given", field="n_seeds", remedy=f"give 1 … {n_customers} cities")
    drawn = min(float(rng.uniform(*_ROUTE_LENGTH)), n_customers / 2)
    route_length = float(given.get("route_length", drawn))
    if not (math.isfinite(route_length) and route_length >= 1):
        raise InputError(f"{route_length} given", field="route_length", remedy="give a finite number ≥ 1, or none")

    n_addresses = max(n_cities, n_customers - int(_SHARED * n_customers))
    centre = rng.uniform(0.25 * _SIZE, _SIZE, (n_cities, 2))
    depot = rng.uniform(0.0, 0.1 * _SIZE, (1, 2))
    share = rng.dirichlet(np.full(n_cities, 3.0))
    city = rng.choice(n_cities, n_addresses, p=share)
    spread = rng.uniform(*_SPREAD, n_cities)[city, None] * _SIZE
    points = np.concatenate([depot, centre[city] + spread * rng.standard_normal((n_addresses, 2))])
    shared = rng.integers(1, n_addresses + 1, n_customers - n_addresses)
    address = np.concatenate([np.arange(n_addresses + 1), shared])
    distance = _by_road(points, centre, rng)[np.ix_(address, address)]
    demand = np.maximum(1, np.rint(rng.lognormal(1.5, 0.8, n_customers))).astype(np.int64)
    capacity = max(math.ceil(route_length * int(demand.sum()) / n_customers), int(demand.max()))
    return CVRP.from_distances(
        f"R-n{n_customers + 1}-k{minimum_vehicles(demand, capacity)}",
        distance,
        demand,
        capacity,
        comment=f"generated roads cities={n_cities} route_length={route_length:.6g}",
    )


def _by_road(points: NDArray[np.float64], centre: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """Return the distances [n + 1, n + 1] by road between points [n + 1, 2], whole metres."""
    apart = points[:, None] - points
    straight = np.hypot(apart[..., 0], apart[..., 1])
    detour = 1.0 + rng.exponential(_DETOUR, straight.shape)
    length = np.full(straight.shape, np.inf)
    nearest = np.argsort(straight, axis=1, kind="stable")[:, 1 : _ROADS + 1]
    origin, target = np.repeat(np.arange(len(points)), nearest.shape[1]), nearest.ravel()
    for a, b in ((origin, target), (target, origin)):
        length[a, b] = straight[a, b] * detour[a, b]
    to_centre = np.hypot(*(points[1:, None] - centre).transpose(2, 0, 1))
    hub = np.unique([0, *(1 + to_centre.argmin(axis=0))])
    highways = np.ix_(hub, hub)
    length[highways] = np.minimum(length[highways], _HIGHWAY * straight[highways])
    np.fill_diagonal(length, 0.0)
    for middle in range(len(points)):  # Floyd (1962)
        np.minimum(length, length[:, middle, None] + length[middle], out=length)
    # an island of addresses without a way to the others is reached straight
    length = np.where(np.isfinite(length), length, 2.0 * straight)
    distance: NDArray[np.float64] = np.rint((length + length.T) / 2.0)
    return distance
