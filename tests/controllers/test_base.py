"""What every rule shares: the best point so far, and the gap to close."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from handmade import HandmadeDual, point_at

from lagrl.controllers.base import Controller, Feedback, Rule, gap_to_close

if TYPE_CHECKING:
    from lagrl.relaxation.dual import DualPoint


class Still(Rule):
    """Stays where it is, and keeps the feedback it was given."""

    def _next(self, point: DualPoint, feedback: Feedback) -> np.ndarray:
        self.seen = feedback
        return point.multipliers


def started(n: int = 2) -> Still:
    """Return a rule that has begun at zero."""
    rule = Still()
    rule.start(HandmadeDual(n), budget=10, rng=np.random.default_rng(0))
    return rule


def test_the_best_point_is_remembered() -> None:
    """Best value, where it was seen, and for how many evaluations nothing was better (a tie is not)."""
    rule = started()
    history = []
    for value in (1.0, 3.0, 2.0, 3.0, 4.0):
        rule.update(point_at([value, 0.0], value, [1, -1]))
        history.append((rule.best, rule.best_multipliers[0], rule.stalled))
    assert history == [(1, 1, 0), (3, 3, 0), (3, 3, 1), (3, 3, 2), (4, 4, 0)]


def test_a_rule_starts_at_a_copy_of_the_warm_start() -> None:
    """Overwriting the given or returned vector does not change the rule's best point."""
    rule, initial = Still(), np.array([1.0, 2.0])
    first = rule.start(HandmadeDual(2), budget=10, rng=np.random.default_rng(0), initial=initial)
    first[:] = initial[:] = 9.0
    assert rule.best_multipliers.tolist() == [1.0, 2.0]


def test_without_feedback_a_rule_sees_empty_feedback() -> None:
    """`update(point)` is allowed; rules need not ask whether there is feedback."""
    rule = started()
    rule.update(point_at([0, 0], 1.0, [1, 0]))
    assert rule.seen == Feedback()
    rule.update(point_at([0, 0], 1.0, [1, 0]), Feedback(assignment_upper_bound=3.0))
    assert rule.seen.assignment_upper_bound == 3.0


@pytest.mark.parametrize(
    ("incumbent", "value", "gap"),
    [(120.0, 100.0, 20.0), (100.0, 100.0, 0.01), (90.0, 100.0, 0.01), (None, 1000.0, 50.0), (None, -1000.0, 50.0)],
)
def test_the_gap_is_to_the_incumbent_or_a_guess(incumbent: float | None, value: float, gap: float) -> None:
    """Z − L, at least a thousandth of the scale of 10; without Z a twentieth of |L|."""
    assert gap_to_close(Feedback(assignment_upper_bound=incumbent), value, 10.0) == pytest.approx(gap)


def test_without_an_incumbent_an_ascent_from_zero_begins() -> None:
    """At L = 0 the guess is the scale; a share of nothing would be nothing."""
    assert gap_to_close(Feedback(), 0.0, 10.0) == 10.0


def test_anything_with_start_and_update_is_a_controller() -> None:
    """The protocol needs no base class."""

    class Own:
        def start(self, dual, *, budget, rng, initial=None):
            return np.zeros(dual.n_multipliers)

        def update(self, point, feedback=None):
            return point.multipliers

    class Half:
        def start(self, dual, *, budget, rng, initial=None):
            return np.zeros(dual.n_multipliers)

    assert isinstance(Own(), Controller)
    assert not isinstance(Half(), Controller)
