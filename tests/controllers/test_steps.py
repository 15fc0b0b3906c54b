"""Single steps of the rules, worked out by hand on a dual of scale 10."""

from __future__ import annotations

import numpy as np
import pytest
from handmade import HandmadeDual, point_at

from lagrl.controllers.adam import Adam
from lagrl.controllers.base import Feedback, Rule
from lagrl.controllers.camerini import CameriniFrattaMaffioli
from lagrl.controllers.constant import ConstantStep
from lagrl.controllers.held_wolfe_crowder import HeldWolfeCrowder
from lagrl.controllers.perturbed import Perturbed
from lagrl.controllers.polyak import Polyak
from lagrl.controllers.volume import Volume

INCUMBENT = Feedback(assignment_upper_bound=120.0)


def begun(rule: Rule, n: int = 3) -> Rule:
    """Start the rule at zero."""
    rule.start(HandmadeDual(n), budget=50, rng=np.random.default_rng(0))
    return rule


def test_the_constant_step_is_a_share_of_the_scale() -> None:
    """The next multipliers are λ + 0.1·10·g."""
    rule = begun(ConstantStep(step=0.1))
    assert rule.update(point_at([5, 5, 5], 100.0, [1, -2, 0])).tolist() == [6, 3, 5]


def test_held_wolfe_crowder_steps_towards_the_incumbent() -> None:
    """λ + 2·(120 − 100)·g/5, then halved after two failures, and again after two more."""
    rule = begun(HeldWolfeCrowder(relaxation=2.0, patience=2))
    point = point_at([5, 5, 5], 100.0, [1, -2, 0])
    first_steps = [float(rule.update(point, INCUMBENT)[0] - 5) for _ in range(6)]
    assert first_steps == pytest.approx([8, 8, 4, 4, 2, 2])


def test_polyak_aims_ahead_of_the_best_value() -> None:
    """δ is 5 % of 1000 at first, halves after two failures, and grows by half where a step reached the target."""
    rule = begun(Polyak(initial_gap=0.05, patience=2))
    low, high = point_at([0, 0, 0], 1000.0, [1, -1, 0]), point_at([0, 0, 0], 2000.0, [1, -1, 0])
    steps = [float(rule.update(point)[0]) for point in (low, low, low, high)]
    assert steps == pytest.approx([25, 25, 12.5, 18.75])


def test_polyak_measures_from_the_value_at_hand() -> None:
    """After a best of 1000, a point of 900 steps (1050 − 900)/‖g‖², not δ/‖g‖²."""
    rule = begun(Polyak(initial_gap=0.05))
    rule.update(point_at([0, 0, 0], 1000.0, [1, -1, 0]))
    assert rule.update(point_at([0, 0, 0], 900.0, [1, -1, 0])).tolist() == [75, -75, 0]


def test_polyak_never_aims_above_the_incumbent() -> None:
    """Nor below what it has already, by a thousandth of the scale."""
    rule = begun(Polyak(initial_gap=0.5))
    point = point_at([0, 0, 0], 100.0, [1, -1, 0])
    assert rule.update(point, INCUMBENT).tolist() == [10, -10, 0]
    assert rule.update(point, Feedback(assignment_upper_bound=100.0))[0] == pytest.approx(0.005)


def test_camerini_deflects_an_obtuse_turn() -> None:
    """g·v_prev < 0: v = g + β·v_prev with β = −1.5·(g·v_prev)/‖v_prev‖²."""
    rule = begun(CameriniFrattaMaffioli(relaxation=1.0, deflection=1.5))
    assert rule.update(point_at([0, 0, 0], 100.0, [1, 1, 0]), INCUMBENT).tolist() == [10, 10, 0]
    following = rule.update(point_at([0, 0, 0], 100.0, [-2, 1, 0]), INCUMBENT)
    beta = 1.5 * 1 / 2
    direction = np.array([-2 + beta, 1 + beta, 0.0])
    assert following == pytest.approx(20 * direction / (direction @ direction))


def test_camerini_follows_an_acute_turn_undeflected() -> None:
    """g·v_prev ≥ 0: v = g."""
    rule = begun(CameriniFrattaMaffioli(relaxation=1.0))
    rule.update(point_at([0, 0, 0], 100.0, [1, 1, 0]), INCUMBENT)
    assert rule.update(point_at([0, 0, 0], 100.0, [2, -1, 0]), INCUMBENT).tolist() == [8, -4, 0]
    assert rule.update(point_at([0, 0, 0], 100.0, [1, 2, 0]), INCUMBENT).tolist() == [4, 8, 0]


def test_camerini_halves_its_relaxation_when_it_stalls() -> None:
    """θ from 1 to a half after two evaluations without a new best."""
    rule = begun(CameriniFrattaMaffioli(patience=2))
    point = point_at([0, 0, 0], 100.0, [1, 1, 0])
    assert [rule.update(point, INCUMBENT)[0] for _ in range(3)] == [10, 10, 5]


def test_volume_steps_from_the_best_point_along_the_average() -> None:
    """After (2, 0) the least norm of the mix with (0, 2) is (1, 1); from λ_best = (3, 3), not from where it failed."""
    rule = begun(Volume(step=0.5, ceiling=0.5), n=2)
    assert rule.update(point_at([3, 3], 100.0, [2, 0]), INCUMBENT) == pytest.approx([3 + 0.5 * 20 / 2, 3])
    following = rule.update(point_at([8, 3], 90.0, [0, 2]), INCUMBENT)
    assert following == pytest.approx([3 + 0.5 * 20 / 2, 3 + 0.5 * 20 / 2])


@pytest.mark.parametrize(("violation", "weight"), [([-1, 0], 0.5), ([2, 0], 0.05), ([1, 3], 0.05), ([-1, 2], 0.25)])
def test_volume_bounds_the_weight_of_a_new_supergradient(violation: list[float], weight: float) -> None:
    """The weight that minimises the average's norm, kept within a tenth of the ceiling and the ceiling."""
    rule = begun(Volume(ceiling=0.5), n=2)
    average = np.array([1.0, 0.0])
    mixed = rule._mix(average, np.array(violation, dtype=np.float64))
    assert mixed == pytest.approx(average + weight * (np.array(violation) - average))


def test_volume_shortens_after_failures_and_lengthens_after_success() -> None:
    """f shrinks by a third after two failures; a success along the average raises it by a tenth."""
    rule = begun(Volume(step=0.5, patience=2), n=2)
    point = point_at([0, 0], 100.0, [1, 1])
    assert [rule.update(point, INCUMBENT)[0] for _ in range(3)] == pytest.approx([5, 5, 3.3])
    better = point_at([0, 0], 110.0, [1, 1])
    assert rule.update(better, INCUMBENT)[0] == pytest.approx(1.1 * 0.33 * 10 / 2)


def test_adam_normalises_by_the_moments() -> None:
    """First step α·s·sign(g); the second has both moments, bias-corrected, and √2 in the length."""
    rule = begun(Adam(step=0.2, first=0.8, second=0.99))
    assert rule.update(point_at([1, 1, 1], 100.0, [1, -3, 0])) == pytest.approx([3, -1, 1])
    following = rule.update(point_at([3, -1, 1], 100.0, [-1, -3, 0]))
    mean = (0.8 * 0.2 * 1 + 0.2 * -1) / (1 - 0.8**2)
    assert following == pytest.approx([3 + 2 / np.sqrt(2) * mean, -1 - 2 / np.sqrt(2), 1])


def test_perturbed_iterates_scatter_around_the_start() -> None:
    """Normal with standard deviation σ·s around λ_0, whatever happened in between."""
    rule = Perturbed(noise=0.2)
    rule.start(HandmadeDual(4), budget=9, rng=np.random.default_rng(0), initial=np.array([0.0, 50, 100, 150]))
    drawn = np.array([rule.update(point_at([9, 9, 9, 9], float(t), [1, 1, 1, 1])) for t in range(2000)])
    assert drawn.mean(axis=0) == pytest.approx([0, 50, 100, 150], abs=0.2)
    assert drawn.std(axis=0) == pytest.approx(np.full(4, 2.0), rel=0.08)
