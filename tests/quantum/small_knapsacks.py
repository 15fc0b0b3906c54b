"""Random knapsacks for the tests of candidates, circuits and samplers."""

from __future__ import annotations

import numpy as np


def knapsacks(
    rng: np.random.Generator, n_vehicles: int = 6, n_customers: int = 30, room: float = 0.4
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw reduced costs [K, n], weights [n] and capacities [K]; about `room` of the customers with ã < 0 fit."""
    reduced_cost = rng.normal(-5.0, 20.0, (n_vehicles, n_customers))
    weight = rng.integers(1, 50, n_customers)
    wanted = ((reduced_cost < 0) * weight).sum(axis=1)
    return reduced_cost, weight, np.maximum((room * wanted).astype(np.int64), 1)


def strings(m: int) -> np.ndarray:
    """List all strings, [2^m, m]: bit i of the index is y_i."""
    return ((np.arange(2**m)[:, None] >> np.arange(m)) & 1).astype(np.uint8)
