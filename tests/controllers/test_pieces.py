"""Cuts per vehicle: they add up to the evaluation, and lie nowhere below their piece of the dual."""

from __future__ import annotations

import numpy as np
import pytest
from handmade import point_at
from oracles import random_problem

from lagrl.controllers.pieces import pieces_of
from lagrl.relaxation.dual import AssignmentDual, DualPoint


@pytest.mark.parametrize("seed", range(5))
def test_cuts_touch_their_pieces_where_taken_and_are_above_them_elsewhere(seed: int) -> None:
    """Vehicle by vehicle, at random multipliers; the last piece is Σλ."""
    rng = np.random.default_rng(seed)
    dual = AssignmentDual(random_problem(rng, 3, 12))
    here, there = (dual.evaluate(rng.uniform(*dual.bounds)) for _ in range(2))
    pieces = pieces_of(here)
    at_here = pieces.intercept + pieces.slope @ here.multipliers
    np.testing.assert_allclose(at_here, [*here.vehicle_value, here.multipliers.sum()])
    at_there = pieces.intercept + pieces.slope @ there.multipliers
    assert (at_there >= np.append(there.vehicle_value, there.multipliers.sum()) - 1e-9).all()
    np.testing.assert_array_equal(pieces.slope[:-1], -here.selection.astype(float))
    np.testing.assert_array_equal(pieces.slope[-1], np.ones(12))


def test_intercepts_are_the_selections_costs() -> None:
    """c_k = Σ a_ki y_ki, whatever the multipliers were; that of Σλ is 0."""
    dual = AssignmentDual(random_problem(np.random.default_rng(0), 3, 12))
    point = dual.evaluate(np.linspace(10.0, 200.0, 12))
    np.testing.assert_allclose(pieces_of(point).intercept, [*(dual.problem.cost * point.selection).sum(axis=1), 0.0])


def test_a_dual_with_more_multipliers_than_customers_is_one_piece() -> None:
    """Where selections say nothing about some multiplier, the evaluation's own cut is all there is."""
    point = DualPoint(
        np.array([1.0, 2.0, 3.0]), 7.0, 7.0, np.ones((2, 2), np.uint8), np.array([0.0, -1.0, 2.0]), np.ones(2)
    )
    pieces = pieces_of(point)
    np.testing.assert_array_equal(pieces.slope, [[0.0, -1.0, 2.0]])
    np.testing.assert_array_equal(pieces.intercept, [7.0 - (-2.0 + 6.0)])


def test_any_supergradient_is_kept_whole() -> None:
    """What the selections do not explain is in the last piece."""
    pieces = pieces_of(point_at([1.0, 2.0], 5.0, [3.0, -1.0]))
    np.testing.assert_array_equal(pieces.slope.sum(axis=0), [3.0, -1.0])
    assert pieces.intercept.sum() == 5.0 - 1.0
