"""Logs of decisions read for `bandit_study`: some arms alone, some widths alone, values with paired intervals.

A policy that may take some arms only is judged on the whole log: decisions that took other arms have weight 0, and
those that took one of these keep their own propensities. Leaving the former out instead would change which knapsacks
the mean is over, wherever the share of these arms among all that may run differs from knapsack to knapsack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lagrl.bench.off_policy import LoggedChoices, doubly_robust, inverse_propensity
from lagrl.bench.trace_table import TraceTable
from lagrl.bench.trace_training import cross_fitted, logged_choices
from lagrl.errors import InputError
from lagrl.quantum.bandit.arm_policies import LinearModel, Policy
from lagrl.quantum.bandit.features import Arm
from lagrl.quantum.bandit.profile import Profile
from lagrl.quantum.bandit.traces import Trace

OUTSIDE = "outside"
RESAMPLES = 2000
Keep = Callable[[Arm, Profile], bool]


def restricted(table: TraceTable, keep: Keep) -> TraceTable:
    """Return the same log, judged by whose policies can take only the arms that are kept.

    Raises
    ------
    InputError
        If somewhere none of those may run.
    """
    groups = []
    for group in table.groups:
        screened = group.screened
        objections = tuple(
            objection if objection or keep(arm, profile) else OUTSIDE
            for arm, profile, objection in zip(screened.arms, screened.profiles, screened.objections, strict=True)
        )
        if all(objections):
            raise InputError(
                f"none of the arms may run at width {screened.width}", field="restricted log", remedy="keep more"
            )
        groups.append(replace(group, screened=replace(screened, objections=objections)))
    return replace(table, groups=tuple(groups))


def require_uniform(traces: Sequence[Trace]) -> None:
    """Refuse a log whose choices were not at random among all arms that may run; decisions whose arm failed stay.

    Raises
    ------
    InputError
        Naming the first such decision.
    """
    for number, trace in enumerate(traces):
        decision = trace.decision
        uniform = 1.0 / int(decision.screened.is_allowed.sum())
        if not np.isclose(decision.propensity, uniform, rtol=1e-9):
            raise InputError(
                f"decision {number} of {trace.run} was not at random",
                field="traces",
                remedy="log without --state",
            )


@dataclass(frozen=True, eq=False)
class Judge:
    """A log to judge policies on, with the models of the doubly robust estimate.

    Attributes
    ----------
    table
        The log.
    parts
        Of `cross_fitted`, on the log with all its arms.
    """

    table: TraceTable
    parts: list[tuple[NDArray[np.bool_], LinearModel]]

    @staticmethod
    def of(table: TraceTable) -> Judge:
        """Fit the models."""
        return Judge(table, list(cross_fitted(table)))

    def only(self, keep: Keep) -> Judge:
        """Judge policies that can take only the arms that are kept."""
        return Judge(restricted(self.table, keep), self.parts)

    def log(self, policy: Policy, epsilon: float = 0.0) -> LoggedChoices:
        """Set the log against a policy."""
        return logged_choices(self.table, policy, epsilon, self.parts)

    def both(self, policy: Policy, epsilon: float = 0.0) -> tuple[dict[str, float | None], dict[str, float | None]]:
        """Return the SNIPS and the doubly robust estimate; no SNIPS where the log has none of the policy's choices."""
        log = self.log(policy, epsilon)
        if not log.weight.any():
            low_high = dict(
                zip(("value", "low", "high"), interval(self._scores(log), self.table.instance), strict=True)
            )
            return {"value": None, "low": None, "high": None, "effective": 0.0}, {**low_high, "effective": 0.0}
        rng = np.random.default_rng(0)
        return vars(inverse_propensity(log, rng)), vars(doubly_robust(log, rng))

    def scores(self, policy: Policy, epsilon: float = 0.0) -> NDArray[np.float64]:
        """Return [N] the doubly robust estimate of every decision alone: their mean is the policy's."""
        return self._scores(self.log(policy, epsilon))

    @staticmethod
    def _scores(log: LoggedChoices) -> NDArray[np.float64]:
        return log.expected + log.weight * (log.reward - log.predicted)


def interval(value: NDArray[np.float64], group: NDArray[np.int64]) -> list[float | None]:
    """Return mean, low and high for rows: no interval where there is one group only."""
    return [end if np.isfinite(end) else None for end in grouped_interval(value, group)]


def grouped_interval(
    value: NDArray[np.float64], group: NDArray[np.int64], resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float, float]:
    """Return the mean of values [N] and its 95 % interval, groups [N] drawn whole; paired if values are differences."""
    _, index = np.unique(group, return_inverse=True)
    total, count = np.bincount(index, value), np.bincount(index).astype(np.float64)
    mean = float(total.sum() / count.sum())
    if len(total) < 2:
        return mean, float("-inf"), float("inf")
    drawn = np.random.default_rng(seed).integers(len(total), size=(resamples, len(total)))
    means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return mean, float(low), float(high)
