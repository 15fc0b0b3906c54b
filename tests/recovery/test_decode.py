"""What the knapsacks selected becomes a partial assignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from small_problems import assignment_problem, selection_of

from lagrl.problems.assignment import AssignmentProblem
from lagrl.recovery.decode import candidate_selections, decode
from lagrl.relaxation.dual import AssignmentDual, DualPoint
from lagrl.relaxation.sampler import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray


def decoded_slowly(problem: AssignmentProblem, selection: NDArray[np.uint8]) -> list[int]:
    """Decode by the sentence in `decode`'s docstring."""
    assignment = []
    for i in range(problem.n_customers):
        takers = [k for k in range(problem.n_vehicles) if selection[k, i]]
        assignment.append(min(takers, key=lambda k: problem.cost[k, i], default=-1))
    for k in range(problem.n_vehicles):
        load = [i for i in range(problem.n_customers) if assignment[i] == k]
        while problem.weight[load].sum() > problem.capacity[k]:
            heavy = [i for i in load if problem.weight[i]]
            dearest = max(heavy, key=lambda i: problem.cost[k, i] / problem.weight[i])
            load.remove(dearest)
            assignment[dearest] = -1
    return assignment


def sampled_point(n_customers: int = 4, n_vehicles: int = 2) -> DualPoint:
    """A point whose vehicles drew the empty string once and the full one three times."""
    strings = np.zeros((n_vehicles, 2, n_customers), np.uint8)
    strings[:, 1] = 1
    samples = Samples(strings, np.array([[1, 3]] * n_vehicles))
    return DualPoint(
        np.zeros(n_customers), None, 0.0, strings[:, 0], np.ones(n_customers), np.zeros(n_vehicles), samples
    )


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 12))
def test_decoding_is_what_its_docstring_says(seed: int, n_vehicles: int, n_customers: int) -> None:
    """Each customer is on the cheapest vehicle that selected them, unless it had to give them up; rooms are right."""
    rng = np.random.default_rng(seed)
    problem = assignment_problem(rng, n_vehicles, n_customers)
    selection = selection_of(rng, problem)
    assignment, room = decode(problem, selection)
    assert assignment.tolist() == decoded_slowly(problem, selection)
    load = [problem.weight[assignment == k].sum() for k in range(n_vehicles)]
    assert room.tolist() == (problem.capacity - load).tolist()
    assert (room >= 0).all()


def test_overloaded_vehicle_gives_up_the_dearest_per_demand_unit() -> None:
    """Of costs 6, 8, 9 at demands 2, 4, 3 the first and third cost 3 a unit, the second 2: the first one goes."""
    problem = AssignmentProblem(np.array([[6.0, 8.0, 9.0]]), np.array([2, 4, 3]), np.array([7]))
    assignment, room = decode(problem, np.ones((1, 3), np.uint8))
    assert (assignment.tolist(), room.tolist()) == ([-1, 0, 0], [0])


def test_exact_point_has_one_candidate() -> None:
    """Under the exact sampler the only selection is the point's own, for any number of draws."""
    problem = assignment_problem(np.random.default_rng(0), 3, 6)
    point = AssignmentDual(problem).evaluate(np.full(6, 20.0))
    candidates = candidate_selections(point, 8, np.random.default_rng(0))
    np.testing.assert_array_equal(candidates, point.selection[None])


def test_sampled_point_adds_joint_draws() -> None:
    """The point's own selection comes first, then the draws: whole strings, in proportion to their counts."""
    point = sampled_point()
    candidates = candidate_selections(point, 400, np.random.default_rng(3))
    assert candidates.shape == (401, 2, 4)
    np.testing.assert_array_equal(candidates[0], point.selection)
    rows = candidates[1:].sum(axis=2)
    assert set(rows.ravel().tolist()) == {0, 4}
    assert 0.70 < (rows == 4).mean() < 0.80
    assert 0.3 < (rows[:, 0] != rows[:, 1]).mean() < 0.45  # vehicles draw independently: 2·¼·¾


def test_draws_are_those_of_their_generator() -> None:
    """The same generator gives the same draws; no draws are made for a number of 0."""
    first, second, other = (candidate_selections(sampled_point(), 30, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    assert candidate_selections(sampled_point(), 0, np.random.default_rng(1)).shape == (1, 2, 4)
