"""Statistics over many runs beside the mean: performance profiles, interquartile means, probabilities of improvement.

A set of runs is a mapping from instance to its values over seeds, [n_seeds] each and not always equally many: gaps,
ratios or costs, lower is better, infinity for a run without a feasible solution. Intervals are of the stratified
bootstrap (Agarwal et al. 2021, section 4.1): seeds are drawn with replacement within each instance, so that an interval
speaks of other seeds on the same instances, not of other instances. It is too narrow for few seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lagrl.bench.statistics import Interval
from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator
    from numpy.typing import ArrayLike, NDArray

    Runs: TypeAlias = Mapping[str, ArrayLike]

_RESAMPLES = 2000
_LEVEL = 0.95


@dataclass(frozen=True)
class PerformanceProfile:
    """Share of runs with a value up to each threshold, and its pointwise interval.

    Attributes
    ----------
    thresholds
        [T] float64, in the unit of the values.
    share
        [T] float64 within [0, 1], rising.
    low, high
        [T] float64, ends of the intervals; equal to `share` where no instance has two seeds.
    """

    thresholds: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def performance_profile(
    runs: Runs, thresholds: ArrayLike, rng: Generator, level: float = _LEVEL, resamples: int = _RESAMPLES
) -> PerformanceProfile:
    """Return the mean over instances of the share of seeds with a value up to each threshold τ.

    F(τ) = 1/M Σₘ 1/Nₘ Σₙ [xₘₙ ≤ τ], with M instances and Nₘ seeds of instance m (Agarwal et al. 2021, equation 2). Of
    ratios to the best method (`performance_ratios`) it is the performance profile of Dolan and Moré (2002). Work
    O(resamples · runs · T).

    Parameters
    ----------
    runs
        Instance to its values over seeds.
    thresholds
        [T] finite numbers.
    rng
        Same state, same intervals.
    level
        Share of intervals meant to cover the true share, within (0, 1).
    resamples
        Bootstrap samples.

    Raises
    ------
    InputError
        If there is no run, a value is NaN, or a threshold is not finite.
    """
    values = _values(runs)
    points = np.asarray(thresholds, dtype=np.float64)
    if points.ndim != 1 or not np.isfinite(points).all():
        raise InputError("not finite numbers", field="thresholds", remedy="give a vector of finite thresholds")
    share, drawn = np.zeros(len(points)), np.zeros((resamples, len(points)))
    for seeds in values:
        reached = (seeds[:, None] <= points).astype(np.float64)
        share += reached.mean(axis=0)
        drawn += _weights(len(seeds), rng, resamples) @ reached
    low, high = np.quantile(drawn / len(values), _tails(level), axis=0)
    return PerformanceProfile(points, share / len(values), low, high)


def performance_ratios(costs: Mapping[str, Runs]) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return each method's costs divided by the lowest cost of any method on the same instance (Dolan and Moré 2002).

    Parameters
    ----------
    costs
        Method to its runs; costs above 0. Instances that a method lacks get the ratio infinity there.

    Raises
    ------
    InputError
        If a cost is NaN or not above 0.
    """
    best: dict[str, float] = {}
    for method, runs in costs.items():
        for instance, seeds in runs.items():
            lowest = float(np.min(_vector(seeds, instance)))
            if lowest <= 0.0:
                raise InputError(f"{lowest:g} of {method}", field=instance, remedy="ratios need costs above 0")
            best[instance] = min(lowest, best.get(instance, np.inf))
    nothing = np.array([np.inf])
    return {
        method: {
            instance: _vector(runs[instance], instance) / lowest
            if instance in runs and np.isfinite(lowest)
            else nothing
            for instance, lowest in sorted(best.items())
        }
        for method, runs in costs.items()
    }


def interquartile_mean(values: ArrayLike) -> float:
    """Return the mean of the middle half: ⌊n/4⌋ lowest and as many highest values are left out.

    The trimmed mean of Agarwal et al. (2021, section 4.3). Infinite if an infinite value is left.

    Raises
    ------
    InputError
        If there is no value, or one is NaN.
    """
    return float(_interquartile_means(_vector(values, "values")[None])[0])


def interquartile_interval(runs: Runs, rng: Generator, level: float = _LEVEL, resamples: int = _RESAMPLES) -> Interval:
    """Return the interquartile mean of all runs of all instances, and its interval.

    Without an instance of two seeds there is no spread to draw from, and the interval is unbounded. Other parameters as
    for `performance_profile`.

    Raises
    ------
    InputError
        If there is no run, or a value is NaN or infinite: leave infeasible runs out, and state their share.
    """
    values = _values(runs)
    if not all(np.isfinite(seeds).all() for seeds in values):
        raise InputError("holds infinity", field="runs", remedy="leave out infeasible runs, and state their share")
    mean = interquartile_mean(np.concatenate(values))
    if max(map(len, values)) == 1:
        return Interval(mean, -np.inf, np.inf)
    drawn = np.concatenate([seeds[rng.integers(len(seeds), size=(resamples, len(seeds)))] for seeds in values], axis=1)
    low, high = np.quantile(_interquartile_means(drawn), _tails(level))
    return Interval(mean, float(low), float(high))


def probability_of_improvement(
    a: Runs, b: Runs, rng: Generator, level: float = _LEVEL, resamples: int = _RESAMPLES
) -> Interval:
    """Return the mean over instances of the probability that a run of `a` has a lower value than a run of `b`.

    P(X < Y) = 1/M Σₘ 1/(Nₘ Kₘ) Σᵢⱼ S(xₘᵢ, yₘⱼ) with S = 1 if x < y, ½ if they are equal, else 0: the Mann–Whitney
    statistic of each instance (Agarwal et al. 2021, section 4.3). Two infeasible runs are equal. Without an instance of
    two seeds the interval is unbounded.

    Parameters
    ----------
    a, b
        Runs of the same instances.
    rng, level, resamples
        As for `performance_profile`.

    Raises
    ------
    InputError
        If there is no run, the instances differ, or a value is NaN.
    """
    if a.keys() != b.keys():
        names = ", ".join(sorted(a.keys() ^ b.keys())[:3])
        raise InputError(f"instances on one side only: {names}", field="runs", remedy="keep those that both sides have")
    ours, theirs = _values(a), _values(b)
    chance, drawn = 0.0, np.zeros(resamples)
    for x, y in zip(ours, theirs, strict=True):
        wins = (x[:, None] < y).astype(np.float64) + 0.5 * (x[:, None] == y)
        chance += float(wins.mean())
        left, right = _weights(len(x), rng, resamples), _weights(len(y), rng, resamples)
        drawn += ((left @ wins) * right).sum(axis=1)
    mean = chance / len(ours)
    if max(map(len, (*ours, *theirs))) == 1:
        return Interval(mean, -np.inf, np.inf)
    low, high = np.quantile(drawn / len(ours), _tails(level))
    return Interval(mean, float(low), float(high))


def _interquartile_means(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the interquartile mean of each row, [R, n] → [R]."""
    n = rows.shape[1]
    cut = n // 4
    middle: NDArray[np.float64] = np.sort(rows, axis=1)[:, cut : n - cut].mean(axis=1)
    return middle


def _weights(n: int, rng: Generator, resamples: int) -> NDArray[np.float64]:
    """Return how often each of n seeds is drawn in each resample, divided by n: [resamples, n]."""
    return rng.multinomial(n, np.full(n, 1.0 / n), size=resamples) / n


def _tails(level: float) -> tuple[float, float]:
    if not 0 < level < 1:
        raise InputError(f"{level} is not a confidence level", field="level", remedy="give one within (0, 1)")
    return (1 - level) / 2, (1 + level) / 2


def _values(runs: Runs) -> list[NDArray[np.float64]]:
    """Return the values of each instance, by name, so that the order of the mapping does not matter."""
    if not runs:
        raise InputError("there are none", field="runs", remedy="give at least one instance")
    return [_vector(runs[instance], instance) for instance in sorted(runs)]


def _vector(values: ArrayLike, name: str) -> NDArray[np.float64]:
    try:
        vector = np.atleast_1d(np.asarray(values, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError("not numbers", field=name, remedy="give a vector of numbers") from error
    if vector.ndim != 1 or vector.size == 0 or np.isnan(vector).any():
        raise InputError("no value, or NaN", field=name, remedy="give a vector of numbers, infinity if infeasible")
    return vector
