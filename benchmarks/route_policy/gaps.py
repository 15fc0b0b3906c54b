"""Gaps of ascents to the bound of the ng-routes, and their paired bootstrap over training seeds and instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.route_policy.ascents import CLASSICAL, CLASSICAL_START

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

Interval = tuple[float, float, float]
"""A figure and its 95 % interval, which is NaN for a few instances."""

FULL = "full"
"""Name of the training variant that others are compared with."""

_RESAMPLES = 5000
_FEWEST = 5  # instances of an interval


class Gaps:
    """Gaps in % of the best bound known: the converged one, or a better one where it did not converge in time.

    Attributes
    ----------
    methods
        Names of all methods, in the order of their first rows.
    about
        Some row of each instance.
    """

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        rows = [row for row in rows if row["part"] in ("converged", "evaluations")]
        best: dict[str, float] = {}
        self.about: dict[str, dict[str, Any]] = {}
        for row in rows:
            best[row["instance"]] = max(row["value"], best.get(row["instance"], -np.inf))
            if row["instance"] not in self.about or "tightness" in row:
                self.about[row["instance"]] = row
        self._gap: dict[tuple[str, int], dict[str, float]] = {}
        for row in rows:
            if row["part"] == "evaluations":
                of_one = self._gap.setdefault((row["method"], row["budget"]), {})
                of_one[row["instance"]] = 100.0 * (1.0 - row["value"] / best[row["instance"]])
        self._held_out = {row["method"]: row["held_out"] for row in rows if row.get("held_out")}
        self.methods = list(dict.fromkeys(method for method, _ in self._gap))

    def budgets(self, methods: Iterable[str]) -> list[int]:
        """Return the budgets that all methods have."""
        return sorted(set.intersection(*({at for name, at in self._gap if name == method} for method in methods)))

    def instances(self, methods: Iterable[str], budgets: Iterable[int]) -> list[str]:
        """Return the instances that all methods have with all budgets."""
        budgets = list(budgets)
        measured = [set(self._gap.get((method, at), {})) for method in methods for at in budgets]
        return sorted(set.intersection(*measured)) if measured else []

    def of(self, methods: Iterable[str], budget: int, instances: Sequence[str]) -> NDArray[np.float64]:
        """Return the gaps [methods, instances] in %."""
        return np.array([[self._gap[method, budget][name] for name in instances] for method in methods])

    def held_out(self, methods: Iterable[str]) -> set[str]:
        """Return the classes of instances that were held out from the training of one of these policies."""
        return {name for method in methods for name in self._held_out.get(method, [])}

    @property
    def variants(self) -> dict[str, dict[str, str]]:
        """Names of the policies by training variant and seed: `full-0` is of variant `full`; others are their own."""
        found: dict[str, dict[str, str]] = {}
        for method in self.methods:
            if "+" not in method and method not in CLASSICAL:
                variant, _, seed = method.rpartition("-")
                named = (variant, seed) if variant and seed.isdecimal() else (method, "0")
                found.setdefault(named[0], {})[named[1]] = method
        return found

    @property
    def main(self) -> str | None:
        """The variant that stands for the method: `full`, or the first one where there is none."""
        variants = self.variants
        return FULL if FULL in variants else next(iter(variants), None)

    def classical(self, budgets: Sequence[int], instances: Sequence[str]) -> list[str]:
        """Return the pairs of a start and a rule without a network that have all these instances and budgets."""
        known = {*CLASSICAL, CLASSICAL_START, "uniform"}
        pairs = [method for method in self.methods if set(method.split("+")) <= known]
        return [pair for pair in pairs if set(instances) <= set(self.instances([pair], budgets))]


def ratio(ours: NDArray[np.float64], others: NDArray[np.float64]) -> Interval:
    """Return the mean of our gaps, divided by the least mean of the others'.

    Seeds and instances are resampled, the instances for both alike; the best of the others is chosen again each time.

    `ours`: [seeds, instances]. `others`: [methods, instances].
    """
    mean, of_others = _means(ours, others)
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample of closed gaps only
        drawn = mean / of_others.min(axis=1)
    return _interval(drawn, ours.shape[1])


def difference(ours: NDArray[np.float64], others: NDArray[np.float64]) -> Interval:
    """Return the mean of our gaps minus that of the others', both [seeds, instances], paired by seed and instance."""
    mean, _ = _means(ours - others, ours)
    return _interval(mean, ours.shape[1])


def shown(figure: Interval, sign: str = "", digits: int = 2) -> str:
    """Return a figure and its interval as text."""
    value, low, high = (f"{each:{sign}.{digits}f}" for each in figure)
    return value + ("" if np.isnan(figure).any() else f" [{low}, {high}]")


def _interval(drawn: NDArray[np.float64], n_instances: int) -> Interval:
    low, high = np.quantile(drawn[1:], [0.025, 0.975]) if n_instances >= _FEWEST else (np.nan, np.nan)
    return float(drawn[0]), float(low), float(high)


def _means(ours: NDArray[np.float64], others: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means [1 + resamples] and [1 + resamples, methods]; the first ones are of the sample itself."""
    rng = np.random.default_rng(0)
    seeds, instances = ours.shape
    of_seeds = rng.multinomial(seeds, np.full(seeds, 1.0 / seeds), size=_RESAMPLES) / seeds
    of_instances = rng.multinomial(instances, np.full(instances, 1.0 / instances), size=_RESAMPLES) / instances
    of_seeds = np.vstack([np.full(seeds, 1.0 / seeds), of_seeds])
    of_instances = np.vstack([np.full(instances, 1.0 / instances), of_instances])
    return ((of_seeds @ ours) * of_instances).sum(axis=1), of_instances @ others.T
