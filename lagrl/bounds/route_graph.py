"""The graph on which routes are priced, in whole numbers: costs on a grid, positive loads."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError, InstanceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP

MOST_CUSTOMERS = 2000  # tables over pairs of customers and over customers and loads: some 200 MB there
MOST_NEIGHBOURS = 12  # memory doubles with each: 4096 subsets a customer
_DISTANCE_BITS = 30  # of the longest distance on the grid; sums of 2^17 arcs at 1000 times that still fit 60 bits
_MOST_SCALE_BITS = 1000  # 2^1024 is no float
_MOST_WORK = 1e9  # n²·Q of one pass over the load recursion: about a second
_MOST_CELLS = 4e6  # n·Q of its tables: 128 MB
_MOST_LOADS = 1e5  # Q alone; the largest of CVRPLIB is 30 000


@dataclass(frozen=True, eq=False)
class RouteGraph:
    """An instance prepared for pricing. Node n is the depot, node i < n is customer i + 1.

    Every number is an integer, so that sums are exact. A cost is twice the distance in grid units, rounded down: no
    route costs more here than in the instance, and halves of prices are whole.

    Attributes
    ----------
    problem
        The instance.
    scale
        Grid units in a distance unit, a power of two.
    cost
        [n + 1, n + 1] half grid units, symmetric.
    load
        [n] positive; every route of the instance has Σ load ≤ `room`.
    room
        Load that a route may carry.
    near
        [n, Δ] each customer's nearest other customers, nearest first.
    bit
        [n, n] bit[j, i] is the bit of i in the memory of j, 0 if i is not near j.
    """

    problem: CVRP
    scale: float
    cost: NDArray[np.int64] = field(repr=False)
    load: NDArray[np.int64] = field(repr=False)
    room: int
    near: NDArray[np.int64] = field(repr=False)
    bit: NDArray[np.int64] = field(repr=False)

    @property
    def n_customers(self) -> int:
        """Number of customers n."""
        return len(self.load)

    @property
    def is_covering(self) -> bool:
        """Whether each customer must be visited at least once (prices ≥ 0) instead of exactly once.

        This loses nothing in the plane, where a route with one customer less is not longer (except by rounding).
        Explicit distances need not have that property, so customers are visited exactly once there.
        """
        return self.problem.rounding != "explicit"

    @property
    def n_routes(self) -> tuple[int, int]:
        """Fewest and most routes of a solution that meets the fleet rule."""
        return self.problem.minimum_vehicles, self.problem.maximum_vehicles

    @property
    def limits_routes(self) -> bool:
        """Whether the fleet rule limits the number of routes from above, so that a route may have a negative price."""
        return self.problem.fleet.most is not None

    def is_ng_route(self, route: Sequence[int]) -> bool:
        """Whether a route over customers 0 … n − 1 fits the room and visits no customer that it remembers."""
        memory: set[int] = set()
        if self.load[list(route)].sum() > self.room:
            return False
        for customer in route:
            if customer in memory:
                return False
            memory.intersection_update(self.near[customer].tolist())
            memory.add(customer)
        return True

    @classmethod
    def of(cls, problem: CVRP, n_neighbours: int = 8, most_load: float = _MOST_LOADS) -> RouteGraph:
        """Prepare an instance for pricing.

        `n_neighbours`: Δ, number of other customers that each customer remembers (Baldacci, Mingozzi and Roberti 2011
        count the customer itself too): 1 … 12, or all others if there are fewer. `most_load`: largest room, see
        `positive_loads`.

        Raises InputError if Δ is out of range. Raises InstanceError if there are more than 2000 customers.
        """
        if not 1 <= n_neighbours <= MOST_NEIGHBOURS:
            raise InputError(
                f"{n_neighbours} neighbours given", field="ng", remedy=f"give a whole number, 1 … {MOST_NEIGHBOURS}"
            )
        n = problem.n_customers
        if n > MOST_CUSTOMERS:
            raise InstanceError(
                f"{n} customers, but routes are priced for up to {MOST_CUSTOMERS}",
                source=problem.name,
                field="DIMENSION",
                remedy="bound a smaller instance",
            )
        # a matrix may differ from its transpose by rounding: the smaller entry keeps the bound valid
        distance = np.roll(np.minimum(problem.distance, problem.distance.T), -1, axis=(0, 1))
        longest = float(distance.max())
        scale = 2.0 ** min(_DISTANCE_BITS - math.frexp(longest)[1], _MOST_SCALE_BITS) if longest > 0 else 1.0
        cost = 2 * np.floor(distance * scale).astype(np.int64)  # a power of two scales exactly
        most = max(1, int(min(_MOST_WORK / n**2, _MOST_CELLS / n, most_load)))
        load, room = positive_loads(problem.demand, problem.capacity, most)
        near, bit = _memories(distance[:n, :n], min(n_neighbours, n - 1))
        return cls(problem, scale, np.ascontiguousarray(cost), load, room, near, bit)


def positive_loads(demand: NDArray[np.int64], capacity: int, most: int) -> tuple[NDArray[np.int64], int]:
    """Return positive loads [n] and a room of about `most` or less, under which every route that fits still fits.

    Demands (each at most `capacity`, demand units) are divided by their greatest common divisor. If z customers have no
    demand, they get a load of 1 and the other loads are multiplied by f = z + 1: a route that visits each once carries
    at most f·Q + z, and no other route fits that did not. Where f·Q + z is above `most`, f is smaller, or demands are
    rounded down to a coarser unit; then more routes fit than should, and bounds are lower than they could be.
    """
    divisor = int(np.gcd.reduce(demand)) or 1
    unit = max(1, -(-(capacity // divisor) // most)) * divisor
    units, room = demand // unit, capacity // unit
    n_empty = int(np.count_nonzero(units == 0))
    factor = max(1, min(n_empty + 1, (most - n_empty) // max(room, 1)))
    return np.where(units == 0, 1, units * factor), min(
        room * factor + n_empty, int(np.maximum(units * factor, 1).sum())
    )


def _memories(distance: NDArray[np.float64], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    n = len(distance)
    apart = distance.copy()
    np.fill_diagonal(apart, np.inf)
    near = np.argsort(apart, axis=1, kind="stable")[:, :width].astype(np.int64)
    bit = np.zeros((n, n), dtype=np.int64)
    np.put_along_axis(bit, near, np.int64(1) << np.arange(width, dtype=np.int64)[None, :], axis=1)
    return np.ascontiguousarray(near), bit
