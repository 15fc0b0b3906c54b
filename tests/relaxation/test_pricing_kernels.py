"""Assignment by regret, and that nothing is compiled once the kernels are loaded."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import random_problem

from lagrl.compilation import compile_kernels, kernel_modules
from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.pricing_kernels import assign_by_regret, price_batch


def reference_order(
    cost: np.ndarray, weight: np.ndarray, room: np.ndarray, assignment: np.ndarray
) -> tuple[np.ndarray, int]:
    """Recompute every regret from scratch in every round, as the definition says."""
    room, assignment = room.copy(), assignment.copy()
    while True:
        choices = []
        for i in np.flatnonzero(assignment < 0):
            open_to = np.flatnonzero(room >= weight[i])
            ranked = open_to[np.argsort(cost[open_to, i], kind="stable")]
            if len(ranked):
                regret = np.inf if len(ranked) == 1 else cost[ranked[1], i] - cost[ranked[0], i]
                choices.append((regret, weight[i], i, ranked[0]))
        if not choices:
            return assignment, int((assignment < 0).sum())
        _, w, i, k = max(choices)
        assignment[i] = k
        room[k] -= w


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), n_vehicles=st.integers(1, 5), n_customers=st.integers(1, 15))
def test_customers_are_placed_in_order_of_regret(seed: int, n_vehicles: int, n_customers: int) -> None:
    """Keeping regrets up to date gives what recomputing them all gives; customers placed before are left alone."""
    rng = np.random.default_rng(seed)
    cost = rng.random((n_vehicles, n_customers))
    weight = rng.permutation(50)[:n_customers] + 1  # distinct, so that no tie is left to chance
    room = rng.integers(0, 120, n_vehicles)
    assignment = np.where(rng.random(n_customers) < 0.2, 0, -1)
    expected, n_left = reference_order(cost, weight, room, assignment)
    assert assign_by_regret(cost, weight, room.copy(), assignment) == n_left
    assert np.array_equal(assignment, expected)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_loads_stay_within_the_room(seed: int) -> None:
    """What is assigned fits, the room left is what the loads leave, and the count is of those still at −1."""
    problem = random_problem(np.random.default_rng(seed), 4, 20, slack=1.0)
    room, assignment = problem.capacity.copy(), np.full(20, -1)
    n_left = assign_by_regret(problem.cost, problem.weight, room, assignment)
    placed = assignment >= 0
    load = np.bincount(assignment[placed], weights=problem.weight[placed], minlength=4)
    assert n_left == (~placed).sum()
    assert np.array_equal(room, problem.capacity - load)
    assert (room >= 0).all()


def test_everybody_gets_the_cheapest_vehicle_where_there_is_room() -> None:
    """With room for all customers on every vehicle, all are assigned at the least possible cost."""
    problem = random_problem(np.random.default_rng(0), 3, 12)
    room, assignment = np.full(3, problem.weight.sum()), np.full(12, -1)
    assert assign_by_regret(problem.cost, problem.weight, room, assignment) == 0
    assert np.array_equal(assignment, problem.cost.argmin(axis=0))


def test_the_customer_with_one_vehicle_left_goes_first() -> None:
    """Only vehicle 0 can carry customer 0, so customer 1 goes elsewhere although it loses by it."""
    cost, weight = np.array([[9.0, 1.0], [1.0, 8.0]]), np.array([5, 3])
    room, assignment = np.array([5, 3]), np.array([-1, -1])
    assert assign_by_regret(cost, weight, room, assignment) == 0
    assert assignment.tolist() == [0, 1]


def dispatchers() -> list[tuple[str, object]]:
    """List every compiled function defined in a kernel module."""
    compile_kernels()
    found = []
    for name in kernel_modules():
        module = importlib.import_module(name)
        found += [
            (f"{name}.{attribute}", kernel)
            for attribute, kernel in vars(module).items()
            if hasattr(kernel, "signatures") and kernel.py_func.__module__ == name
        ]
    return found


def test_every_kernel_has_one_declared_signature() -> None:
    """After loading and after use each kernel has just the signature it was declared with."""
    problem = random_problem(np.random.default_rng(0), 3, 12)
    solve_knapsacks(problem.cost - 50.0, problem.weight, problem.capacity)
    kernels = dispatchers()
    assert {name.rpartition(".")[0] for name, _ in kernels} == set(kernel_modules())
    assert {name: len(kernel.signatures) for name, kernel in kernels} == {name: 1 for name, _ in kernels}


def test_arrays_of_another_type_are_refused_and_not_compiled_for() -> None:
    """32-bit numbers are a mistake of the caller, never a second's compilation inside a measured call."""
    ints, floats = np.zeros(2, np.int64), np.zeros(2, np.float32)
    with pytest.raises(TypeError, match="No matching definition"):
        price_batch(floats, floats, ints, ints, ints, ints, np.zeros(2, np.uint8), np.zeros(1), ints)
    assert len(price_batch.signatures) == 1
