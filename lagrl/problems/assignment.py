"""The assignment problem that a CVRP becomes once the routes' costs are linearised."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InstanceError, SolutionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP


@dataclass(frozen=True, eq=False)
class AssignmentProblem:
    """Assign every customer to one vehicle at least surrogate cost, within the vehicles' capacities.

    The generalised assignment problem of Fisher and Jaikumar (1981), in which the weight of a customer is the same on
    all vehicles::

        min  Σ_k Σ_i a_ki y_ki    s.t.  Σ_k y_ki = 1  for all i,    Σ_i d_i y_ki ≤ Q_k  for all k,    y binary

    Its optimum is a surrogate cost: neither a bound on the CVRP nor the cost of any routes.

    Attributes
    ----------
    cost
        [K, n] float64, a_ki, distance units, 0 or more.
    weight
        [n] int64, d_i, demand units, 0 or more.
    capacity
        [K] int64, Q_k, demand units, 0 or more.
    origin
        The instance that it linearises, if any.

    Raises
    ------
    InstanceError
        If an array has the wrong type or shape, or an entry is negative or not finite.
    """

    cost: NDArray[np.float64] = field(repr=False)
    weight: NDArray[np.int64] = field(repr=False)
    capacity: NDArray[np.int64]
    origin: CVRP | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _require_array("cost", self.cost, np.float64, 2)
        n_vehicles, n_customers = self.cost.shape
        _require_array("weight", self.weight, np.int64, 1, n_customers)
        _require_array("capacity", self.capacity, np.int64, 1, n_vehicles)
        for array in (self.cost, self.weight, self.capacity):
            array.setflags(write=False)

    @property
    def n_vehicles(self) -> int:
        """Number of vehicles K."""
        return len(self.capacity)

    @property
    def n_customers(self) -> int:
        """Number of customers n."""
        return len(self.weight)

    @cached_property
    def cost_scale(self) -> float:
        """The unit of multipliers: s = max(1, median_i min_k a_ki), distance units."""
        return max(1.0, float(np.median(self.cost.min(axis=0))))

    def is_feasible(self, assignment: NDArray[np.int64]) -> bool:
        """Return whether every customer is on an existing vehicle and no vehicle is overloaded.

        `assignment` [n] holds vehicle indices; a number outside 0 … K − 1 means that the customer is not assigned.

        Raises SolutionError if the shape is wrong.
        """
        if assignment.shape != self.weight.shape or not np.issubdtype(assignment.dtype, np.integer):
            raise SolutionError(
                f"array of shape {assignment.shape} and type {assignment.dtype} is not [n] vehicle indices",
                field="assignment",
                remedy=f"give one whole number for each of the {self.n_customers} customers",
            )
        if ((assignment < 0) | (assignment >= self.n_vehicles)).any():
            return False
        load = np.zeros(self.n_vehicles, dtype=np.int64)
        np.add.at(load, assignment, self.weight)
        return bool((load <= self.capacity).all())


def _require_array(
    name: str,
    array: NDArray[np.float64] | NDArray[np.int64],
    dtype: type[np.generic],
    n_axes: int,
    length: int | None = None,
) -> None:
    wanted = "[K, n]" if n_axes == 2 else f"[{length}]"
    right_shape = array.ndim == n_axes and array.size > 0 and length in (None, len(array))
    if array.dtype != dtype or not right_shape:
        raise InstanceError(
            f"array of shape {array.shape} and type {array.dtype} is not {wanted} {dtype.__name__}",
            field=name,
            remedy="cost is [K, n] float64, weight [n] int64, capacity [K] int64, with K and n at least 1",
        )
    if array.min() >= 0 and array.max() < np.inf:  # NaN is neither
        return
    for index in np.argwhere(~(np.isfinite(array) & (array >= 0)))[:1]:
        place = ", ".join(map(str, index))
        raise InstanceError(
            f"entry [{place}] is {array[tuple(index)]}", field=name, remedy="entries must be finite and 0 or more"
        )
