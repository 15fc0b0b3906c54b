"""Fields of a CVRP: converted from lists without losing anything, and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import FleetError, InstanceError
from lagrl.problems.distances import MOST_IN_MATRIX, asymmetry, matrix_memory
from lagrl.problems.fleet import minimum_vehicles

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from lagrl.problems.cvrp import CVRP


def as_numbers(name: str, field: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return a float64 copy of the values; `InstanceError` names the instance and the field if they are no array."""
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        remedy = "give numbers, the same number of them in every row"
        raise InstanceError(str(error), source=name, field=field, remedy=remedy) from error


def as_demand(name: str, demand: ArrayLike, n_nodes: int) -> NDArray[np.int64]:
    """Return [n] demand units; `InstanceError` if they are not whole numbers, or include the depot's."""
    found = as_whole_numbers(name, "demand", demand)
    if found.ndim == 1 and len(found) == n_nodes > 1:
        raise InstanceError(
            f"{n_nodes} demands for {n_nodes - 1} customers",
            source=name,
            field="demand",
            remedy="leave out the depot's demand",
        )
    return found


def as_whole_numbers(name: str, field: str, values: ArrayLike) -> NDArray[np.int64]:
    """Return the values as int64; `InstanceError` unless all are whole numbers: 2.9 would silently become 2."""
    remedy = "give whole numbers, in a finer unit if need be"
    try:
        exact = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InstanceError(f"{error}", source=name, field=field, remedy=remedy) from error
    wrong = np.flatnonzero((exact != np.floor(exact)) | ~(np.abs(exact) < 2**53))
    if len(wrong):
        value = exact.ravel()[wrong[0]]
        raise InstanceError(f"{value} is not a whole number", source=name, field=field, remedy=remedy)
    return exact.astype(np.int64)


def require_demand(problem: CVRP) -> None:
    """Raise `InstanceError` unless every customer's demand is a whole number from 0 to a capacity of 1 or more."""
    demand, name = problem.demand, problem.name
    if demand.ndim != 1 or len(demand) == 0 or not np.issubdtype(demand.dtype, np.integer):
        raise InstanceError(
            f"array of shape {demand.shape} and type {demand.dtype} is not [n] integers",
            source=name,
            field="demand",
            remedy="give one whole number for each of at least one customer",
        )
    if problem.capacity < 1:
        raise InstanceError(
            f"{problem.capacity} is not positive", source=name, field="CAPACITY", remedy="give a number of 1 or more"
        )
    for customer in np.flatnonzero((demand < 0) | (demand > problem.capacity))[:1]:
        value = int(demand[customer])
        wrong = "below 0" if value < 0 else f"above CAPACITY {problem.capacity}"
        raise InstanceError(
            f"customer {customer + 1} has demand {value}, {wrong}",
            source=name,
            field="DEMAND_SECTION",
            remedy="correct the demand" if value < 0 else "raise the capacity or split the customer",
        )


def require_coordinates(problem: CVRP) -> None:
    """Raise `InstanceError` unless there are distances, or finite coordinates [n + 1, 2] to compute them from."""
    points, size = problem.coordinates, problem.n_customers + 1
    wrong = None
    if points is not None and points.shape != (size, 2):
        wrong = f"coordinates of shape {points.shape}, but {size} nodes need {(size, 2)}"
    elif problem.matrix is None and (points is None or problem.rounding == "explicit"):
        wrong = "neither a matrix nor coordinates with a rounding"
    elif problem.matrix is None and not (points is not None and np.isfinite(np.hypot(*np.ptp(points, axis=0)))):
        wrong = "coordinates are not finite, or too far apart"
    if wrong:
        raise InstanceError(
            wrong, source=problem.name, field="coordinates", remedy="give finite x and y of the depot and each customer"
        )


def require_matrix(problem: CVRP, distance: NDArray[np.float64]) -> None:
    """Raise `InstanceError` unless distances are [n + 1, n + 1], finite, ≥ 0, symmetric, with a diagonal of 0."""
    size = problem.n_customers + 1
    if size > MOST_IN_MATRIX + 1:
        raise InstanceError(
            f"a matrix of {problem.n_customers} customers takes {matrix_memory(problem.n_customers)}",
            source=problem.name,
            field="distance",
            remedy=f"give coordinates, or at most {MOST_IN_MATRIX} customers",
        )
    wrong = None
    if distance.shape != (size, size):
        wrong = f"matrix of shape {distance.shape}, but {size} nodes (depot included) need {(size, size)}"
    elif not np.isfinite(distance).all() or (distance < 0).any():
        row, column = np.argwhere(~np.isfinite(distance) | (distance < 0))[0]
        wrong = f"distance from node {row + 1} to node {column + 1} is {distance[row, column]} (the depot is node 1)"
    elif distance.diagonal().any():
        node = int(np.flatnonzero(distance.diagonal())[0])
        wrong = f"distance from node {node + 1} to itself is {distance[node, node]} (the depot is node 1)"
    elif one_way := asymmetry(distance):
        wrong = f"{one_way} (the depot is node 1)"
    if wrong:
        raise InstanceError(
            wrong,
            source=problem.name,
            field="distance",
            remedy="give finite, symmetric distances ≥ 0 with a diagonal of 0",
        )


def require_fleet(problem: CVRP) -> None:
    """Raise `FleetError` if the fleet rule allows too few vehicles for the demand, or requires more than customers."""
    fleet = problem.fleet
    if fleet.rule == "free":
        return  # any number is allowed
    needed = minimum_vehicles(problem.demand, problem.capacity)
    if fleet.most is not None and fleet.most < needed:
        raise FleetError(
            f"{fleet} is too few vehicles: total demand {int(problem.demand.sum())} with CAPACITY "
            f"{problem.capacity} needs at least {needed}",
            source=problem.name,
            field="fleet",
            remedy=f"use --fleet {fleet.rule}:{needed} (or more) or --fleet free",
        )
    if fleet.fewest > problem.n_customers:
        raise FleetError(
            f"{fleet} asks for more routes than there are customers ({problem.n_customers})",
            source=problem.name,
            field="fleet",
            remedy="no route may be empty; ask for fewer",
        )
