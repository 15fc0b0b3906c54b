"""Observations: comparison with a plain recomputation, padding, neighbours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from env_samplers import NoisySampler

import envs
from envs.config import EnvConfig
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
from lagrl.controllers.best_point import BestPoint
from lagrl.errors import InputError, InstanceError
from lagrl.problems.assignment import AssignmentProblem
from lagrl.problems.bundled import read_bundled
from lagrl.problems.cvrp import CVRP
from lagrl.relaxation.dual import AssignmentDual, DualPoint
from lagrl.relaxation.linearise import linearise
from lagrl.relaxation.seeding import SEEDINGS
from policies.config import PolicyConfig

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


def compressed(x: float) -> float:
    """The compression of values without a limit."""
    return math.copysign(math.log(1.0 + abs(x)), x)


def step_feature(x: float) -> float:
    """The logarithm of a step length, and of its negative below 0."""
    return math.copysign(math.log10(1 + 1000 * abs(x)), x) - 3


def naive(dual: AssignmentDual, points: list[DualPoint], feedback: list[Feedback], budget: int) -> NDArray[np.float64]:
    """The last observation, feature by feature and customer by customer."""
    problem, s, last = dual.problem, dual.scale, points[-1]
    assert problem.origin is not None
    fast = slow = points[0].violation
    for point in points[1:]:
        fast, slow = 0.7 * fast + 0.3 * point.violation, 0.95 * slow + 0.05 * point.violation
    values = [point.sampled_value for point in points]
    best = points[values.index(max(values))]
    nodes = np.zeros((problem.n_customers, 20))
    target = feedback[-1].assignment_upper_bound
    gap = target - last.sampled_value if target else max(0.05 * abs(last.sampled_value), s)
    distance, n, k = problem.origin.distance, problem.n_customers, problem.n_vehicles
    length = distance[0, 1:].mean()
    for i in range(n):
        costs = sorted(problem.cost[:, i])
        nodes[i] = [
            compressed(last.multipliers[i] / s),
            compressed((last.multipliers[i] - best.multipliers[i]) / s),
            compressed(min(cost - last.multipliers[i] for cost in costs) / s),
            compressed(last.violation[i]),
            compressed(fast[i]),
            compressed(slow[i]),
            math.log(1 + budget - len(points)) / math.log(201),
            math.log(len(points) - values.index(max(values))) / math.log(201),
            sum(last.violation == 0) / n,
            step_feature(gap / (max(1, sum(last.violation**2)) * s)),
            compressed(costs[0] / s),
            compressed((costs[1] - costs[0]) / s),
            compressed(min(distance[i + 1, j + 1] for j in range(n) if j != i) / s),
            compressed(2 * distance[0, i + 1] * problem.weight[i] / problem.capacity[0] / s),
            compressed(distance[0, i + 1] / length),
            problem.weight[i] / problem.capacity[0],
            compressed(problem.weight[i] / problem.weight.mean()),
            problem.weight.sum() / problem.capacity.sum(),
            compressed(n / k),
            compressed(length / s),
        ]
    return nodes


def test_every_feature_is_what_it_says() -> None:
    """Over several evaluations, with and without an incumbent, all twenty equal a plain recomputation."""
    dual, rng = a_dual(), np.random.default_rng(3)
    observer, points, feedback = Observer(dual, 30), [], []
    for step in range(6):
        points.append(dual.evaluate(rng.uniform(0, 3 * dual.scale, 15)))
        feedback.append(Feedback(assignment_upper_bound=9000.0 if step > 2 else None))
        seen = observer.observe(points[-1], feedback[-1])
        assert seen.dtype == np.float32
        assert seen.flags.c_contiguous
        np.testing.assert_allclose(seen, naive(dual, points, feedback, 30), rtol=1e-5, atol=1e-6)
    assert FEATURES == observer.features == envs.FEATURES
    assert len(set(FEATURES)) == 20


def test_sampled_values_are_corrected() -> None:
    """Under a sampler, the best point and the step use values that other evaluations' cuts have lowered."""
    exact, rng = a_dual(), np.random.default_rng(0)
    dual = AssignmentDual(exact.problem, NoisySampler(), rng=rng)
    observer, best = Observer(dual, 40), BestPoint(np.zeros(15))
    has_moved = False
    for _ in range(12):
        point = dual.evaluate(rng.uniform(0.5, 1.5, 15) * dual.scale)
        seen = observer.observe(point, Feedback(assignment_upper_bound=9000.0))
        best.note(point)
        step = (9000.0 - best.last_value) / (max(1.0, point.violation @ point.violation) * dual.scale)
        away = [compressed(x) for x in (point.multipliers - best.multipliers) / dual.scale]
        np.testing.assert_allclose(seen[:, FEATURES.index("polyak_step")], step_feature(step), rtol=1e-5)
        np.testing.assert_allclose(seen[:, FEATURES.index("from_best")], away, rtol=1e-5, atol=1e-6)
        has_moved |= best.last_value < point.sampled_value
    assert has_moved


def test_values_above_the_target_are_told_apart() -> None:
    """A sampled value above the cheapest assignment's cost gives a lower step the farther it is above."""
    dual, column = a_dual(), FEATURES.index("polyak_step")
    point = dual.evaluate(np.full(15, 0.5 * dual.scale))
    steps = [
        Observer(dual, 9).observe(point, Feedback(assignment_upper_bound=point.sampled_value + gap))[0, column]
        for gap in (1e3 * dual.scale, dual.scale, 1e-4 * dual.scale, -dual.scale, -1e3 * dual.scale)
    ]
    assert steps == sorted(steps, reverse=True)
    assert len(set(steps)) == 5
    assert steps[2] > -3.0 > steps[3]


def test_observations_are_not_shared() -> None:
    """A later evaluation leaves an earlier observation as it was."""
    dual = a_dual()
    observer = Observer(dual, 9)
    first = observer.observe(dual.evaluate(np.zeros(15)), None)
    kept = first.copy()
    observer.observe(dual.evaluate(np.full(15, 2 * dual.scale)), None)
    assert np.array_equal(first, kept)


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
    """With equal evaluations left, two budgets give the same feature; a larger one than 200 is still told apart."""
    dual = a_dual()
    point = dual.evaluate(np.zeros(15))
    long, short, huge = Observer(dual, 60), Observer(dual, 11), Observer(dual, 10 * HORIZON)
    for _ in range(50):
        late = long.observe(point, None)
    column = FEATURES.index("budget_left")
    assert late[0, column] == short.observe(point, None)[0, column] == np.float32(np.log(11) / np.log(HORIZON + 1))
    assert 1.0 < huge.observe(point, None)[0, column] < 2.0


def test_budgets_that_are_exceeded_count_as_spent() -> None:
    """Evaluations beyond the budget leave 0, as the last one does."""
    dual = a_dual()
    observer, point = Observer(dual, 2), dual.evaluate(np.zeros(15))
    left = [observer.observe(point, None)[0, FEATURES.index("budget_left")] for _ in range(4)]
    assert left[0] > left[1] == left[2] == left[3] == 0.0


@pytest.mark.parametrize("factor", [0.0, 1e3, 1e6])
def test_values_stay_apart_and_in_the_space(factor: float) -> None:
    """Up to a million times the scale no feature reaches its limit, and larger multipliers have larger features."""
    dual = a_dual()
    observer = Observer(dual, 5)
    multipliers = factor * dual.scale * np.linspace(1.0, 2.0, 15)
    nodes = observer.observe(dual.evaluate(multipliers), Feedback(assignment_upper_bound=1.0))
    assert observation_space(20).contains(padded(nodes, observer.neighbours, 20))
    assert np.abs(nodes).max() < observer.limit
    assert (np.diff(nodes[:, 0]) > 0).all() or factor == 0.0


def test_beyond_that_they_are_clipped() -> None:
    """Absurd multipliers reach the limit, not an infinity."""
    dual = a_dual()
    observer = Observer(dual, 5)
    nodes = observer.observe(dual.evaluate(np.full(15, 1e30)), None)
    assert nodes[:, 0].tolist() == [observer.limit] * 15
    assert observation_space(20).contains(padded(nodes, observer.neighbours, 20))


def test_other_versions_are_refused() -> None:
    """A version that does not exist is an error of the environment's and of the policy's configuration, in a line."""
    with pytest.raises(InputError, match="observation: 3 given; give 1 or 2"):
        EnvConfig(observation=3)
    with pytest.raises(InputError, match=r"policy\.observation: 0 given; give 1 or 2"):
        PolicyConfig(observation=0)
    with pytest.raises(InputError, match=r"environment\.observation: 3 is not 1 or 2"):
        EnvConfig().changed({"observation": 3})


def test_records_without_a_version_mean_the_first() -> None:
    """Configurations saved before there were versions keep their observations."""
    for config in (EnvConfig(), PolicyConfig()):
        record = config.to_json()
        assert type(config).from_json(record).observation == 2
        del record["observation"]
        assert type(config).from_json(record).observation == 1


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
    assert not Observer(single, 5).observe(single.evaluate(np.zeros(4)), None)[:, FEATURES.index("regret")].any()
