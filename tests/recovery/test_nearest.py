"""The nearest customers, from a matrix and from coordinates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lagrl.problems.cvrp import CVRP
from lagrl.recovery.nearest import nearest_matrix


def test_nearest_customers_are_sorted() -> None:
    """Nearest first, without the customer itself, which others at the same place may precede."""
    distance = np.zeros((5, 5))
    distance[4, :] = distance[:, 4] = [1.0, 2.0, 3.0, 4.0, 0.0]
    problem = CVRP("four", np.ones(4, np.int64), 4, distance)
    assert nearest_matrix(problem, 2).tolist() == [[0, 0], [2, 3], [1, 3], [1, 2], [1, 2]]
    assert nearest_matrix(problem, 9).tolist()[1:] == [[2, 3, 4], [1, 3, 4], [1, 2, 4], [1, 2, 3]]
    assert nearest_matrix(CVRP("one", np.ones(1, np.int64), 4, np.zeros((2, 2))), 9).shape == (2, 0)


@pytest.mark.parametrize("rounding", ["nint", "none"])
@pytest.mark.parametrize("shape", ["square", "few places", "one line", "one point"])
def test_coordinates_give_the_same_as_the_matrix(shape: str, rounding: str) -> None:
    """Many equal distances and customers at one place included; the matrix is sorted independently."""
    rng = np.random.default_rng(0)
    points = {
        "square": rng.uniform(0, 50, (131, 2)),
        "few places": rng.integers(0, 6, (131, 2)),
        "one line": rng.integers(0, 40, (131, 1)) * np.array([0, 1]),
        "one point": np.ones((131, 2)),
    }[shape]
    demand = np.ones(130, np.int64)
    problem = CVRP.from_coordinates("drawn", points, demand, 9, rounding=rounding)
    given = replace(problem, rounding="explicit")
    for most in (1, 7, 129, 200):
        near = nearest_matrix(problem, most)
        assert near.shape == (131, min(most, 129))
        assert np.array_equal(near, nearest_matrix(given, most))
        for i in range(1, 131):
            others = [c for c in range(1, 131) if c != i]
            assert near[i].tolist() == sorted(others, key=lambda c: (problem.distance[i, c], c))[:most]
