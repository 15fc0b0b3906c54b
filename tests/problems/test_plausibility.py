"""Doubts about rounded distances and about costs below the best known one, each once and in one line."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest

import lagrl
from lagrl.errors import InputWarning
from lagrl.problems.bundled import bundled_names
from lagrl.problems.cvrp import CVRP
from lagrl.problems.plausibility import question_cost

if TYPE_CHECKING:
    from numpy.typing import NDArray

# 20 customers in the unit square, in thousandths; the depot first
UNIT = """512 950 144 949 312 423 828 409 550 28 754 538 330 788 303 453 134 403 203 262 750 280 485 981 962 725 541 277
161 970 516 116 623 777 613 917 40 529 459 62 641 853"""
UNIT_DEMAND = [2, 6, 8, 3, 4, 8, 6, 5, 7, 5, 9, 7, 1, 2, 5, 8, 1, 7, 7, 8]


def unit_square() -> NDArray[np.float64]:
    """Return the points [21, 2]."""
    return np.array(UNIT.split(), float).reshape(-1, 2) / 1000


def built(points: NDArray[np.float64], rounding: str = "nint") -> CVRP:
    """Build an instance with unit demands."""
    demand = [1] * (len(points) - 1)
    return CVRP.from_coordinates("own", points, demand, 5, rounding=rounding)


def test_distances_below_one_are_questioned() -> None:
    """The unit square: a warning that names the option, under which the routes cost 6.1 instead of 2 or less."""
    points = unit_square()
    with pytest.warns(InputWarning, match=r"^own: .* 93 of 210 distances .* become 0; --rounding none") as caught:
        built(points)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exact = CVRP.from_coordinates("own", points, UNIT_DEMAND, 30, rounding="none")
    result = lagrl.solve(exact, evaluations=60)
    assert (round(result.cost, 2), len(result.routes)) == (6.1, 4)


def test_degrees_and_few_lengths_are_questioned() -> None:
    """Latitudes of a city become 0; tens of units keep 15 lengths of 210."""
    degrees = np.array([48.8, 2.3]) + 0.1 * unit_square()
    with pytest.warns(InputWarning, match=r"210 of 210 distances between different places become 0"):
        built(degrees)
    with pytest.warns(InputWarning, match=r"only 11 different lengths remain of \d+; --rounding none"):
        built(10 * unit_square())


def test_usual_instances_are_not_questioned() -> None:
    """Neither benchmarks, generated ones, points on a grid, one point for all, nor two customers."""
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in bundled_names():
            lagrl.read(name)
        built(100 * unit_square())
        built(rng.integers(0, 6, (30, 2)).astype(float))
        built(np.zeros((4, 2)))
        built(np.array([[0.0, 0.0], [3.0, 4.2], [1.0, 7.9]]))
        built(rng.uniform(0, 1000, (3000, 2)))


def test_a_cost_below_the_best_known_is_questioned() -> None:
    """Not within the precision of a published cost, nor without one."""
    with pytest.warns(InputWarning, match="own: routes cost less than the best known 1618.36; .*--rounding none"):
        question_cost("own", 1614.0, 1618.36)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for cost, known in ((1618.355, 1618.36), (1620.0, 1618.36), (1.0, None), (None, 5.0)):
            question_cost("own", cost, known)
        question_cost("own", 1614.0, 1618.36, "lagrl 0.9.0")  # its routes have that cost under these distances


def test_solve_questions_its_routes() -> None:
    """Routes below the best known cost that the user gave are a warning."""
    points = [(0, 0), (10, 0), (0, 10), (-10, 0)]
    problem = CVRP.from_coordinates("own", points, [1, 1, 1], 3, best_known=60.0)
    with pytest.warns(InputWarning, match="own: routes cost less than the best known 60"):
        lagrl.solve(problem, evaluations=5)
