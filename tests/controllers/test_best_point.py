"""The best point so far: the maximum of exact values, and the highest corrected one of sampled values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from oracles import random_problem

from lagrl.controllers.best_point import MEMORY, BestPoint
from lagrl.controllers.pieces import pieces_of
from lagrl.quantum.subproblems.candidate_sampler import ProductSampler
from lagrl.relaxation.dual import AssignmentDual, DualPoint


def sampled_points(count: int, shots: int = 2, seed: int = 0) -> tuple[AssignmentDual, list[DualPoint]]:
    """Return a dual and points of it at random multipliers, under a sampler with few shots."""
    rng = np.random.default_rng(seed)
    dual = AssignmentDual(random_problem(rng, 3, 14), ProductSampler(), shots=shots, rng=rng)
    low, high = dual.bounds
    return dual, [dual.evaluate(rng.uniform(low, 0.5 * high)) for _ in range(count)]


def test_exact_values_are_compared_as_they_are() -> None:
    """The best is the highest so far, a tie does not replace it, and not a bit of value or multipliers changes."""
    dual, _ = sampled_points(0)
    exact = AssignmentDual(dual.problem)
    rng = np.random.default_rng(1)
    points = [exact.evaluate(rng.uniform(*exact.bounds) * scale) for scale in (0.1, 0.3, 0.3, 0.2)]
    best, highest, stalled = BestPoint(np.zeros(14)), -np.inf, 0
    for point in [*points, *points]:
        best.note(point)
        stalled = 0 if point.value > highest else stalled + 1
        highest = max(highest, point.value)
        assert (best.value, best.last_value, best.stalled) == (highest, point.value, stalled)
    assert best.multipliers is max(points, key=lambda point: point.value).multipliers


@pytest.mark.parametrize("seed", range(4))
def test_sampled_values_are_lowered_by_every_cut(seed: int) -> None:
    """By brute force: each point's value is its sum over pieces of the lowest cut there; the highest is the best."""
    _, points = sampled_points(MEMORY, seed=seed)
    cuts = [pieces_of(point) for point in points]
    best = BestPoint(np.zeros(14))
    for count, point in enumerate(points, 1):
        best.note(point)
        values = [
            np.min([cut.intercept + cut.slope @ other.multipliers for cut in cuts[:count]], axis=0).sum()
            for other in points[:count]
        ]
        assert best.last_value == pytest.approx(values[-1])
        assert best.value == pytest.approx(max(values))
        assert np.array_equal(best.multipliers, points[int(np.argmax(values))].multipliers)


def test_values_stay_upper_bounds() -> None:
    """The corrected value lies between L and the sampled value, and correcting lowers the error on average."""
    dual, points = sampled_points(3 * MEMORY)
    best, errors = BestPoint(np.zeros(14)), []
    for point in points:
        best.note(point)
        exact = dual.price(point.multipliers).value
        assert exact - 1e-9 <= best.last_value <= point.sampled_value + 1e-9
        assert best.value >= dual.price(best.multipliers).value - 1e-9
        errors.append((point.sampled_value - exact, best.last_value - exact))
    raw, corrected = np.mean(errors[MEMORY:], axis=0)
    assert corrected < 0.7 * raw


def test_a_lucky_value_does_not_last() -> None:
    """A point whose sampled value is far too high is replaced once its multipliers' cut is seen again."""
    dual, _ = sampled_points(0)
    exact = AssignmentDual(dual.problem)
    low, high = (exact.evaluate(np.full(14, value)) for value in (0.1, 0.2))
    lucky = replace(
        low,
        value=None,
        sampled_value=low.multipliers.sum(),
        selection=np.zeros_like(low.selection),
        violation=np.ones(14),
        vehicle_value=np.zeros_like(low.vehicle_value),
    )
    best = BestPoint(np.zeros(14))
    best.note(lucky)
    assert best.value == lucky.sampled_value
    best.note(replace(low, value=None))
    assert best.value == pytest.approx(low.value)
    best.note(replace(high, value=None))
    assert best.value >= exact.price(best.multipliers).value - 1e-9


def test_the_best_is_kept_when_older_ones_are_forgotten() -> None:
    """After many evaluations with lower values, the best is still there, lowered by the later cuts only."""
    dual, _ = sampled_points(0)
    exact = AssignmentDual(dual.problem)
    rng = np.random.default_rng(5)
    good = max(
        (exact.evaluate(rng.uniform(*exact.bounds) * 0.3) for _ in range(20)), key=lambda point: float(point.value or 0)
    )
    best = BestPoint(np.zeros(14))
    best.note(replace(good, value=None))
    for _ in range(3 * MEMORY):
        best.note(replace(exact.evaluate(rng.uniform(*exact.bounds) * 5.0), value=None))
    assert np.array_equal(best.multipliers, good.multipliers)
    assert best.value == pytest.approx(good.value)
    assert best.stalled == 3 * MEMORY
