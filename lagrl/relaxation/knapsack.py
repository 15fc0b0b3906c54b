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
    """The knapsacks of several assignment problems of any sizes, laid out once and priced many times.

    Parameters
    ----------
    problems
        Assignment problems; they need not have the same K or n.
    """

    def __init__(self, problems: Sequence[AssignmentProblem]) -> None:
        self.shapes = [problem.cost.shape for problem in problems]
        self._names = [problem.origin.name if problem.origin else None for problem in problems]
        self._cost = np.concatenate([problem.cost.ravel() for problem in problems])
        self._weight = np.concatenate([problem.weight for problem in problems])
        self._capacity = np.concatenate([problem.capacity for problem in problems])
        self._first_vehicle = np.cumsum([0] + [n_vehicles for n_vehicles, _ in self.shapes])
        self._first_item = np.cumsum([0] + [n_customers for _, n_customers in self.shapes])
        self._first_cell = np.cumsum([0] + [n_vehicles * n_customers for n_vehicles, n_customers in self.shapes])

    def price(self, multipliers: Sequence[NDArray[np.float64]]) -> list[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
        """Solve every knapsack min Σ_i (a_ki − λ_i) y_ki, Σ_i d_i y_ki ≤ Q_k, exactly.

        `multipliers`: one [n] vector per problem, distance units. Returns one pair per problem: selection [K, n] in {0,
        1} and the vehicles' values [K], distance units (≤ 0).

        Raises InputError if the vectors do not have the problems' lengths. Raises InstanceError if a knapsack takes
        more memory than the search may use, which needs a large capacity, and dozens of customers nearly equally worth
        their weight.
        """
        lengths = [len(vector) for vector in multipliers]
        if lengths != [n_customers for _, n_customers in self.shapes]:  # the kernel would read past the end
            raise InputError(
                f"vectors of lengths {lengths}",
                field="multipliers",
                remedy=f"give one per problem, of lengths {[n_customers for _, n_customers in self.shapes]}",
            )
        # numba takes a second to import; only those who price pay for it
        from lagrl.relaxation.pricing_kernels import price_batch

        selection = np.empty(int(self._first_cell[-1]), np.uint8)
        value = np.empty(len(self._capacity))
        given_up = price_batch(
            self._cost,
            np.concatenate(multipliers, dtype=np.float64),
            self._weight,
            self._capacity,
            self._first_item,
            self._first_vehicle,
            selection,
            value,
            np.empty(len(self._capacity), np.int64),
        )
        if given_up >= 0:
            b = int(np.searchsorted(self._first_vehicle, given_up, side="right")) - 1
            vehicle = given_up - int(self._first_vehicle[b])
            raise _too_large(vehicle, int(self._capacity[given_up]), self._names[b])
        cells, vehicles = self._first_cell, self._first_vehicle
        return [
            (selection[cells[b] : cells[b + 1]].reshape(shape), value[vehicles[b] : vehicles[b + 1]])
            for b, shape in enumerate(self.shapes)
        ]


def _too_large(vehicle: int, capacity: int, source: str | None = None) -> InstanceError:
    return InstanceError(
        f"vehicle {vehicle + 1}, of capacity {capacity}, takes more memory than the exact search may use",
        source=source,
        field="CAPACITY",
        remedy="express demands and capacity in a coarser unit",
    )


def solve_knapsacks(
    reduced_cost: NDArray[np.float64], weight: NDArray[np.int64], capacity: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Solve one knapsack per row of `reduced_cost` exactly.

    `reduced_cost`: [K, n] distance units; only negative entries are worth carrying. `weight`: [n] demand units.
    `capacity`: [K] demand units. Returns selection [K, n] in {0, 1} and values [K], distance units (≤ 0).

    Raises InputError if the shapes do not belong together, or a weight or capacity is negative. Raises InstanceError if
    a knapsack takes more memory than the search may use, see `KnapsackBatch.price`.
    """
    from lagrl.relaxation.pricing_kernels import price_batch

    if reduced_cost.shape != (len(capacity), len(weight)) or min(capacity.min(), weight.min()) < 0:
        raise InputError(
            f"{reduced_cost.shape} costs, {len(weight)} weights from {weight.min()}, "
            f"{len(capacity)} capacities from {capacity.min()}",
            field="knapsacks",
            remedy="give [K, n] costs with n weights and K capacities of 0 or more",
        )
    n_vehicles, n_customers = reduced_cost.shape
    selection = np.empty(n_vehicles * n_customers, np.uint8)
    value = np.empty(n_vehicles)
    given_up = price_batch(
        np.ascontiguousarray(reduced_cost, np.float64).ravel(),
        np.zeros(n_customers),
        np.ascontiguousarray(weight, np.int64),
        np.ascontiguousarray(capacity, np.int64),
        np.array([0, n_customers]),
        np.array([0, n_vehicles]),
        selection,
        value,
        np.empty(n_vehicles, np.int64),
    )
    if given_up >= 0:
        raise _too_large(given_up, int(capacity[given_up]))
    return selection.reshape(n_vehicles, n_customers), value
