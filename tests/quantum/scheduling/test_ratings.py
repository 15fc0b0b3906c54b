"""Records of quantum computers: reliability, times, and pauses after failures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lagrl.quantum.scheduling.machine import CircuitBreaker, Rating


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100), st.floats(0, 10)), max_size=40))
def test_ratings_stay_within_what_was_seen(jobs: list[tuple[bool, float, float]]) -> None:
    """Reliability is in (0, 1), smoothed times are between the least and the largest."""
    rating = Rating()
    for is_done, seconds, charged in jobs:
        if is_done:
            rating.succeeded(seconds, charged)
        else:
            rating.n_failed += 1
    done = [(seconds, charged) for is_done, seconds, charged in jobs if is_done]
    assert 0 < rating.reliability < 1
    assert (rating.n_done, rating.n_failed) == (len(done), len(jobs) - len(done))
    if not done:
        assert rating.service_seconds is None and rating.charged_seconds == 0
        return
    assert rating.service_seconds is not None
    for value, seen in ((rating.service_seconds, [s for s, _ in done]), (rating.charged_seconds, [c for _, c in done])):
        assert min(seen) - 1e-9 <= value <= max(seen) + 1e-9


def test_a_breaker_opens_tries_and_closes() -> None:
    """Three failures in a row open it; one trial follows the pause; a failed trial doubles the pause."""
    breaker = CircuitBreaker()
    for now in (1.0, 2.0):
        breaker.failed(now)
    breaker.succeeded()
    for now in (3.0, 4.0, 5.0):
        assert breaker.opens_in(now) == 0
        breaker.failed(now)
    assert breaker.opens_in(5.0) == 30.0
    breaker.failed(7.0)  # was sent before it opened
    assert breaker.opens_in(7.0) == 28.0
    assert breaker.opens_in(35.0) == 0
    breaker.sent()
    assert breaker.is_trying
    breaker.failed(36.0)
    assert not breaker.is_trying
    assert breaker.opens_in(36.0) == 60.0
    breaker.sent()
    breaker.succeeded()
    assert breaker.opens_in(36.0) == 0 and not breaker.is_trying


def test_later_pauses_are_not_waited_for_but_pass() -> None:
    """After two pauses without a result tasks no longer wait, but later trials are sent."""
    breaker = CircuitBreaker()
    breaker.failed(0.0)
    breaker.failed(0.0)
    now = 0.0
    for pause in (30.0, 60.0):
        breaker.failed(now)
        assert breaker.opens_in(now) == pytest.approx(pause)
        now += pause
        breaker.sent()
    breaker.failed(now)
    assert breaker.opens_in(now) == np.inf
    assert breaker.opens_in(now + 119.0) == np.inf
    assert breaker.opens_in(now + 120.0) == 0
    breaker.sent()
    breaker.succeeded()
    breaker.failed(now + 150.0, is_final=True)
    assert breaker.opens_in(now + 150.0) == 30.0


def test_a_pause_lasts_ten_minutes_at_most() -> None:
    """Pauses are doubled up to 600 seconds."""
    breaker, now, ends = CircuitBreaker(), 0.0, []
    for _ in range(7):
        breaker.failed(now, is_final=True)
        ends.append(
            next(
                seconds for seconds in (30.0, 60.0, 120.0, 240.0, 480.0, 600.0) if breaker.opens_in(now + seconds) == 0
            )
        )
        now += ends[-1]
        breaker.sent()
    assert ends == [30.0, 60.0, 120.0, 240.0, 480.0, 600.0, 600.0]


def test_a_trial_given_up_and_a_final_failure() -> None:
    """A trial given up allows another; a final failure opens it at once."""
    breaker = CircuitBreaker()
    breaker.failed(0.0, is_final=True)
    assert breaker.opens_in(0.0) == 30.0
    breaker.sent()
    breaker.given_up()
    assert not breaker.is_trying
    assert breaker.opens_in(30.0) == 0
