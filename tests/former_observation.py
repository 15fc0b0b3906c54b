"""The observations of version 1, in the arithmetic of the version in which there was only one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.relaxation.dual import AssignmentDual, DualPoint


def as_it_was(dual: AssignmentDual, points: list[DualPoint], target: float | None, budget: int) -> NDArray[np.float32]:
    """Return the last observation [n, 14] of an ascent, with its upper bound and its budget."""
    problem, s, last = dual.problem, dual.scale, points[-1]
    assert problem.origin is not None
    fast = slow = points[0].violation
    for point in points[1:]:
        fast = (1 - 0.3) * fast + 0.3 * point.violation
        slow = (1 - 0.05) * slow + 0.05 * point.violation
    best = max(points, key=lambda point: point.sampled_value)
    value, g = last.sampled_value, last.violation
    gap = max(0.05 * abs(value), s) if target is None else max(target - value, 1e-3 * s)
    ranked = np.sort(problem.cost, axis=0)
    columns = [
        last.multipliers / s,
        (last.multipliers - best.multipliers) / s,
        g,
        fast,
        slow,
        ranked[0] / s,
        (ranked[1] - ranked[0]) / s,
        (problem.cost - last.multipliers).min(axis=0) / s,
        problem.weight / int(problem.capacity.max()),
        problem.origin.distance[0, 1:] / s,
        min(1.0, (budget - len(points)) / 200),
        1.0 - np.count_nonzero(g) / len(g),
        math.log10(gap / (max(1.0, float(g @ g)) * s)),
        problem.weight.sum() / int(problem.capacity.sum()),
    ]
    nodes = np.stack([np.broadcast_to(column, len(g)) for column in columns], axis=1)
    return np.clip(nodes, -10.0, 10.0).astype(np.float32)
