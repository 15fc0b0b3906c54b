"""The nearest customers of each customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP


def nearest_matrix(problem: CVRP, most: int) -> NDArray[np.int64]:
    """Return the `most` nearest customers of each customer, [n + 1, min(most, n − 1)], nearest first; row 0 is 0.

    Ties go by number. Where the distances follow from coordinates, these are used: n·`most` memory, and no matrix.
    """
    n = problem.n_customers
    near = np.zeros((n + 1, min(most, n - 1)), np.int64)
    if problem.coordinates is not None and problem.rounding != "explicit":
        from lagrl.recovery.nearest_kernels import nearest_in_plane

        x, y = np.ascontiguousarray(problem.coordinates[1:].T)
        nearest_in_plane(x, y, np.argsort(x, kind="stable"), problem.rounding == "nint", near[1:])
        near[1:] += 1
        return near
    order = np.argsort(problem.distance[1:, 1:], axis=1, kind="stable")[:, : most + 1] + 1
    others = order != np.arange(1, n + 1)[:, None]
    others[others.all(axis=1), -1] = False  # the customer itself is farther than `most` others at the same place
    near[1:] = order[others].reshape(n, -1)
    return near
