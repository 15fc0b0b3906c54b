"""Fisher and Jaikumar's costs by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lagrl.errors import InstanceError
from lagrl.problems.bundled import bundled_names, read_bundled
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.seeding import SEEDINGS, Seeds, farthest


def line(demand: tuple[int, ...] = (4, 5, 6), capacity: int = 10) -> CVRP:
    """Put the depot at 0 and customers at 3, 4 (beside it) and −2 on a line through the plane."""
    return CVRP.from_coordinates("line", [(0, 0), (3, 0), (0, 4), (-2, 0)], demand, capacity, rounding="none")


def test_costs_are_cheapest_insertions() -> None:
    """a_ki = c(0, i) + c(i, s_k) − c(0, s_k) for seeds at customers 1 and 2, worked out by hand."""
    problem = line()
    assignment = linearise(problem, Seeds(problem.distance[[1, 2]], "by hand"))
    expected = [[3 + 0 - 3, 4 + 5 - 3, 2 + 5 - 3], [3 + 5 - 4, 4 + 0 - 4, 2 + np.sqrt(20) - 4]]
    assert assignment.cost == pytest.approx(np.array(expected))
    assert assignment.weight.tolist() == [4, 5, 6]
    assert assignment.capacity.tolist() == [10, 10]


def test_a_seed_at_the_depot_prices_return_trips() -> None:
    """A vehicle with its seed at the depot pays 2·c(0, i)."""
    problem = line()
    assignment = linearise(problem, Seeds(problem.distance[[0, 0]], "by hand"))
    assert assignment.cost == pytest.approx(np.array([[6, 8, 4]] * 2))


def test_a_seed_between_customers_prices_detours() -> None:
    """A seed needs no customer: here it lies at (3, 4), five from the depot."""
    problem = line()
    distance = np.array([[5.0, 4.0, 3.0, np.hypot(5, 4)]] * 2)
    assert linearise(problem, Seeds(distance, "by hand")).cost[0] == pytest.approx([2, 2, 2 + np.hypot(5, 4) - 5])


def test_negative_detours_are_clipped() -> None:
    """Rounding can break the triangle inequality: 1 + 1 − 3 counts 0."""
    distance = np.array([[0.0, 1.0, 3.0], [1.0, 0.0, 1.0], [3.0, 1.0, 0.0]])
    problem = CVRP("rounded", np.array([1, 1]), 2, distance)
    assert linearise(problem, Seeds(distance[[2]], "by hand")).cost.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("rule", SEEDINGS)
@pytest.mark.parametrize("name", bundled_names()[:3])
def test_real_instances_get_sound_costs(name: str, rule: str) -> None:
    """Costs are [K, n], finite and 0 or more, and the vehicles' capacity is the instance's."""
    problem = read_bundled(name)
    n_vehicles = problem.minimum_vehicles
    assignment = linearise(problem, SEEDINGS[rule](problem, n_vehicles, np.random.default_rng(0)))
    assert assignment.cost.shape == (n_vehicles, problem.n_customers)
    assert (assignment.capacity == problem.capacity).all()
    assert 0 < assignment.cost_scale < np.inf


def test_customers_that_are_seeds_cost_their_vehicle_nothing() -> None:
    """A route through the seed serves the customer there for free: c(0, s) + 0 − c(0, s)."""
    problem = read_bundled(bundled_names()[0])
    cost = linearise(problem, farthest(problem, 4, np.random.default_rng(0))).cost
    assert ((cost == 0).sum(axis=1) >= 1).all()


def test_too_few_vehicles_are_refused() -> None:
    """One vehicle of 10 for a demand of 15: the message says so, and how many it takes."""
    problem = line()
    with pytest.raises(InstanceError, match="line: n_vehicles: 1 vehicles carry 10, the demand is 15; use at least 2"):
        linearise(problem, Seeds(problem.distance[[1]], "by hand"))


def test_it_knows_the_instance() -> None:
    """The assignment problem names what it linearises: observations need its distances."""
    problem = line()
    assert linearise(problem, Seeds(problem.distance[[1, 2]], "by hand")).origin is problem


def test_a_spare_vehicle_is_tried_in_turn() -> None:
    """Every second time, first where the needed ones would be full, never where the fleet is fixed."""
    demand = (4, 4, 4)
    loose, full = line(demand, 9), line(demand, 4)
    assert [vehicles_to_try(loose, turn) for turn in range(3)] == [2, 3, 2]
    assert [vehicles_to_try(full, turn) for turn in range(3)] == [3, 3, 3]  # there are three customers only
    tight = line((4, 2, 2), 4)
    assert [vehicles_to_try(tight, turn) for turn in range(3)] == [3, 2, 3]
    fixed = CVRP(tight.name, tight.demand, 4, tight.distance, tight.coordinates, Fleet("exact", 2))
    assert [vehicles_to_try(fixed, turn) for turn in range(3)] == [2, 2, 2]
