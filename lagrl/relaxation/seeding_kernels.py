"""Compiled k-means whose clusters respect the capacity, for the vehicles' seeds."""

from __future__ import annotations

import math

import numpy as np

from lagrl.relaxation.pricing_kernels import assign_by_regret
from lagrl.signatures import FLOATS, INTS, MATRIX, OUT_INTS, OUT_MATRIX, Floats, Ints, Matrix, int64, kernel, void


@kernel(void(MATRIX, FLOATS, INTS, int64, int64, OUT_MATRIX, OUT_INTS))
def cluster_within_capacity(
    points: Matrix, mass: Floats, demand: Ints, capacity: int, rounds: int, centre: Matrix, group: Ints
) -> None:
    """Alternate between assigning points [n, 2] to K centres and moving the centres, until no point changes.

    Points join centres by regret within the capacity; those that fit nowhere join the nearest. A centre moves to the
    mean of its points by `mass` [n]; one without mass stays. `centre` [K, 2] holds the first centres and is changed in
    place, `group` [n] receives each point's centre. At most `rounds` assignments, O(n·K + n²) each.
    """
    n_groups = len(centre)
    n = len(points)
    apart = np.empty((n_groups, n))
    room = np.empty(n_groups, np.int64)
    before = np.empty(n, np.int64)
    load = np.empty(n_groups)
    total = np.empty((n_groups, 2))
    for i in range(n):
        group[i] = -1
    for _ in range(rounds):
        for k in range(n_groups):
            room[k] = capacity
            for i in range(n):
                apart[k, i] = math.hypot(centre[k, 0] - points[i, 0], centre[k, 1] - points[i, 1])
        for i in range(n):
            before[i] = group[i]
            group[i] = -1
        if assign_by_regret(apart, demand, room, group):
            for i in range(n):
                if group[i] < 0:  # a cluster need not be a load that fits
                    group[i] = 0
                    for k in range(1, n_groups):
                        if apart[k, i] < apart[group[i], i]:
                            group[i] = k
        is_same = True
        for i in range(n):
            if group[i] != before[i]:
                is_same = False
                break
        if is_same:
            break
        for k in range(n_groups):
            load[k] = 0.0
            total[k, 0] = 0.0
            total[k, 1] = 0.0
        for i in range(n):
            k = group[i]
            load[k] += mass[i]
            total[k, 0] += mass[i] * points[i, 0]
            total[k, 1] += mass[i] * points[i, 1]
        for k in range(n_groups):
            if load[k] > 0.0:
                centre[k, 0] = total[k, 0] / load[k]
                centre[k, 1] = total[k, 1] / load[k]
