"""Compiled loops over many knapsacks, one for each kernel that `knapsack_kernels` times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks.knapsack_kernels.former_kernel import fill_by_core
from lagrl.relaxation.branch_and_bound_kernels import (
    FLOAT_ROWS,
    INT_ROWS,
    NODE_LIMIT,
    STATE_LIMIT,
    TABLE_LIMIT,
    fill_exactly,
)
from lagrl.relaxation.dp_kernels import fill_knapsack
from lagrl.signatures import FLOATS, INTS, OUT_BYTES, OUT_FLOATS, float64, int64, void

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_LOOP = void(FLOATS, INTS, INTS, INTS, int64, OUT_FLOATS)


@njit(float64(FLOATS, OUT_BYTES), cache=True)
def _worth(profit: Floats, chosen: Bytes) -> float:
    worth = 0.0
    for j in range(len(profit)):
        if chosen[j]:
            worth += profit[j]
    return worth


@njit(_LOOP, cache=True)
def fill_by_table(profit: Floats, weight: Ints, first: Ints, capacity: Ints, rounds: int, value: Floats) -> None:
    """Fill every knapsack by the plain dynamic programme over all its items."""
    cells = 0
    for k in range(len(capacity)):
        cells = max(cells, (first[k + 1] - first[k]) * (capacity[k] + 1))
    before, after, taken = np.empty(capacity.max() + 1), np.empty(capacity.max() + 1), np.empty(cells, np.uint8)
    chosen, highest = np.empty(len(profit), np.uint8), np.empty(len(profit), np.int64)
    for _ in range(rounds):
        for k in range(len(capacity)):
            p, w = profit[first[k] : first[k + 1]], weight[first[k] : first[k + 1]]
            fill_knapsack(p, w, capacity[k], chosen, before, after, taken, highest)
            value[k] = _worth(p, chosen)


@njit(_LOOP, cache=True)
def fill_by_former(profit: Floats, weight: Ints, first: Ints, capacity: Ints, rounds: int, value: Floats) -> None:
    """Fill every knapsack by the former kernel."""
    before, after = np.empty(capacity.max() + 1), np.empty(capacity.max() + 1)
    chosen = np.empty(len(profit), np.uint8)
    for _ in range(rounds):
        for k in range(len(capacity)):
            p, w = profit[first[k] : first[k + 1]], weight[first[k] : first[k + 1]]
            fill_by_core(p, w, capacity[k], chosen, before, after)
            value[k] = _worth(p, chosen)


@njit(_LOOP, cache=True)
def fill_by_search(profit: Floats, weight: Ints, first: Ints, capacity: Ints, rounds: int, value: Floats) -> None:
    """Fill every knapsack as pricing does."""
    m = np.diff(first).max()
    ints, floats, chosen = np.empty((INT_ROWS, m), np.int64), np.empty((FLOAT_ROWS, m)), np.empty(m, np.uint8)
    for _ in range(rounds):
        for k in range(len(capacity)):
            p, w = profit[first[k] : first[k + 1]], weight[first[k] : first[k + 1]]
            fill_exactly(p, w, capacity[k], chosen, ints, floats, NODE_LIMIT, TABLE_LIMIT, STATE_LIMIT)
            value[k] = _worth(p, chosen)


KERNELS = {"table": fill_by_table, "former": fill_by_former, "search": fill_by_search}


@dataclass(frozen=True)
class Knapsacks:
    """Several knapsacks in one piece: items of knapsack k are first[k] … first[k + 1]."""

    profit: Floats
    weight: Ints
    first: Ints
    capacity: Ints

    @staticmethod
    def of(knapsacks: list[tuple[Floats, Ints, int]]) -> Knapsacks:
        """Join profits, weights and capacities."""
        profits, weights, capacities = zip(*knapsacks, strict=True)
        first = np.cumsum([0, *map(len, profits)])
        return Knapsacks(np.concatenate(profits), np.concatenate(weights), first, np.array(capacities))

    def fill(self, kernel: Any, rounds: int, value: Floats) -> None:
        """Fill all of them, `rounds` times over; `value` [k] is set."""
        kernel(self.profit, self.weight, self.first, self.capacity, rounds, value)
