"""Observations: comparison with a plain recomputation, padding, neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from envs.observation import (
    FEATURES,
    HORIZON,
    N_NEIGHBOURS,
    Observer,
    nearest_neighbours,
    observation_space,
    padded,
)
from lagrl.controllers.base import Feedback
from lagrl.errors import InstanceError
from lagrl.problems.assignment import AssignmentProblem
from lagrl.problems.bundled import read_bundled
from lagrl.problems.cvrp import CVRP
from lagrl.relaxation.dual import AssignmentDual, DualPoint
from lagrl.relaxation.linearise import linearise
from lagrl.relaxation.seeding import SEEDINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray


def a_dual(name: str = "G-n16-k3", n_vehicles: int | None = None) -> AssignmentDual:
    """The dual of a linearised bundled instance."""
    problem = read_bundled(name)
    seeds = SEEDINGS["sweep"](problem, n_vehicles or problem.minimum_vehicles, np.random.default_rng(0))
    return AssignmentDual(linearise(problem, seeds))


def tiny(n: int) -> CVRP:
    """n customers on a line, the depot at its end."""
    points = [[3.0 * i, 0.0] for i in range(n + 1)]
    return CVRP.from_coordinates(f"line{n}", points, [1] * n, max(1, (n + 1) // 2))


def naive(dual: AssignmentDual, points: list[DualPoint], feedback: list[Feedback], budget: int) -> NDArray[np.float64]:
    """The last observation, feature by feature and customer by customer as DESIGN words it."""
    problem, s, last = dual.problem, dual.scale, points[-1]
    assert problem.origin is not None
    fast = slow = points[0].violation
    for point in points[1:]:
        fast, slow = 0.7 * fast + 0.3 * point.violation, 0.95 * slow + 0.05 * point.violation
    best = max(points, key=lambda point: point.sampled_value)
    nodes = np.zeros((problem.n_customers, 14))
    target = feedback[-1].assignment_upper_bound
    gap = max(target - last.sampled_value, 1e-3 * s) if target else max(0.05 * abs(last.sampled_value), s)
    for i in range(problem.n_customers):
        costs = sorted(problem.cost[:, i])
        nodes[i] = [
            last.multipliers[i] / s,
            (last.multipliers[i] - best.multipliers[i]) / s,
            last.violation[i],
            fast[i],
            slow[i],
            costs[0] / s,
            (costs[1] - costs[0]) / s,
            (costs[0] - last.multipliers[i]) / s,
            problem.weight[i] / problem.capacity[0],
            problem.origin.distance[0, i + 1] / s,
            (budget - len(points)) / 200,
            sum(last.violation == 0) / problem.n_customers,
            np.log10(gap / (max(1, sum(last.violation**2)) * s)),
            problem.weight.sum() / problem.capacity.sum(),
        ]
    return np.clip(nodes, -10, 10)


def test_every_feature_is_what_it_says() -> None:
    """Over several evaluations, with and without an incumbent, all fourteen equal a plain recomputation."""
    dual, rng = a_dual(), np.random.default_rng(3)
    observer, points, feedback = Observer(dual, 30), [], []
    for step in range(6):
        points.append(dual.evaluate(rng.uniform(0, 3 * dual.scale, 15)))
        feedback.append(Feedback(assignment_upper_bound=9000.0 if step > 2 else None))
        seen = observer.observe(points[-1], feedback[-1])
        assert seen.dtype == np.float32
        assert seen.flags.c_contiguous
        np.testing.assert_allclose(seen, naive(dual, points, feedback, 30), rtol=1e-5, atol=1e-6)
    assert len(FEATURES) == 14


def test_the_unit_of_distance_does_not_matter() -> None:
    """The same instance in metres and in kilometres has the same observations."""
    problem = read_bundled("G-n16-k3")
    seen = []
    for factor in (1.0, 1000.0):
        scaled = CVRP(problem.name, problem.demand, problem.capacity, factor * problem.distance)
        cost = factor * linearise(problem, SEEDINGS["sweep"](problem, 3, np.random.default_rng(0))).cost
        dual = AssignmentDual(AssignmentProblem(cost, problem.demand, np.full(3, problem.capacity), scaled))
        observer = Observer(dual, 9)
        for share in (1.0, 1.3, 0.7):
            nodes = observer.observe(dual.evaluate(np.full(15, share * dual.scale)), Feedback(7000.0 * factor))
        seen.append(nodes)
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-5, atol=1e-6)


def test_remaining_budget_is_absolute() -> None:
    """With equal evaluations left, two budgets give the same feature; it is at most 1."""
    dual = a_dual()
    point = dual.evaluate(np.zeros(15))
    long, short, huge = Observer(dual, 60), Observer(dual, 11), Observer(dual, 10 * HORIZON)
    for _ in range(50):
        late = long.observe(point, None)
    assert late[0, 10] == short.observe(point, None)[0, 10] == np.float32(10 / HORIZON)
    assert huge.observe(point, None)[0, 10] == 1.0


def test_values_stay_in_the_space() -> None:
    """Features of extreme multipliers are clipped: every observation lies in its space."""
    dual, space = a_dual(), observation_space(20)
    observer = Observer(dual, 5)
    for factor in (0.0, 1e9, 3.0):
        nodes = observer.observe(dual.evaluate(np.full(15, factor * dual.scale)), None)
        assert space.contains(padded(nodes, observer.neighbours, 20))


def test_neighbours_are_the_nearest_others() -> None:
    """By brute force: the five nearest customers, ties by number, without the customer itself and the depot."""
    problem = read_bundled("G-n31-k5")
    table = nearest_neighbours(problem)
    for i in range(30):
        others = sorted((problem.distance[i + 1, j + 1], j) for j in range(30) if j != i)
        assert table[i].tolist() == [j for _, j in others[:5]]


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_few_customers_are_their_own_neighbours(n: int) -> None:
    """With fewer than five others, the customer's own number fills the row."""
    table = nearest_neighbours(tiny(n))
    assert table.shape == (n, N_NEIGHBOURS)
    assert table.dtype == np.int16
    for i in range(n):
        others = table[i, : min(5, n - 1)].tolist()
        assert i not in others
        assert len(set(others)) == len(others)
        assert set(table[i, min(5, n - 1) :].tolist()) <= {i}


def test_padding_is_zero_and_the_rest_untouched() -> None:
    """`padded` keeps nodes and neighbours, marks them, and fills with zeros."""
    nodes, neighbours = np.ones((3, 14), np.float32), np.full((3, 5), 2, np.int16)
    seen = padded(nodes, neighbours, 5)
    assert seen["node_mask"].tolist() == [1, 1, 1, 0, 0]
    assert seen["nodes"][:3].all()
    assert not seen["nodes"][3:].any()
    assert not seen["neighbours"][3:].any()
    assert {name: (array.shape, array.dtype.name) for name, array in seen.items()} == {
        "nodes": ((5, 14), "float32"),
        "node_mask": ((5,), "int8"),
        "neighbours": ((5, 5), "int16"),
    }
    with pytest.raises(InstanceError, match="n_max=3 or more"):
        padded(nodes, neighbours, 2)


def test_an_observer_needs_the_instance() -> None:
    """An assignment problem without an instance is an error: it has no depot distances."""
    dual = AssignmentDual(AssignmentProblem(np.ones((1, 2)), np.array([1, 1]), np.array([2])))
    with pytest.raises(InstanceError, match="linearise"):
        Observer(dual, 5)


def test_one_vehicle_has_no_regret() -> None:
    """With a single vehicle the regret is 0, not infinite."""
    problem = tiny(4)
    dual = AssignmentDual(linearise(problem, SEEDINGS["sweep"](problem, 2, np.random.default_rng(0))))
    single = AssignmentDual(AssignmentProblem(dual.problem.cost[:1], problem.demand, np.array([4]), problem))
    assert not Observer(single, 5).observe(single.evaluate(np.zeros(4)), None)[:, 6].any()
