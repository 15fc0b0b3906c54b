"""Experts: controllers by name, and the one that knows the maximiser."""

from __future__ import annotations

import numpy as np
import pytest

from lagrl.controllers.camerini import CameriniFrattaMaffioli
from lagrl.controllers.volume import Volume
from lagrl.errors import InputError, UnknownNameError
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual, multiplier_ceiling
from lagrl.relaxation.linearise import linearise
from lagrl.relaxation.seeding import SEEDINGS
from train.experts import TargetExpert, best_multipliers, expert_factory
from train.validation import validation_set


@pytest.fixture(scope="module")
def dual() -> AssignmentDual:
    (problem,) = validation_set(11, 1, (12, 12))
    rng = np.random.default_rng(0)
    assignment = linearise(problem, SEEDINGS["sweep"](problem, problem.minimum_vehicles, rng))
    return AssignmentDual(assignment, ceiling=multiplier_ceiling(assignment, linear_dual(assignment)))


def test_names_make_fresh_controllers() -> None:
    """Each call returns a new expert."""
    make = expert_factory("volume")
    assert isinstance(make(), Volume)
    assert make() is not make()
    assert expert_factory("target") is TargetExpert
    with pytest.raises(UnknownNameError, match="hwc"):
        expert_factory("hcw")


def test_target_is_the_best_a_long_run_finds(dual: AssignmentDual) -> None:
    """λ* is much better than the start, and no random point nearby exceeds λ* by more than 1 % of that."""
    rng = np.random.default_rng(1)
    start = np.zeros(dual.n_multipliers)
    target = best_multipliers(dual, 400, rng, start)
    value = dual.price(target).value
    first = dual.price(start).value
    assert value is not None
    assert first is not None
    around = [
        dual.price(np.maximum(target + rng.normal(0, 0.05, len(target)) * dual.scale, 0)).value for _ in range(200)
    ]
    assert value - first > 100 * max(0.0, max(found for found in around if found is not None) - value)


def test_target_is_approached_from_anywhere(dual: AssignmentDual) -> None:
    """One update moves the given share of the distance from any point; with pull 1 it reaches λ*."""
    rng = np.random.default_rng(2)
    expert = TargetExpert(pull=0.6, evaluations=40)
    start = np.full(dual.n_multipliers, 5.0)
    assert np.array_equal(expert.start(dual, budget=9, rng=rng, initial=start), start)
    elsewhere = rng.uniform(0, dual.scale, dual.n_multipliers)
    answer = expert.update(dual.evaluate(elsewhere))
    assert np.allclose(answer - elsewhere, 0.6 * (expert.target - elsewhere))
    whole = TargetExpert(pull=1.0, evaluations=40)
    whole.start(dual, budget=9, rng=np.random.default_rng(2), initial=start)
    assert np.allclose(whole.update(dual.evaluate(elsewhere)), whole.target)


def test_target_does_not_disturb_the_dual(dual: AssignmentDual) -> None:
    """The episode's dual counts no evaluation of the long run, and λ* lies within the bounds."""
    expert = TargetExpert(evaluations=30)
    expert.start(dual, budget=9, rng=np.random.default_rng(3))
    assert dual.step == 0
    assert np.array_equal(dual.clip(expert.target), expert.target)


def test_target_needs_an_instance(dual: AssignmentDual) -> None:
    """A dual without an instance is an error."""
    with pytest.raises(InputError, match="expert target"):
        TargetExpert().start(_Line(), budget=3, rng=np.random.default_rng(0))


class _Line:
    """A dual function of another kind."""

    n_multipliers = 1
    scale = 1.0
    bounds = (np.zeros(1), np.ones(1))

    def evaluate(self, multipliers: np.ndarray) -> None:
        raise AssertionError("not for controllers")


def test_best_is_not_just_the_last(dual: AssignmentDual) -> None:
    """The result is at least as good as the last point of the rule."""
    rng = np.random.default_rng(4)
    target = best_multipliers(dual, 60, rng)
    rule = CameriniFrattaMaffioli()
    multipliers = rule.start(dual, budget=60, rng=rng)
    for _ in range(60):
        multipliers = rule.update(dual.evaluate(dual.clip(multipliers)))
    last = dual.price(dual.clip(multipliers)).value
    best = dual.price(target).value
    assert best is not None
    assert last is not None
    assert best >= 0.99 * last
