"""The warm start: the linear relaxation's optimum and prices, although its columns are generated."""

from __future__ import annotations

from types import SimpleNamespace

import highspy
import numpy as np
import pytest
from oracles import milp_optimum, random_problem

from lagrl.errors import InstanceError
from lagrl.highs import new_solver
from lagrl.problems.assignment import AssignmentProblem
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import LinearDual, linear_dual, multiplier_ceiling


def full_relaxation(problem: AssignmentProblem) -> float:
    """Solve the relaxation with all K·n columns at once."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    n_vehicles, n = problem.cost.shape
    x = [[solver.addVariable(0.0, obj=float(problem.cost[k, i])) for i in range(n)] for k in range(n_vehicles)]
    for i in range(n):
        solver.addConstr(sum(x[k][i] for k in range(n_vehicles)) == 1)
    for k in range(n_vehicles):
        solver.addConstr(sum(float(problem.weight[i]) * x[k][i] for i in range(n)) <= float(problem.capacity[k]))
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getInfo().objective_function_value)


@pytest.mark.parametrize("slack", [1.0, 1.1])
@pytest.mark.parametrize("seed", range(8))
def test_the_value_is_the_full_relaxations(seed: int, slack: float) -> None:
    """Generating columns loses nothing, with more vehicles than a customer's first columns and loads that are full."""
    problem = random_problem(np.random.default_rng(seed), 12, 25, slack)
    found = linear_dual(problem)
    assert found.value == pytest.approx(full_relaxation(problem), rel=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_prices_prove_the_value(seed: int) -> None:
    """Prices are dual feasible and Σλ − Σ Q·μ is the value (strong duality)."""
    problem = random_problem(np.random.default_rng(seed), 9, 30)
    found = linear_dual(problem)
    slack = problem.cost - found.multipliers + found.capacity_price[:, None] * problem.weight
    assert slack.min() >= -1e-6 * problem.cost_scale
    assert found.capacity_price.min() >= 0
    assert found.multipliers.sum() - problem.capacity @ found.capacity_price == pytest.approx(found.value)


@pytest.mark.parametrize("seed", range(8))
def test_the_relaxation_is_below_the_dual_and_that_below_the_optimum(seed: int) -> None:
    """LP value ≤ L(its multipliers) ≤ optimum (Geoffrion 1974)."""
    problem = random_problem(np.random.default_rng(seed), 3, 10)
    found = linear_dual(problem)
    assert found.value <= AssignmentDual(problem).evaluate(found.multipliers).value + 1e-6
    assert AssignmentDual(problem).evaluate(found.multipliers).value <= milp_optimum(problem) + 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_out_of_time_it_has_prices_and_a_value_all_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second cheapest costs, or those of the last columns; the value is a bound on the optimum, and on L there."""
    problem = random_problem(np.random.default_rng(seed), 9, 30)
    whole, none = linear_dual(problem), linear_dual(problem, seconds=0.0)
    np.testing.assert_array_equal(none.multipliers, np.sort(problem.cost, axis=0)[1])
    assert not none.capacity_price.any()
    now = iter([0.0, 0.5, 1.0])  # the second programme has no time left
    monkeypatch.setattr("lagrl.relaxation.linear_dual.time", SimpleNamespace(perf_counter=lambda: next(now, 1.0)))
    monkeypatch.setattr("lagrl.relaxation.linear_dual._FIRST_VEHICLES", 1)
    some = linear_dual(problem, seconds=1.0)
    assert some.capacity_price.any()
    for found in (none, some):
        assert found.value < whole.value
        assert found.value <= AssignmentDual(problem).evaluate(found.multipliers).value + 1e-6


def test_the_nearest_vehicles_need_not_suffice() -> None:
    """All customers prefer six vehicles without capacity, so all other vehicles must enter."""
    cost = np.repeat(np.arange(8.0)[:, None], 5, axis=1)
    problem = AssignmentProblem(cost, np.ones(5, np.int64), np.array([0] * 6 + [3, 2]))
    assert linear_dual(problem).value == pytest.approx(3 * 6 + 2 * 7)


def test_the_same_problem_gives_the_same_prices() -> None:
    """Two runs agree bit for bit."""
    problem = random_problem(np.random.default_rng(0), 6, 40)
    assert np.array_equal(linear_dual(problem).multipliers, linear_dual(problem).multipliers)


def test_a_solver_that_solved_other_programmes_gives_the_same_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread's solver keeps nothing of one programme for the next, of any size."""
    problems = [random_problem(np.random.default_rng(seed), 3 + seed % 4, 20 + 7 * seed) for seed in range(8)]
    shared = [linear_dual(problem) for problem in (*problems, *reversed(problems))]
    monkeypatch.setattr("lagrl.relaxation.linear_dual.shared_solver", new_solver)
    alone = [linear_dual(problem) for problem in problems]
    for found, again, expected in zip(shared, reversed(shared), alone, strict=False):
        for one in (found, again):
            assert one.multipliers.tobytes() == expected.multipliers.tobytes()
            assert one.capacity_price.tobytes() == expected.capacity_price.tobytes()
            assert one.value == expected.value


def test_more_demand_than_capacity_is_refused() -> None:
    """The message says both numbers."""
    problem = AssignmentProblem(np.ones((2, 3)), np.full(3, 4), np.full(2, 5))
    with pytest.raises(InstanceError, match="12 is above the total capacity 10"):
        linear_dual(problem)


def test_the_ceiling_leaves_room_above_the_prices() -> None:
    """It is twice the largest cost, or half as much again as the largest price where that is more, and at least 2."""
    problem = AssignmentProblem(np.array([[3.0, 5.0]]), np.array([1, 1]), np.array([2]))
    for prices, ceiling in (([0.0, 1.0], 10.0), ([7.0, 1.0], 10.5)):
        assert multiplier_ceiling(problem, LinearDual(np.array(prices), np.zeros(1), 0.0)) == ceiling
    free = AssignmentProblem(np.zeros((1, 2)), np.array([1, 1]), np.array([2]))
    assert multiplier_ceiling(free, linear_dual(free)) == 2.0
