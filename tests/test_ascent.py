"""The record of an ascent."""

from __future__ import annotations

import numpy as np

from lagrl.ascent import DualTrace
from lagrl.controllers.base import Feedback
from lagrl.dual_loop import Step
from lagrl.relaxation.dual import DualPoint


def step(cost: float, columns: tuple[int, ...]) -> Step:
    """Make a step whose cheapest routes are these."""
    nothing = np.zeros(0)
    point = DualPoint(nothing, 1.0, 1.0, np.zeros((0, 0), np.uint8), nothing, nothing)
    return Step(point, Feedback(), cost, cost, 1.0, columns=columns, columns_cost=cost)


def test_cheapest_candidates_come_first_and_once() -> None:
    """In order of length; the same routes in another order are the same candidate, steps without routes give none."""
    trace = DualTrace()
    for cost, columns in ((9.0, (1, 2)), (7.0, (3,)), (np.inf, ()), (7.0, (3,)), (9.0, (2, 1)), (8.0, (4, 5, 6))):
        trace.append(step(cost, columns))
    assert trace.cheapest(2) == [(3,), (4, 5, 6)]
    assert trace.cheapest(1) == [(3,)]
    assert [frozenset(columns) for columns in trace.cheapest(9)] == [{3}, {4, 5, 6}, {1, 2}]
    assert DualTrace().cheapest(2) == []
