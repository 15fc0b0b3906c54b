"""The dual function against HiGHS: below the assignment optimum, and as high as column generation."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import ascent, column_generation, enumerated_optimum, milp_optimum, random_problem

from lagrl.controllers import CONTROLLERS, Feedback
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual


def test_the_two_optima_agree() -> None:
    """Branch and bound and enumeration find the same least cost, so that either can stand for it."""
    for seed in range(5):
        problem = random_problem(np.random.default_rng(seed), 3, 8, slack=1.0)
        assert milp_optimum(problem) == pytest.approx(enumerated_optimum(problem))


@pytest.mark.parametrize("seed", range(50))
def test_no_ascent_rises_above_the_assignment_optimum(seed: int) -> None:
    """LP ≤ L(LP dual) ≤ best of an ascent ≤ Dantzig–Wolfe value ≤ optimum, and the ascent gets near the latter."""
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, int(rng.integers(2, 5)), int(rng.integers(6, 16)), slack=1.05)
    dual, optimum, linear = AssignmentDual(problem), milp_optimum(problem), linear_dual(problem)
    master, multipliers = column_generation(problem)
    tolerance = 1e-6 * optimum
    feedback = Feedback(assignment_upper_bound=optimum)
    controller = list(CONTROLLERS.values())[seed % len(CONTROLLERS)]()
    values = [point.value for point in ascent(dual, controller, 60, rng, linear.multipliers, feedback)]
    assert linear.value <= values[0] + tolerance
    assert max(values) <= master + tolerance
    assert master <= optimum + tolerance
    assert dual.evaluate(multipliers).value == pytest.approx(master, abs=tolerance)


@pytest.mark.parametrize("seed", range(5))
def test_an_ascent_gets_near_the_column_generation_value(seed: int) -> None:
    """300 evaluations of Polyak's rule from zero close all but half a percent."""
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, 3, 15)
    dual = AssignmentDual(problem)
    best = max(point.value for point in ascent(dual, CONTROLLERS["polyak"](), 300, rng))
    assert best >= 0.995 * column_generation(problem)[0]
