"""Exact 0–1 knapsacks, all vehicles of a batch of instances in one compiled call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError, InstanceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem


class KnapsackBatch:
    """The knapsacks of several assignment problems of any sizes, concatenated once and priced many times.

    Attributes
    ----------
    shapes
        (K, n) of each problem.
    cost, weight, capacity
        Those of all problems one after the other, see `pricing_kernels.price_batch`.
    first_item, first_vehicle, first_cell
        [B + 1] where each problem's customers, vehicles and costs start.
    """

    def __init__(self, problems: Sequence[AssignmentProblem]) -> None:
        self.shapes = [problem.cost.shape for problem in problems]
        self._names = [problem.origin.name if problem.origin else None for problem in problems]
        self.cost = np.concatenate([problem.cost.ravel() for problem in problems])
        self.weight = np.concatenate([problem.weight for problem in problems])
        self.capacity = np.concatenate([problem.capacity for problem in problems])
        self.first_vehicle = np.cumsum([0] + [n_vehicles for n_vehicles, _ in self.shapes])
        self.first_item = np.cumsum([0] + [n_customers for _, n_customers in self.shapes])
        self.first_cell = np.cumsum([0] + [n_vehicles * n_customers for n_vehicles, n_customers in self.shapes])

    def price(self, multipliers: Sequence[NDArray[np.float64]]) -> list[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
        """Solve every knapsack min Σ_i (a_ki − λ_i) y_ki, Σ_i d_i y_ki ≤ Q_k, exactly.

        `multipliers` has one [n] vector per problem, distance units. Returns for each problem the selection [K, n] in
        {0, 1} and the vehicles' values [K], distance units (≤ 0).

        Raises InputError if the vectors do not have the problems' lengths. Raises InstanceError if a knapsack takes
        more memory than allowed, which needs a large capacity and dozens of customers of nearly equal efficiency.
        """
        lengths = [len(vector) for vector in multipliers]
        if lengths != [n_customers for _, n_customers in self.shapes]:  # the kernel would read past the end
            raise InputError(
                f"vectors of lengths {lengths}",
                field="multipliers",
                remedy=f"give one per problem, of lengths {[n_customers for _, n_customers in self.shapes]}",
            )
        vehicles, cells = self.first_vehicle, self.first_cell
        selection, value = self.price_all(np.concatenate(multipliers, dtype=np.float64))
        return [
            (selection[cells[b] : cells[b + 1]].reshape(shape), value[vehicles[b] : vehicles[b + 1]])
            for b, shape in enumerate(self.shapes)
        ]

    def price_all(self, multipliers: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Solve every knapsack at multipliers of all problems one after the other; see `price` for errors and units.

        Returns the selections and the vehicles' values, both one after the other.
        """
        parts = self.cost, multipliers, self.weight, self.capacity, self.first_item, self.first_vehicle
        return _price(*parts, self._names)


def _price(
    cost: NDArray[np.float64],
    multipliers: NDArray[np.float64],
    weight: NDArray[np.int64],
    capacity: NDArray[np.int64],
    first_item: NDArray[np.int64],
    first_vehicle: NDArray[np.int64],
    names: Sequence[str | None],
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Call `price_batch`; return the flat selection and the values, or raise InstanceError for lack of memory."""
    from lagrl.relaxation.branch_and_bound_kernels import LARGEST_TABLE  # numba takes a second to import
    from lagrl.relaxation.pricing_kernels import price_batch

    selection, value = np.empty(len(cost), np.uint8), np.empty(len(capacity))
    n_hard = np.empty(len(capacity), np.int64)
    failed = price_batch(cost, multipliers, weight, capacity, first_item, first_vehicle, selection, value, n_hard)
    if failed < 0:
        return selection, value
    b = int(np.searchsorted(first_vehicle, failed, side="right")) - 1
    vehicle = failed - int(first_vehicle[b]) + 1
    limit = f"{LARGEST_TABLE / 1e6:g} MB in the exact search"
    raise InstanceError(
        f"vehicle {vehicle}, of capacity {capacity[failed]}, takes more than {limit}",
        source=names[b],
        field="CAPACITY",
        remedy="express demands and capacity in a coarser unit",
    )


def solve_knapsacks(
    reduced_cost: NDArray[np.float64], weight: NDArray[np.int64], capacity: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Solve one knapsack per row of `reduced_cost` [K, n] exactly.

    Distance units, with `weight` [n] and `capacity` [K], demand units; only negative costs are worth carrying. Returns
    the selection [K, n] in {0, 1} and the values [K], distance units (≤ 0).

    Raises InputError if the shapes do not match, or a weight or capacity is negative. Raises InstanceError if a
    knapsack takes more memory than allowed, see `KnapsackBatch.price`.
    """
    if reduced_cost.shape != (len(capacity), len(weight)) or min(capacity.min(), weight.min()) < 0:
        raise InputError(
            f"{reduced_cost.shape} costs, {len(weight)} weights from {weight.min()}, "
            f"{len(capacity)} capacities from {capacity.min()}",
            field="knapsacks",
            remedy="give [K, n] costs with n weights and K capacities of 0 or more",
        )
    n_vehicles, n_customers = reduced_cost.shape
    cost = np.ascontiguousarray(reduced_cost, np.float64).ravel()
    weight, capacity = np.ascontiguousarray(weight, np.int64), np.ascontiguousarray(capacity, np.int64)
    items, vehicles = np.array([0, n_customers]), np.array([0, n_vehicles])
    selection, value = _price(cost, np.zeros(n_customers), weight, capacity, items, vehicles, [None])
    return selection.reshape(n_vehicles, n_customers), value
