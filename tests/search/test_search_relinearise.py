"""Linearisations around the routes of a neighbourhood, ready for the loop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from routed_problems import routed

from lagrl.problems.fleet import Fleet
from lagrl.problems.solution import faults
from lagrl.recovery.pool import RoutePool
from lagrl.relaxation.relinearise import regret_prices, relinearise
from lagrl.search.neighbourhood import Neighbourhood
from lagrl.search.relinearise import Relinearisation, relinearise_neighbourhood
from lagrl.search.schedule import Decision, Linearisation
from lagrl.search.string_removal import nearest_customers

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP


def focused(seed: int, n_outside: int, fleet: Fleet | None = None) -> tuple[CVRP, RoutePool, Neighbourhood]:
    """Draw routes in a pool and focus on all but the first few."""
    problem, routes = routed(seed, 30)
    problem = replace(problem, fleet=fleet or Fleet())
    pool = RoutePool(problem)
    columns = pool.add_routes(routes)
    inside = columns[n_outside:]
    kept = [pool.routes[column] for column in inside]
    return problem, pool, Neighbourhood(problem, inside, kept, columns[:n_outside], seed=0)


def around(problem: CVRP, neighbourhood: Neighbourhood, decision: Decision, seed: int = 0) -> Relinearisation:
    """Linearise with randomness of this seed."""
    near = nearest_customers(problem.distance)
    return relinearise_neighbourhood(problem, neighbourhood, decision, near, np.random.default_rng(seed))


@pytest.mark.parametrize("n_outside", [0, 2])
@pytest.mark.parametrize("linearisation", ["incumbent", "partial"])
def test_whatever_is_assigned_serves_everyone(linearisation: Linearisation, n_outside: int) -> None:
    """Any assignment within the capacities becomes routes of all customers, those out of focus first and unchanged."""
    for seed in range(8):
        problem, pool, neighbourhood = focused(seed, n_outside)
        linear = around(problem, neighbourhood, Decision(linearisation, (1,), freed=8), seed)
        small = linear.assignment
        assert small.n_customers == len(linear.customers)
        assert set(linear.customers.tolist()) <= set(neighbourhood.customers.tolist())
        np.testing.assert_array_equal(small.weight, problem.demand[linear.customers - 1])
        rng = np.random.default_rng(seed)
        assignment = rng.integers(-1, small.n_vehicles, small.n_customers)
        for k in range(small.n_vehicles):
            mine = np.flatnonzero(assignment == k)
            assignment[mine[np.cumsum(small.weight[mine]) > small.capacity[k]]] = -1
        columns = linear.reconstruction.columns(pool, assignment)
        assert tuple(columns[:n_outside]) == neighbourhood.fixed_columns
        assert faults(problem, [pool.routes[column].tolist() for column in columns]) == []


def test_around_the_incumbent_everybody_in_focus_takes_part() -> None:
    """The costs are those of linearising again, and clusters may be empty only where the fleet is free."""
    problem, _, neighbourhood = focused(1, 2)
    linear = around(problem, neighbourhood, Decision("incumbent", (1,)))
    assert linear.customers.tolist() == neighbourhood.customers.tolist()
    np.testing.assert_array_equal(linear.assignment.cost, relinearise(problem, neighbourhood.routes).cost)
    assert not linear.reconstruction.no_empty
    n_routes = len(neighbourhood.routes) + len(neighbourhood.fixed_columns)
    problem, _, neighbourhood = focused(1, 2, Fleet("exact", n_routes))
    assert around(problem, neighbourhood, Decision("incumbent", (1,))).reconstruction.no_empty


def test_noise_changes_costs_and_nothing_else() -> None:
    """Without noise nothing is drawn for it; with noise the same customers cost something else."""
    problem, _, neighbourhood = focused(2, 1)
    plain, again, noisy = (
        around(problem, neighbourhood, Decision("partial", (1,), freed=8, noise=noise), 3) for noise in (0.0, 0.0, 0.2)
    )
    np.testing.assert_array_equal(plain.assignment.cost, again.assignment.cost)
    assert plain.customers.tolist() == again.customers.tolist() == noisy.customers.tolist()
    assert not np.array_equal(plain.assignment.cost, noisy.assignment.cost)
    assert noisy.assignment.cost.min() >= 0.0


def test_first_prices_are_the_masters_or_second_cheapest_costs() -> None:
    """The master's prices are those of the customers concerned, in their order, never negative."""
    problem, _, neighbourhood = focused(3, 1)
    linear = around(problem, neighbourhood, Decision("partial", (1,), freed=8), 5)
    master_price = np.random.default_rng(0).normal(0, 50, 30)
    price = linear.first_prices(linear.master_duals(master_price))
    assert price.tolist() == [max(master_price[customer - 1], 0.0) for customer in linear.customers]
    assert (master_price[linear.customers - 1] < 0).any()
    np.testing.assert_array_equal(linear.first_prices(linear.master_duals(None)), regret_prices(linear.assignment))
