"""Bootstrap intervals cover what they should."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lagrl.bench.statistics import Interval, bootstrap_interval, paired_difference
from lagrl.errors import InputError


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_interval_is_that_of_all_resamples() -> None:
    """For three values the interval agrees with the quantiles of all 27 equally likely resamples."""
    values = [1.0, 2.0, 6.0]
    means = sorted(np.mean(sample) for sample in itertools.product(values, repeat=3))
    interval = bootstrap_interval(values, _rng(), level=0.8, resamples=200_000)
    assert interval == Interval(3.0, pytest.approx(np.quantile(means, 0.1)), pytest.approx(np.quantile(means, 0.9)))


def test_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    """Of 400 samples of 40 exponential values about 95 % of the intervals cover 1; far less would be overconfident."""
    draw = np.random.default_rng(1)
    intervals = [bootstrap_interval(draw.exponential(size=40), draw, resamples=500) for _ in range(400)]
    coverage = np.mean([interval.low <= 1 <= interval.high for interval in intervals])
    assert 0.88 <= coverage <= 0.98
    narrow = [bootstrap_interval(draw.exponential(size=40), draw, level=0.5, resamples=500) for _ in range(400)]
    assert 0.40 <= np.mean([interval.low <= 1 <= interval.high for interval in narrow]) <= 0.60


def test_same_seed_gives_the_same_interval() -> None:
    """Determinism, also where the resamples do not fit into one block."""
    values = np.random.default_rng(3).normal(size=3000)
    assert bootstrap_interval(values, _rng(), resamples=1500) == bootstrap_interval(values, _rng(), resamples=1500)
    other = bootstrap_interval(values, np.random.default_rng(8), resamples=1500)
    assert other != bootstrap_interval(values, _rng(), resamples=1500)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20), st.floats(-100, 100))
def test_interval_lies_within_the_values_and_moves_with_them(values: list[float], shift: float) -> None:
    """No resampled mean leaves the range of the values, and shifting them shifts the interval."""
    interval = bootstrap_interval(values, _rng(), resamples=50)
    assert min(values) - 1e-6 <= interval.low <= interval.high <= max(values) + 1e-6
    moved = bootstrap_interval(np.add(values, shift), _rng(), resamples=50)
    assert moved.low == pytest.approx(interval.low + shift, abs=1e-6)
    assert moved.high == pytest.approx(interval.high + shift, abs=1e-6)


def test_one_value_has_no_finite_interval() -> None:
    """A single instance must never look certain."""
    interval = bootstrap_interval([-2.0], _rng())
    assert interval == Interval(-2.0, -np.inf, np.inf)
    assert not interval.excludes_zero


@pytest.mark.parametrize(
    ("interval", "excludes"),
    [((2, 1, 3), True), ((-2, -3, -1), True), ((0, -1, 1), False), ((1, 0, 2), False), ((-1, -2, 0), False)],
)
def test_excluding_zero_is_strict(interval: tuple[float, float, float], excludes: bool) -> None:
    """An interval that ends at 0 does not exclude it."""
    assert Interval(*interval).excludes_zero is excludes


def test_pairing_is_tighter_where_instances_differ_more_than_controllers() -> None:
    """The paired interval finds a small difference that two separate intervals hide in the spread of instances."""
    draw = np.random.default_rng(5)
    difficulty = draw.uniform(0, 20, size=30)
    a = dict(zip(map(str, range(30)), difficulty + draw.normal(-0.5, 0.3, size=30), strict=True))
    b = dict(zip(map(str, range(30)), difficulty, strict=True))
    paired = paired_difference(a, b, _rng())
    alone = bootstrap_interval(list(a.values()), _rng())
    assert paired.high - paired.low < 0.1 * (alone.high - alone.low)
    assert paired.excludes_zero
    assert paired.low < -0.5 < paired.high


def test_seeds_are_averaged_before_instances_are_resampled() -> None:
    """An instance with many seeds weighs as much as one with a single seed, on either side."""
    a = {"x": [1.0] * 99 + [3.0], "y": [5.0, 7.0]}
    b = {"x": 1.02, "y": [2.0]}
    interval = paired_difference(a, b, _rng())
    assert interval == Interval(pytest.approx(2.0), pytest.approx(0.0), pytest.approx(4.0))


def test_pairs_do_not_depend_on_the_order_of_instances() -> None:
    """Mappings in another order give the same numbers."""
    a, b = {"x": 1.0, "y": 2.0, "z": 9.0}, {"x": 0.0, "y": 5.0, "z": 1.0}
    assert paired_difference(a, b, _rng()) == paired_difference(dict(reversed(a.items())), b, _rng())


@pytest.mark.parametrize(
    ("values", "message"),
    [([], "shape"), ([[1.0]], "shape"), ([1.0, np.nan], "NaN"), ([np.inf], "NaN or inf"), (["a"], "not numbers")],
)
def test_values_that_have_no_mean_are_refused(values: list[object], message: str) -> None:
    """Nothing, tables, NaN and text are refused rather than averaged."""
    with pytest.raises(InputError, match=message):
        bootstrap_interval(values, _rng())


@pytest.mark.parametrize("parameters", [{"level": 0.0}, {"level": 1.0}, {"level": np.nan}, {"resamples": 0}])
def test_parameters_out_of_range_are_refused(parameters: dict[str, float]) -> None:
    """Levels outside (0, 1) and no resamples are refused by name."""
    with pytest.raises(InputError, match=next(iter(parameters))):
        bootstrap_interval([1.0, 2.0], _rng(), **parameters)


def test_unmatched_or_missing_pairs_are_refused() -> None:
    """A difference is over the same instances or not at all."""
    with pytest.raises(InputError, match=r"2 instances have no partner \(x, z\)"):
        paired_difference({"x": 1.0, "y": 1.0}, {"y": 1.0, "z": 2.0}, _rng())
    with pytest.raises(InputError, match="pairs: there are none"):
        paired_difference({}, {}, _rng())
    with pytest.raises(InputError, match="x: shape"):
        paired_difference({"x": []}, {"x": 1.0}, _rng())
