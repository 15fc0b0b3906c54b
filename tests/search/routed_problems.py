"""Small instances with routes by savings, for the tests of the search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.problems.cvrp import CVRP
from lagrl.recovery.savings import clarke_wright

if TYPE_CHECKING:
    from lagrl.problems.fleet import Fleet


def plane(seed: int, n_customers: int, capacity: int = 15, fleet: Fleet | None = None) -> CVRP:
    """Draw customers with demands 1 … 5 on a grid of 100 by 100."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 100, (n_customers + 1, 2))
    return CVRP.from_coordinates("plane", points, rng.integers(1, 6, n_customers), capacity, fleet=fleet)


def routed(seed: int, n_customers: int, capacity: int = 15) -> tuple[CVRP, list[np.ndarray]]:
    """Draw an instance and its routes by savings."""
    problem = plane(seed, n_customers, capacity)
    return problem, [np.array(route, np.int64) for route in clarke_wright(problem).routes]
