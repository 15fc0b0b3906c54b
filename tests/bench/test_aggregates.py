"""Performance profiles, interquartile means and probabilities of improvement, against values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.bench.aggregates import (
    interquartile_interval,
    interquartile_mean,
    performance_profile,
    performance_ratios,
    probability_of_improvement,
)
from lagrl.errors import InputError

INF = float("inf")


def rng() -> np.random.Generator:
    """A generator of fixed state."""
    return np.random.default_rng(0)


def test_profile_weighs_instances_equally() -> None:
    """At τ = 1 instance a has 1 of 2 seeds, b all of its one: (½ + 1)/2; infinity is never reached."""
    profile = performance_profile({"a": [1.0, 3.0], "b": [0.5], "c": [INF, INF]}, [0.0, 0.5, 1.0, 3.0, 99.0], rng())
    assert profile.share == pytest.approx([0.0, 1 / 3, 0.5, 2 / 3, 2 / 3])
    assert (profile.low <= profile.share).all()
    assert (profile.share <= profile.high).all()
    # at τ = 1 the two drawn seeds of a are both 1, both 3 or one each: (0, ½ or 1) + 1 over 3
    assert profile.low[2] == pytest.approx(1 / 3)
    assert profile.high[2] == pytest.approx(2 / 3)


def test_profile_of_single_seeds_has_no_band() -> None:
    """One seed per instance has nothing to draw from."""
    profile = performance_profile({"a": [1.0], "b": [2.0]}, [1.5], rng())
    assert profile.low == profile.share == profile.high == pytest.approx([0.5])


def test_ratios_are_to_the_best_method() -> None:
    """The lowest cost of any method is 1; an instance that a method lacks is never reached."""
    ratios = performance_ratios({"p": {"a": [100.0, 120.0], "b": [50.0]}, "q": {"a": [110.0], "c": [INF]}})
    assert ratios["p"]["a"] == pytest.approx([1.0, 1.2])
    assert ratios["q"]["a"] == pytest.approx([1.1])
    assert ratios["p"]["b"] == pytest.approx([1.0])
    assert np.isinf([ratios["q"]["b"][0], ratios["q"]["c"][0], ratios["p"]["c"][0]]).all()


def test_interquartile_mean_by_hand() -> None:
    """Of 8 values the middle 4 count, of 5 the middle 3, of 3 all; an outlier within the quarter changes nothing."""
    assert interquartile_mean([1, 2, 3, 4, 5, 6, 7, 8]) == 4.5
    assert interquartile_mean([5_000, 1, 4, 2, 3, 7, 6, 5]) == 4.5
    assert interquartile_mean([10, 0, 1, 2, 30]) == pytest.approx(13 / 3)
    assert interquartile_mean([1, 2, 6]) == 3


def test_interquartile_interval_resamples_seeds_only() -> None:
    """Instances far apart with equal seeds have no spread; with unequal seeds the interval holds the mean."""
    still = interquartile_interval({"a": [1.0, 1.0], "b": [9.0, 9.0]}, rng())
    assert (still.low, still.mean, still.high) == (5.0, 5.0, 5.0)
    moving = interquartile_interval({"a": [1.0, 2.0, 3.0], "b": [9.0, 10.0, 12.0]}, rng())
    assert moving.low < moving.mean < moving.high
    single = interquartile_interval({"a": [1.0], "b": [2.0]}, rng())
    assert (single.low, single.high) == (-INF, INF)


def test_probability_of_improvement_by_hand() -> None:
    """On a 3 of 4 pairs are won, on b one is even, on c both are infeasible: (¾ + ½ + ½)/3."""
    a = {"a": [1.0, 3.0], "b": [5.0], "c": [INF]}
    b = {"a": [2.0, 4.0], "b": [5.0], "c": [INF]}
    found = probability_of_improvement(a, b, rng())
    assert found.mean == pytest.approx((0.75 + 0.5 + 0.5) / 3)
    assert found.low < found.mean < found.high
    assert probability_of_improvement(b, a, rng()).mean == pytest.approx(1 - found.mean)


_RUNS = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.integers(0, 9).map(float) | st.just(INF), min_size=1, max_size=4), min_size=1
)


@settings(deadline=None)
@given(_RUNS)
def test_a_method_improves_on_itself_by_half(runs: dict[str, list[float]]) -> None:
    """A method against itself is even, a profile rises, and the same generator gives the same."""
    assert probability_of_improvement(runs, runs, rng()).mean == pytest.approx(0.5)
    profile = performance_profile(runs, np.arange(10.0), rng(), resamples=50)
    assert (np.diff(profile.share) >= 0).all()
    feasible = [np.isfinite(values).mean() for values in runs.values()]
    assert profile.share[-1] == pytest.approx(np.mean(feasible))
    assert np.array_equal(profile.low, performance_profile(runs, np.arange(10.0), rng(), resamples=50).low)


@pytest.mark.parametrize(
    "call",
    [
        lambda: performance_profile({}, [1.0], rng()),
        lambda: performance_profile({"a": [np.nan]}, [1.0], rng()),
        lambda: performance_profile({"a": [1.0]}, [INF], rng()),
        lambda: performance_profile({"a": [1.0]}, [1.0], rng(), level=1.0),
        lambda: performance_ratios({"p": {"a": [0.0]}}),
        lambda: interquartile_mean([]),
        lambda: interquartile_interval({"a": [INF]}, rng()),
        lambda: probability_of_improvement({"a": [1.0]}, {"b": [1.0]}, rng()),
        lambda: probability_of_improvement({"a": ["x"]}, {"a": [1.0]}, rng()),
    ],
)
def test_refuses_what_has_no_meaning(call) -> None:
    """Bad input is one line that names the field."""
    with pytest.raises(InputError):
        call()
