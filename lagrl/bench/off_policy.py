"""Off-policy estimates of a policy's mean reward from another policy's log: SNIPS and doubly robust."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Estimate:
    """Estimate of a mean reward, with its interval.

    Attributes
    ----------
    value, low, high
        Estimate and 95 % interval, by a bootstrap over groups.
    effective
        Effective sample size (Σ w)²/Σ w²: the number of the policy's own decisions worth as much (Kish 1965).
    """

    value: float
    low: float
    high: float
    effective: float


@dataclass(frozen=True, eq=False)
class LoggedChoices:
    """N choices of a policy that logged its propensities, and the probabilities of another policy for them.

    Raises `InputError` if lengths differ, a propensity is not in (0, 1], a target not in [0, 1], or a number is not
    finite.

    Attributes
    ----------
    reward
        [N] rewards of the chosen arms.
    propensity
        [N] probabilities of the logging policy to choose them, above 0.
    target
        [N] probabilities of the other policy to choose them.
    predicted
        [N] rewards r̂ predicted by a model fitted on other data; zeros without a model.
    expected
        [N] predicted reward of the other policy, Σ_a π(a) r̂(a).
    group
        [N] groups that the bootstrap draws as a whole: choices of one run depend on each other.
    """

    reward: NDArray[np.float64] = field(repr=False)
    propensity: NDArray[np.float64] = field(repr=False)
    target: NDArray[np.float64] = field(repr=False)
    predicted: NDArray[np.float64] = field(repr=False)
    expected: NDArray[np.float64] = field(repr=False)
    group: NDArray[np.int64] = field(repr=False)

    def __post_init__(self) -> None:
        n = len(self.reward)
        columns = (self.reward, self.propensity, self.target, self.predicted, self.expected, self.group)
        if not n or any(column.shape != (n,) for column in columns):
            raise InputError(
                f"columns of {', '.join(str(column.shape) for column in columns)}",
                field="log",
                remedy="give columns of one length, 1 row or more",
            )
        if not all(np.isfinite(column).all() for column in columns):
            raise InputError("a number is not finite", field="log", remedy="omit such rows")
        if not ((self.propensity > 0) & (self.propensity <= 1)).all():
            raise InputError("a propensity is not in (0, 1]", field="log", remedy="log with epsilon above 0")
        if not ((self.target >= 0) & (self.target <= 1)).all():
            raise InputError("a target probability is not in [0, 1]", field="log", remedy="give probabilities")

    @property
    def weight(self) -> NDArray[np.float64]:
        """Importance weights w [N]: target over propensity."""
        return self.target / self.propensity

    @property
    def has_overlap(self) -> bool:
        """Whether the other policy may make one of the logged choices."""
        return bool(self.target.any())


def inverse_propensity(log: LoggedChoices, rng: np.random.Generator) -> Estimate:
    """Estimate by Σ w r / Σ w (SNIPS, Swaminathan and Joachims 2015); InputError if the log has no overlap.

    Normalising by Σ w instead of N reduces the variance for some bias.
    """
    if not log.has_overlap:
        raise InputError(
            "the other policy makes none of the logged choices", field="log", remedy="log with a larger epsilon"
        )
    weight = log.weight
    return _estimate(weight * log.reward, weight, log, rng)


def doubly_robust(log: LoggedChoices, rng: np.random.Generator) -> Estimate:
    """Estimate by the mean of r̂(π) + w (r − r̂) (Dudík, Langford and Li 2011).

    It is consistent if the model or the propensities are right. Without overlap it is the model's prediction alone, and
    its `effective` is 0.
    """
    weight = log.weight
    return _estimate(log.expected + weight * (log.reward - log.predicted), np.ones_like(weight), log, rng)


def _estimate(
    numerator: NDArray[np.float64],
    denominator: NDArray[np.float64],
    log: LoggedChoices,
    rng: np.random.Generator,
    n_resamples: int = 2000,
) -> Estimate:
    """Return the ratio of two sums, with an interval by a bootstrap over groups."""
    _, index = np.unique(log.group, return_inverse=True)
    above = np.bincount(index, numerator)
    below = np.bincount(index, denominator)
    value = float(above.sum() / below.sum())
    drawn = rng.integers(len(above), size=(n_resamples, len(above)))
    sums = below[drawn].sum(axis=1)
    resampled = above[drawn].sum(axis=1)[sums > 0] / sums[sums > 0]
    low, high = np.quantile(resampled, [0.025, 0.975]) if len(above) > 1 else (-np.inf, np.inf)
    weight = log.weight
    effective = float(weight.sum() ** 2 / (weight**2).sum()) if log.has_overlap else 0.0
    return Estimate(value, float(low), float(high), effective)
