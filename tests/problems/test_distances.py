"""Instances with and without a distance matrix."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lagrl.errors import InstanceError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib import read_instance, read_solution, write_instance, write_solution
from lagrl.problems.distances import MOST_IN_MATRIX
from lagrl.problems.generate import generate
from lagrl.problems.solution import Solution, check

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.problems.distances import Rounding


def without_matrix(problem: CVRP) -> CVRP:
    """Return the same instance, its distances from coordinates."""
    return replace(problem, matrix=None)


def drawn(n_customers: int, rounding: Rounding = "nint") -> CVRP:
    """Draw customers at places that are no whole numbers."""
    rng = np.random.default_rng(n_customers)
    points, demand = rng.uniform(0, 100, (n_customers + 1, 2)), rng.integers(1, 6, n_customers)
    return CVRP.from_coordinates("drawn", points, demand, 20, rounding=rounding)


@pytest.mark.parametrize("rounding", ["nint", "none"])
def test_distances_are_those_of_the_matrix_to_the_bit(rounding: str) -> None:
    """Single ones, blocks, parts of the instance, and the cost of routes."""
    problem = drawn(60, rounding)
    bare = without_matrix(problem)
    nodes = np.arange(61)
    assert np.array_equal(bare.between(nodes[:, None], nodes), problem.distance)
    assert bare.between(3, 4) == problem.between(3, 4) == problem.distance[3, 4]
    some = np.array([5, 60, 2, 33])
    assert np.array_equal(bare.restricted_to(some).distance, problem.restricted_to(some).distance)
    routes = np.array_split(np.arange(1, 61), 12)
    assert Solution.of(bare, routes) == Solution.of(problem, routes)


def test_an_instance_above_the_limit_has_no_matrix() -> None:
    """At the limit there is one; above, reading it is one clear error, and the rest works."""
    assert generate(MOST_IN_MATRIX, seed=1).matrix is not None
    problem = generate(MOST_IN_MATRIX + 1, seed=1, name="large")
    assert problem.matrix is None
    with pytest.raises(InstanceError, match=r"^large: distance: 5001 customers have no distance matrix, .*0\.2 GB"):
        problem.distance  # noqa: B018 - reading it raises
    assert pickle.loads(pickle.dumps(problem)).n_customers == MOST_IN_MATRIX + 1
    routes = [[customer] for customer in range(1, MOST_IN_MATRIX + 2)]
    assert check(problem, Solution.of(problem, routes)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"coordinates": None}, "coordinates: neither a matrix nor coordinates"),
        ({"rounding": "explicit"}, "coordinates: neither a matrix nor coordinates"),
        ({"coordinates": np.zeros((3, 2))}, "coordinates of shape (3, 2), but 5 nodes"),
        ({"coordinates": np.full((5, 2), np.nan)}, "not finite"),
        ({"coordinates": np.array([[0, 0], [1.7e308, 0], [-1.7e308, 0], [0, 0], [0, 0]])}, "too far apart"),
    ],
)
def test_without_a_matrix_coordinates_must_be_usable(changes: dict[str, Any], expected: str) -> None:
    """Missing, malformed and overflowing coordinates are refused in one line."""
    with np.errstate(over="ignore"), pytest.raises(InstanceError) as caught:
        replace(drawn(4), matrix=None, **changes)
    assert expected in str(caught.value)


def test_a_matrix_above_the_limit_is_refused() -> None:
    """One line says how much memory it takes; the array here takes none."""
    n = MOST_IN_MATRIX + 1
    with pytest.raises(InstanceError, match=r"a matrix of 5001 customers takes 0\.2 GB; give coordinates"):
        CVRP("m", np.ones(n, np.int64), 9, np.broadcast_to(0.0, (n + 1, n + 1)))


def test_large_files_are_read_back(tmp_path: Path) -> None:
    """Coordinates, demands and a solution beside the file survive; other metrics are refused in one line."""
    problem = generate(MOST_IN_MATRIX + 1, seed=2, name="large")
    path = tmp_path / "large.vrp"
    write_instance(problem, path)
    routes = [[customer] for customer in range(1, problem.n_customers + 1)]
    write_solution(Solution.of(problem, routes), path.with_suffix(".sol"))
    again = read_instance(path)
    assert again.matrix is None and np.array_equal(again.coordinates, problem.coordinates)
    assert again.best_known == read_solution(path.with_suffix(".sol")).cost == Solution.of(problem, routes).cost
    with pytest.raises(InstanceError, match=r"rounding none would be a matrix of 0\.2 GB"):
        write_instance(replace(problem, rounding="none"), path)
    path.write_text(path.read_text().replace("EUC_2D", "CEIL_2D"))
    with pytest.raises(InstanceError, match=r"EDGE_WEIGHT_TYPE: CEIL_2D distances of 5002 nodes would take 0\.2 GB"):
        read_instance(path)


def test_a_duration_limit_is_checked_without_a_matrix(tmp_path: Path) -> None:
    """The diagonal around all nodes bounds each arc: a limit far above is accepted, another one refused."""
    problem = generate(MOST_IN_MATRIX + 1, seed=2, name="large", route_length=5, demand="U")
    path = tmp_path / "large.vrp"
    write_instance(problem, path)
    text = path.read_text()
    path.write_text(text.replace("CAPACITY", "DISTANCE : 9000\nCAPACITY", 1))
    assert read_instance(path).n_customers == problem.n_customers
    path.write_text(text.replace("CAPACITY", "DISTANCE : 8000\nCAPACITY", 1))
    with pytest.raises(InstanceError, match="limits the duration"):
        read_instance(path)
