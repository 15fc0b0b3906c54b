"""All placements of a small problem: the oracle of the tests."""

from __future__ import annotations

import time
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from lagrl.carbon.result import PlacementResult
from lagrl.errors import InstanceError

if TYPE_CHECKING:
    from lagrl.problems.carbon.placement_problem import PlacementProblem

LARGEST = 2**22


def solve_brute_force(problem: PlacementProblem) -> PlacementResult:
    """Return the best of all placements: hours by dynamic programming over the H^N placements of an hour.

    Raises
    ------
    InstanceError
        If an hour has more than 2^22 placements, all hours more than as many pairs, or none meets the limits.
    """
    started = time.perf_counter()
    hours, layers, devices = problem.running_g.shape
    n_states = devices**layers
    if n_states * (n_states if hours > 1 else 1) > LARGEST:
        raise InstanceError(
            f"{devices}^{layers} placements an hour", field="method brute-force", remedy="use method lagrangian"
        )
    states = np.array(list(product(range(devices), repeat=layers)), np.int64)
    fits = np.array([problem.hour(0).is_feasible(state[None]) for state in states])
    if not fits.any():
        raise InstanceError("no placement meets the limits", field="device_gb, limit_ms", remedy="raise a limit")
    states = states[fits]
    changes = (states[:, None] != states[None]).astype(float) if hours > 1 else np.zeros((0, 0, layers))
    rows = np.arange(layers)
    cost, origins = np.zeros(len(states)), []
    for t in range(hours):
        if t:
            total = cost + changes @ problem.switching_g[t - 1]  # to each state, from each
            origins.append(total.argmin(axis=1))
            cost = total.min(axis=1)
        cost = cost + problem.running_g[t, rows, states].sum(axis=1)
        cost = cost + (states[:, :-1] != states[:, 1:]) @ problem.transfer_g[t]
    last = [int(cost.argmin())]
    for origin in reversed(origins):
        last.append(int(origin[last[-1]]))
    placement = states[last[::-1]]
    emissions = problem.emissions(placement)
    return PlacementResult(placement, emissions, emissions, time.perf_counter() - started, n_states)
