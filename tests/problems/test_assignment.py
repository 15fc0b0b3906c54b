from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.errors import InstanceError, SolutionError
from lagrl.problems.assignment import AssignmentProblem

COST = [[1.0, 20.0, 3.0], [10.0, 2.0, 30.0]]


def make(**changes):
    """Build two vehicles and three customers, with the given changes."""
    values = {"cost": np.array(COST), "weight": np.array([4, 5, 6]), "capacity": np.array([9, 6])} | changes
    return AssignmentProblem(**values)


def test_sizes_are_those_of_the_arrays():
    """K counts rows of the cost, n its columns."""
    assert (make().n_vehicles, make().n_customers) == (2, 3)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), n_vehicles=st.integers(1, 3), n_customers=st.integers(1, 5))
def test_feasibility_of_every_assignment(seed, n_vehicles, n_customers):
    """For all K^n assignments, feasibility follows from the loads added up one by one."""
    rng = np.random.default_rng(seed)
    cost = rng.uniform(0, 100, (n_vehicles, n_customers))
    weight = rng.integers(0, 10, n_customers)
    capacity = rng.integers(0, 25, n_vehicles)
    problem = AssignmentProblem(cost, weight, capacity)
    for vehicles in itertools.product(range(n_vehicles), repeat=n_customers):
        assignment = np.array(vehicles)
        load = [0] * n_vehicles
        for customer, vehicle in enumerate(vehicles):
            load[vehicle] += int(weight[customer])
        assert problem.is_feasible(assignment) == all(used <= room for used, room in zip(load, capacity, strict=True))


def test_full_vehicles_are_feasible():
    """A load equal to the capacity fits; one unit more does not."""
    assignment = np.array([0, 0, 1])
    assert make().is_feasible(assignment)
    assert not make(capacity=np.array([8, 6])).is_feasible(assignment)


@pytest.mark.parametrize("vehicle", [-1, 2])
def test_customer_on_no_vehicle(vehicle):
    """A customer on a vehicle that does not exist makes an assignment infeasible."""
    assignment = np.array([0, vehicle, 1])
    roomy = make(capacity=np.array([99, 99]))
    assert not roomy.is_feasible(assignment)


@pytest.mark.parametrize("assignment", [np.array([0, 1]), np.array([[0, 1, 0]]), np.array([0.0, 1.0, 0.0])])
def test_assignment_of_the_wrong_shape_is_refused(assignment):
    """An assignment that is not [n] whole numbers is an error, not merely infeasible."""
    with pytest.raises(SolutionError, match="3 customers"):
        make().is_feasible(assignment)


def test_cost_scale_is_the_median_of_the_cheapest_costs():
    """The scale is median_i min_k a_ki, but never below 1."""
    assert make().cost_scale == 2.0
    assert make(cost=np.array(COST) * 100).cost_scale == 200.0
    assert make(cost=np.array(COST) / 100).cost_scale == 1.0
    assert make(cost=np.zeros((2, 3))).cost_scale == 1.0


def test_problem_cannot_be_changed():
    """Neither the fields nor the entries of the arrays can be written."""
    problem = make()
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.cost = np.zeros((2, 3))
    for array in (problem.cost, problem.weight, problem.capacity):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cost": np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 3.0]])}, r"cost: entry \[0, 1\] is nan"),
        ({"cost": np.array([[1.0, 2.0, 3.0], [1.0, 2.0, np.inf]])}, r"cost: entry \[1, 2\] is inf"),
        ({"cost": np.array([[1.0, 2.0, -1.0], [1.0, 2.0, 3.0]])}, r"cost: entry \[0, 2\] is -1"),
        ({"cost": np.ones((2, 3), dtype=np.float32)}, r"cost: array of shape \(2, 3\) and type float32"),
        ({"cost": np.ones(3)}, r"cost: array of shape \(3,\)"),
        ({"cost": np.ones((0, 3))}, r"cost: array of shape \(0, 3\)"),
        ({"weight": np.array([4, 5])}, r"weight: array of shape \(2,\) and type int64 is not \[3\] int64"),
        ({"weight": np.array([4.0, 5.0, 6.0])}, r"weight: .* float64 is not \[3\] int64"),
        ({"weight": np.array([4, -5, 6])}, r"weight: entry \[1\] is -5"),
        ({"capacity": np.array([9, 6, 3])}, r"capacity: array of shape \(3,\) and type int64 is not \[2\] int64"),
        ({"capacity": np.array([9, -6])}, r"capacity: entry \[1\] is -6"),
    ],
)
def test_bad_arrays_are_named(changes, message):
    """An array of the wrong type or shape, or with a negative or non-finite entry, is refused by name and value."""
    with pytest.raises(InstanceError, match=message):
        make(**changes)
