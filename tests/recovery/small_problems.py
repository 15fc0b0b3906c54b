"""Small problems for the tests of recovery, drawn by a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.problems.assignment import AssignmentProblem
from lagrl.problems.cvrp import CVRP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.fleet import Fleet


def assignment_problem(rng: np.random.Generator, n_vehicles: int, n_customers: int) -> AssignmentProblem:
    """Draw costs, demands (0 … 9) and capacities; it need not have a feasible assignment."""
    return AssignmentProblem(
        cost=rng.integers(0, 50, (n_vehicles, n_customers)).astype(np.float64),
        weight=rng.integers(0, 10, n_customers),
        capacity=rng.integers(5, 25, n_vehicles),
    )


def selection_of(rng: np.random.Generator, problem: AssignmentProblem) -> NDArray[np.uint8]:
    """Draw a selection [K, n] that overlaps, leaves out and overloads as it likes."""
    share = rng.uniform(0.0, 0.7)
    return (rng.random(problem.cost.shape) < share).astype(np.uint8)


def plane(rng: np.random.Generator, n_customers: int, capacity: int = 12, fleet: Fleet | None = None) -> CVRP:
    """Draw customers with demands 1 … 5 on a grid of 100 by 100."""
    points = rng.integers(0, 100, (n_customers + 1, 2))
    return CVRP.from_coordinates("plane", points, rng.integers(1, 6, n_customers), capacity, fleet=fleet)
