"""Uncertainty of means over instances: percentile bootstrap intervals (Efron and Tibshirani 1993, ch. 13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator
    from numpy.typing import ArrayLike, NDArray

_BLOCK = 2**21  # indices drawn at once: 16 MiB


@dataclass(frozen=True)
class Interval:
    """A mean and its interval, in the unit of the values; low ≤ mean ≤ high except for rounding and extreme skew."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.low > 0 or self.high < 0


def bootstrap_interval(values: ArrayLike, rng: Generator, level: float = 0.95, resamples: int = 10_000) -> Interval:
    """Return the mean of `values` and its percentile bootstrap interval.

    The interval runs from the (1 − level)/2 to the (1 + level)/2 quantile of the means of `resamples` samples of n
    values drawn with replacement. It is too narrow for small n (Efron and Tibshirani 1993, §13.7). One value says
    nothing about its spread: its interval is unbounded.

    Parameters
    ----------
    values
        [n] finite numbers, one per independent unit (an instance).
    rng
        Same state, same interval.
    level
        Share of intervals meant to cover the true mean, within (0, 1).
    resamples
        Bootstrap samples. Work and random numbers O(resamples · n), memory O(resamples + n) beyond a fixed block.

    Raises
    ------
    InputError
        If `values` is empty, not a vector or not finite, or a parameter is out of range.
    """
    sample = _finite_vector(values, "values")
    if not 0 < level < 1:
        raise InputError(f"{level} is not a confidence level", field="level", remedy="give one within (0, 1)")
    if resamples < 1:
        raise InputError(f"{resamples} is too few", field="resamples", remedy="give 1 or more, better 1000")
    mean = float(sample.mean())
    if len(sample) == 1:
        return Interval(mean, -np.inf, np.inf)
    low, high = np.quantile(_resampled_means(sample, rng, resamples), [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean, float(low), float(high))


def paired_difference(
    a: Mapping[str, ArrayLike],
    b: Mapping[str, ArrayLike],
    rng: Generator,
    level: float = 0.95,
    resamples: int = 10_000,
) -> Interval:
    """Return the mean over instances of a − b with its bootstrap interval.

    Pairing removes what instances have in common, their difficulty. Seeds are averaged within an instance first and
    instances are resampled: seeds of one instance are not independent evidence about others.

    Parameters
    ----------
    a, b
        Instance to its value or its values over seeds, [n_seeds] each; the same instances, not always as many seeds.
    rng, level, resamples
        As for `bootstrap_interval`.

    Raises
    ------
    InputError
        If there is no pair, an instance is missing on one side, or values are not finite.
    """
    unmatched = sorted(a.keys() ^ b.keys())
    if unmatched:
        more = ", …" if len(unmatched) > 3 else ""
        raise InputError(
            f"{len(unmatched)} instances have no partner ({', '.join(unmatched[:3])}{more})",
            field="pairs",
            remedy="keep the instances that both sides have",
        )
    if not a:
        raise InputError("there are none", field="pairs", remedy="give at least one instance")
    differences = [_seed_mean(a[instance], instance) - _seed_mean(b[instance], instance) for instance in sorted(a)]
    return bootstrap_interval(differences, rng, level, resamples)


def _seed_mean(values: ArrayLike, instance: str) -> float:
    return float(_finite_vector(np.atleast_1d(values), instance).mean())


def _finite_vector(values: ArrayLike, name: str) -> NDArray[np.float64]:
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("not numbers", field=name, remedy="give a vector of finite numbers") from error
    if vector.ndim != 1 or vector.size == 0:
        raise InputError(f"shape {vector.shape} is no vector of values", field=name, remedy="give at least one value")
    if not np.isfinite(vector).all():
        raise InputError("holds NaN or infinity", field=name, remedy="leave out results that have no value")
    return vector


def _resampled_means(sample: NDArray[np.float64], rng: Generator, resamples: int) -> NDArray[np.float64]:
    rows = max(1, _BLOCK // len(sample))
    sizes = [min(rows, resamples - done) for done in range(0, resamples, rows)]
    return np.concatenate([sample[rng.integers(len(sample), size=(size, len(sample)))].mean(axis=1) for size in sizes])
