"""The CVRP as data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lagrl.errors import FleetError, InstanceError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.distances import euclidean
from lagrl.problems.fleet import Fleet

DISTANCE = np.array([[0.0, 1, 2], [1, 0, 3], [2, 3, 0]])


def made(**changes: Any) -> CVRP:
    """Build a valid instance of two customers with the given changes."""
    fields: dict[str, Any] = {"name": "two", "demand": np.array([3, 4]), "capacity": 5, "matrix": DISTANCE.copy()}
    return CVRP(**(fields | changes))


def edited(row: int, column: int, value: float) -> np.ndarray:
    """Return distances with one entry changed."""
    distance = DISTANCE.copy()
    distance[row, column] = value
    return distance


def test_counts_follow_from_the_demand() -> None:
    """n, the fewest vehicles and the tightness are what the demands say."""
    problem = made()
    assert (problem.n_customers, problem.minimum_vehicles, problem.tightness) == (2, 2, 0.7)
    assert made(demand=np.array([1, 1]), fleet=Fleet("atleast", 2)).minimum_vehicles == 2


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"demand": np.array([3, 6])}, "two: DEMAND_SECTION: customer 2 has demand 6, above CAPACITY 5"),
        ({"demand": np.array([3, -1])}, "customer 2 has demand -1, below 0"),
        ({"demand": np.array([3.0, 1.0])}, "demand: array of shape"),
        ({"demand": np.array([], dtype=int)}, "demand: array of shape"),
        ({"demand": np.array([1, 2, 3])}, "4 nodes"),
        ({"capacity": 0}, "CAPACITY: 0 is not positive"),
        ({"matrix": edited(0, 1, math.nan)}, "from node 1 to node 2 is nan"),
        ({"matrix": edited(0, 1, math.inf)}, "from node 1 to node 2 is inf"),
        ({"matrix": edited(0, 1, -1)}, "from node 1 to node 2 is -1"),
        ({"matrix": edited(0, 1, 9)}, "node 1 to 2 is 9.0, back it is 1.0"),
        ({"matrix": edited(1, 1, 9)}, "from node 2 to itself is 9.0 (the depot is node 1)"),
        ({"coordinates": np.zeros((2, 2))}, "coordinates of shape"),
    ],
)
def test_what_is_inconsistent_is_refused(changes: dict[str, Any], expected: str) -> None:
    """Each array is checked against the others, and the message names the first wrong entry."""
    with pytest.raises(InstanceError) as caught:
        made(**changes)
    assert expected in str(caught.value)


@pytest.mark.parametrize("fleet", [Fleet("exact", 1), Fleet("exact", 3), Fleet("atleast", 3), Fleet("atmost", 1)])
def test_a_fleet_that_cannot_be_met_is_refused(fleet: Fleet) -> None:
    """Neither too few vehicles nor more than customers."""
    with pytest.raises(FleetError, match=str(fleet)):
        made(fleet=fleet)


def test_a_limit_above_the_customers_is_no_mistake() -> None:
    """At most 100 vehicles may serve two customers; no solution has more routes than customers."""
    assert made(fleet=Fleet("atmost", 100)).maximum_vehicles == 2
    assert made(fleet=Fleet("atleast", 2)).maximum_vehicles == 2


@pytest.mark.parametrize("points", [[[0, 0], [1, math.nan]], [[0, 0, 0], [1, 1, 1]], [0, 1]])
def test_points_must_be_finite_pairs(points: list[Any]) -> None:
    """Other shapes and NaN are refused by name."""
    with pytest.raises(InstanceError, match="bad: coordinates"):
        CVRP.from_coordinates("bad", points, [1], 2)


def test_an_instance_prints_as_one_line() -> None:
    """`print` shows size, capacity, fleet rule and best known cost, not the arrays."""
    problem = CVRP.from_coordinates(
        "own", [(0, 0), (3, 4), (0, 5)], [2, 3], 6, fleet=Fleet("exact", 1), best_known=14.0
    )
    assert str(problem) == "own: 2 customers, capacity 6, fleet exact:1, best known cost 14"


def test_arrays_cannot_be_changed() -> None:
    """An instance is shared by many and changed by none."""
    with pytest.raises(ValueError, match="read-only"):
        made().distance[0, 1] = 7


@pytest.mark.parametrize(("known", "gap"), [(200.0, 5.0), (None, None)])
def test_the_gap_is_to_the_best_known_cost(known: float | None, gap: float | None) -> None:
    """In percent of the best known cost, or None without one."""
    assert made(best_known=known).gap_percent(210.0) == gap


pair = st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)).map(lambda p: (p[0] / 2, p[1] / 2))


@given(points=st.lists(pair, min_size=1, max_size=6))
def test_distances_are_euclid_rounded_half_up(points: list[tuple[float, float]]) -> None:
    """Against the plain formula, with coordinates in halves, where half-to-even would differ."""
    array = np.array(points)
    exact = [[math.dist(p, q) for q in points] for p in points]
    assert np.allclose(euclidean(array, array, "none"), exact, rtol=1e-12, atol=0)
    assert euclidean(array, array, "nint").tolist() == [[math.floor(d + 0.5) for d in row] for row in exact]
    assert array.tolist() == [list(p) for p in points]


@pytest.mark.parametrize(
    ("demand", "capacity", "said"),
    [
        ([1, 2.9], 5, "demand: 2.9 is not a whole number"),
        ([1, 2], 2.95, "capacity: 2.95"),
        ([1, float("nan")], 5, "demand: nan"),
        ([1, "x"], 5, "demand: could not convert"),
        ([1, 2], 1e300, "capacity: 1e\\+300"),
    ],
)
def test_nothing_is_lost_in_conversion(demand: list[object], capacity: float, said: str) -> None:
    """A fraction, NaN or text is refused: it would otherwise be truncated or end in another error."""
    with pytest.raises(InstanceError, match=said):
        CVRP.from_coordinates("t", [[0, 0], [1, 1], [2, 5]], demand, capacity)


@pytest.mark.parametrize("layout", ["whole", "float32", "fortran", "part", "int32 demand", "every second demand"])
def test_arrays_of_other_layouts_are_the_same_instance(layout: str) -> None:
    """Whole-number distances, single precision, transposed storage and parts of larger arrays are converted."""
    changes: dict[str, dict[str, Any]] = {
        "whole": {"matrix": DISTANCE.astype(np.int64)},
        "float32": {"matrix": DISTANCE.astype(np.float32)},
        "fortran": {"matrix": np.asfortranarray(DISTANCE)},
        "part": {"matrix": np.pad(DISTANCE, 1)[1:-1, 1:-1]},
        "int32 demand": {"demand": np.array([3, 4], np.int32)},
        "every second demand": {"demand": np.array([3, 0, 4, 0])[::2]},
    }
    problem = made(**changes[layout])
    assert (problem.distance.dtype, problem.demand.dtype) == (np.float64, np.int64)
    assert problem.distance.flags.c_contiguous
    assert problem.demand.flags.c_contiguous
    np.testing.assert_array_equal(problem.distance, DISTANCE)
    assert problem.demand.tolist() == [3, 4]
