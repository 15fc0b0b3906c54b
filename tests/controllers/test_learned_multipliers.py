"""The controller of a trained assignment policy, and its safeguards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import lagrl
from lagrl.bounds.bound import route_controller
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_graph import RouteGraph
from lagrl.controllers import controller_factory
from lagrl.controllers.assignment_policy import ASSIGNMENT
from lagrl.controllers.bundle import ProximalBundle
from lagrl.controllers.graph_attention import NetworkSize
from lagrl.controllers.learned_multipliers import LearnedMultipliers
from lagrl.controllers.policy_checkpoint import PolicyCheckpoint, tensor_shapes
from lagrl.errors import InputError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.generate import generate
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual
from lagrl.relaxation.linearise import linearise
from lagrl.samplers.registry import make_sampler

if TYPE_CHECKING:
    from collections.abc import Callable

    from lagrl.controllers.base import Controller

SMALL = NetworkSize(hidden=8, layers=1, heads=2, step_hidden=8, step_layers=1, steps=20)


def checkpoint_of(value: Callable[[tuple[int, ...]], np.ndarray]) -> PolicyCheckpoint:
    """Return a checkpoint whose tensors are the values of a function of their shapes."""
    weights = {name: value(shape).astype(np.float32) for name, shape in tensor_shapes(ASSIGNMENT, SMALL).items()}
    return PolicyCheckpoint(weights, SMALL, {"name": "test"}, "test")


def random_checkpoint(seed: int, size: float) -> PolicyCheckpoint:
    """Return a checkpoint with normally distributed weights."""
    rng = np.random.default_rng(seed)
    return checkpoint_of(lambda shape: size * rng.standard_normal(shape))


def dual_of(seed: int, n: int = 30, sampler: str | None = None) -> AssignmentDual:
    """Return the dual of a generated instance."""
    assignment = linearise(generate(n, seed=seed))
    made = None if sampler is None else make_sampler(sampler)
    return AssignmentDual(assignment, made, shots=32, rng=np.random.default_rng(0))


def values_of(dual: AssignmentDual, controller: Controller, evaluations: int) -> list[float]:
    """Ascend from the prices of the linear relaxation; return the exact values in order."""
    start = linear_dual(dual.problem).multipliers
    vector = controller.start(dual, budget=evaluations, rng=np.random.default_rng(0), initial=start)
    values = []
    for _ in range(evaluations):
        point = dual.evaluate(dual.clip(vector))
        exact = dual.price(point.multipliers).value
        assert exact is not None
        values.append(exact)
        vector = controller.update(point)
        assert np.isfinite(vector).all()
    return values


def test_the_shipped_policy_leaves_less_gap_than_the_rules() -> None:
    """After five evaluations the mean gap of twelve generated instances is below 0.8 of bundle's and of cfm's."""
    gap = dict.fromkeys(("learned", "bundle", "cfm"), 0.0)
    for seed in range(12):
        dual = dual_of(seed, 40)
        best = max(values_of(dual, ProximalBundle(), 150))
        for name in gap:
            gap[name] += 1.0 - max(values_of(dual, controller_factory(name)(), 5)) / best
    assert gap["learned"] < 0.8 * min(gap["bundle"], gap["cfm"])


def test_a_network_of_zeros_is_close_to_the_bundle_method() -> None:
    """It starts at the given prices, and moves a share 1 − σ(−2) of the way to the bundle method's proposal."""
    dual = dual_of(1)
    start = linear_dual(dual.problem).multipliers
    learned, bundle = LearnedMultipliers(checkpoint_of(np.zeros)), ProximalBundle()
    first = learned.start(dual, budget=5, rng=np.random.default_rng(0), initial=start)
    bundle.start(dual, budget=5, rng=np.random.default_rng(0), initial=start)
    np.testing.assert_array_equal(first, dual.clip(start))
    point = dual.evaluate(first)
    proposal = dual.clip(bundle.update(point))
    back = 1.0 / (1.0 + np.exp(2.0))
    np.testing.assert_allclose(learned.update(point), proposal + back * (first - proposal))


@pytest.mark.parametrize("size", [1.0, 30.0, 1e18])
@pytest.mark.parametrize("seed", range(3))
def test_absurd_weights_do_no_lasting_harm(seed: int, size: float) -> None:
    """Whatever the weights, 100 evaluations end where the bundle method ends, and no value is below the classical ones.

    A bad start is followed by the classical one, so that the best value is never below that of the start.
    """
    dual = dual_of(seed, 20)
    controller = LearnedMultipliers(random_checkpoint(seed, size))
    values = values_of(dual, controller, 100)
    best = max(values_of(dual, ProximalBundle(), 200))
    assert max(values) >= best - 1e-3 * abs(best)
    assert max(values[:3]) >= dual.problem.cost.min(axis=0).sum()


def test_the_bundle_method_continues_from_the_start() -> None:
    """Without corrections the ascent is the bundle method's from the network's start."""
    dual = dual_of(2)
    learned = LearnedMultipliers()
    start = linear_dual(dual.problem).multipliers
    first = learned.start(dual, budget=9, rng=np.random.default_rng(0), initial=start)
    bundle = ProximalBundle()
    vector = bundle.start(dual, budget=9, rng=np.random.default_rng(0), initial=first)
    expected = []
    for _ in range(9):
        point = dual.evaluate(dual.clip(vector))
        expected.append(point.sampled_value)
        vector = bundle.update(point)
    assert values_of(dual, learned, 9) == expected
    assert not np.array_equal(first, dual.clip(start))


def test_answers_that_are_not_finite() -> None:
    """A network of NaN leaves the ascent to the classical start and the bundle method, and says so."""
    dual = dual_of(1)
    controller = LearnedMultipliers(checkpoint_of(lambda shape: np.full(shape, np.nan)))
    assert values_of(dual, controller, 12) == values_of(dual, ProximalBundle(), 12)
    assert controller.events == [
        "the start was not finite: classical start",
        "a step was not finite: bundle method",
    ]


def test_the_bundle_method_finishes() -> None:
    """Long ascents of three instances end at a proven optimum: no violation, or the bundle method's proof."""
    for seed in range(3):
        dual, controller = dual_of(seed, 25), LearnedMultipliers()
        vector = controller.start(dual, budget=400, rng=np.random.default_rng(0))
        best = -np.inf
        for _ in range(400):
            point = dual.evaluate(dual.clip(vector))
            best = max(best, point.sampled_value)
            vector = controller.update(point)
            if point.is_optimal or controller.is_finished:
                break
        assert point.is_optimal or controller.is_finished
        assert best == pytest.approx(max(values_of(dual, ProximalBundle(), 400)), rel=1e-5)


@pytest.mark.parametrize("sampler", ["greedy", "product"])
def test_approximate_samplers(sampler: str) -> None:
    """Where values are sampled, and above L, the ascent still ends above its start and is the same twice."""
    runs = [values_of(dual_of(4, 30, sampler), LearnedMultipliers(), 20) for _ in range(2)]
    assert runs[0] == runs[1]
    assert max(runs[0][1:]) >= runs[0][0] - 0.02 * abs(runs[0][0])


@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize("evaluations", [1, 2, 7])
def test_few_customers_and_few_evaluations(n: int, evaluations: int) -> None:
    """One customer and one evaluation are enough for routes."""
    rng = np.random.default_rng(n)
    problem = CVRP.from_coordinates("T", rng.integers(0, 50, (n + 1, 2)), rng.integers(1, 5, n), 5)
    solution = lagrl.solve(problem, controller="learned", evaluations=evaluations)
    assert sum(len(route) for route in solution.routes) == n


def test_policies_of_the_other_dual_are_refused() -> None:
    """Each dual takes its own policies: by name, by file, and as a controller of the wrong dual."""
    with pytest.raises(InputError, match="does not hold an assignment policy for lagrl solve"):
        controller_factory("learned:route-policy")
    with pytest.raises(InputError, match="does not hold a route policy for lagrl bound"):
        route_controller("learned:assignment-policy")
    dual = RouteDual(RouteGraph.of(generate(12, seed=0)))
    with pytest.raises(InputError, match="an assignment policy cannot ascend a RouteDual; use it in lagrl solve"):
        LearnedMultipliers(random_checkpoint(0, 0.3)).start(dual, budget=5, rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="no such file"):
        controller_factory("learned:none")


def test_the_name_carries_the_fingerprint() -> None:
    """The factory of `learned` makes new controllers, and has the fingerprint that rows record."""
    make = controller_factory("learned")
    assert make() is not make()
    assert len(make.fingerprint) == 12
