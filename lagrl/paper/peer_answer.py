"""What every peer takes and gives: whole distances, a number of vehicles, and routes with their history."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP

History = list[tuple[float, float]]

_DIGITS = 6  # those of the largest distance after the first, where distances are no whole numbers


@dataclass(frozen=True)
class Answer:
    """What a solver found.

    Attributes
    ----------
    routes
        Customers 1 … n of each route; none if it found no solution.
    history
        Seconds since the start and cost of each new best, distance units; the last is that of `routes`.
    """

    routes: list[list[int]]
    history: History


def scale(problem: CVRP) -> int:
    """Return how many whole numbers a distance unit is divided into: 1 where all distances are whole.

    Otherwise the largest distance has seven digits, so that rounding changes an arc by at most 5e-7 of that.
    """
    if (problem.distance == np.floor(problem.distance)).all():
        return 1
    return int(10 ** max(0, _DIGITS - floor(log10(float(problem.distance.max())))))


def whole_distances(problem: CVRP) -> NDArray[np.int64]:
    """Return the [n + 1, n + 1] distances in whole numbers, `scale(problem)` of them to a distance unit."""
    return np.rint(problem.distance * scale(problem)).astype(np.int64)


def vehicles(problem: CVRP) -> int:
    """Return how many vehicles to give to a solver that slows down with their number.

    The fleet rule's limit, or twice the fewest and five more where the rule leaves the number open.
    """
    return min(problem.maximum_vehicles, 2 * problem.minimum_vehicles + 5)
