"""From logged decisions to a model, a best fixed arm, and what policies would have earned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.bandit.arm_policies import StaticPolicy
from lagrl.quantum.bandit.linear_model import LinearModel
from lagrl.quantum.bandit.off_policy import Estimate, LoggedChoices, doubly_robust, inverse_propensity
from lagrl.quantum.bandit.trace_table import target_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.bandit.arm_policies import Policy
    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.trace_table import TraceTable
    from lagrl.quantum.bandit.traces import Trace

RIDGE = 10.0  # by cross-validation over generated training instances, against the exact rewards of all arms
_FOLDS = 5


@dataclass(frozen=True)
class Estimates:
    """What a policy would have earned on logged decisions, the mean reward of a decision.

    Attributes
    ----------
    policy
        Its name.
    snips
        By inverse propensities, normalised; None where the policy makes none of the logged choices.
    doubly_robust
        By a model too, fitted on other instances than those it predicts; by the model alone where `snips` is None.
    """

    policy: str
    snips: Estimate | None
    doubly_robust: Estimate


def fit(table: TraceTable, ridge: float = RIDGE) -> LinearModel:
    """Fit the shared model to what the arms brought whose strings came; O(N d²).

    Raises
    ------
    InputError
        If ρ is not above 0.
    """
    return LinearModel.fitted(table.features(), table.reward, ridge)


def held_out(traces: Sequence[Trace], *, backends: Sequence[str] = (), widths: Sequence[int] = ()) -> list[Trace]:
    """Return the decisions without those that took or asked some backends, or had some widths.

    Raises
    ------
    InputError
        If a backend or width is not in the log, or nothing is left.
    """
    there = {arm.backend for trace in traces for arm in (trace.decision.arm, trace.decision.answered)}
    measured = {trace.decision.knapsack.width for trace in traces}
    for backend in backends:
        if backend not in there:
            _refuse(f"backend {backend}", ", ".join(sorted(there - {""})))
    for width in widths:
        if width not in measured:
            _refuse(f"width {width}", ", ".join(map(str, sorted(measured))))
    left = [
        trace
        for trace in traces
        if not {trace.decision.arm.backend, trace.decision.answered.backend} & set(backends)
        and trace.decision.knapsack.width not in widths
    ]
    if not left:
        raise InputError("nothing is left to learn from", field="holdout", remedy="hold less out")
    return left


def _refuse(what: str, known: str) -> None:
    raise InputError(f"{what} is not in the traces", field="holdout", remedy=f"there are {known}")


def best_static(table: TraceTable, *, ridge: float = RIDGE, often: float = 0.9, without: Sequence[str] = ()) -> Arm:
    """Return the arm that always taking would have been best, of those that may run nearly always.

    What an arm earns is the model's mean over all decisions where it may run, plus the mean of what the model missed
    where the arm was taken, shrunk towards 0 as far as chance explains it (empirical Bayes, Efron and Morris 1975): of
    hundreds of arms taken some dozen times each, the highest plain mean would be the luckiest.

    Parameters
    ----------
    table
        The log.
    ridge
        Of the model.
    often
        Least share of the decisions where the arm may run.
    without
        Backends whose arms are not asked for: decisions on others list them all the same.

    Raises
    ------
    InputError
        If the share is out of range, or no arm may run so often.
    """
    if not 0.0 < often <= 1.0:
        raise InputError(f"{often} given", field="often", remedy="give a share above 0, at most 1")
    model = fit(table, ridge)
    missed = table.reward - table.features() @ model.weights
    weight = 1.0 / table.propensity
    means: dict[Arm, float] = {}
    allowed: dict[Arm, int] = {}
    taken: dict[Arm, list[NDArray[np.int64]]] = {}
    for group in table.groups:
        sums = np.zeros(len(group.screened.arms))
        for part in group.chunks():
            sums += group.screened.table.means(group.knapsacks[part], model.weights).sum(axis=0)
        for a in np.flatnonzero(group.screened.is_allowed).tolist():
            arm = group.screened.arms[a]
            if arm.backend in without:
                continue
            means[arm] = means.get(arm, 0.0) + float(sums[a])
            allowed[arm] = allowed.get(arm, 0) + len(group.place)
            taken.setdefault(arm, []).append(group.place[group.executed == a])
    frequent = [arm for arm, times in allowed.items() if times >= often * len(table)]
    if not frequent:
        raise InputError(
            f"no arm may run in {often:.0%} of the decisions", field="best static arm", remedy="lower often"
        )
    shifts = _shrunk([np.concatenate(taken[arm]) for arm in frequent], missed, weight)
    worth = [means[arm] / allowed[arm] + shift for arm, shift in zip(frequent, shifts, strict=True)]
    return frequent[int(np.argmax(worth))]


def _shrunk(
    places: Sequence[NDArray[np.int64]], missed: NDArray[np.float64], weight: NDArray[np.float64]
) -> list[float]:
    """Return the weighted mean of what was missed at some places each, less what chance explains."""
    mean, variance = np.zeros(len(places)), np.full(len(places), np.inf)
    noise = float(np.average(missed**2, weights=weight))
    for i, own in enumerate(places):
        if len(own):
            mean[i] = float(np.average(missed[own], weights=weight[own]))
            variance[i] = noise * float((weight[own] ** 2).sum()) / float(weight[own].sum()) ** 2
    seen = np.isfinite(variance)
    between = max(float((mean[seen] ** 2 - variance[seen]).mean()), 0.0) if seen.any() else 0.0
    share = np.where(seen, between / (between + np.where(seen, variance, 1.0)), 0.0) if between else np.zeros(len(mean))
    return [float(shift) for shift in share * mean]


def cross_fitted(table: TraceTable, ridge: float = RIDGE) -> list[tuple[NDArray[np.bool_], LinearModel]]:
    """Return up to five parts of the log, as masks [N], each with a model of the other instances.

    Raises
    ------
    InputError
        If all decisions are on one instance.
    """
    require_instances(table)
    fold = table.instance % min(_FOLDS, len(np.unique(table.instance)))
    features = table.features()
    return [
        (fold == f, LinearModel.fitted(features[fold != f], table.reward[fold != f], ridge))
        for f in range(int(fold.max()) + 1)
    ]


def require_instances(table: TraceTable) -> None:
    """Refuse a log that no policy can be judged by: what is predicted of an instance is learned on others.

    Raises
    ------
    InputError
        If all decisions are on one instance.
    """
    if len(np.unique(table.instance)) < 2:
        raise InputError("decisions on one instance", field="traces", remedy="give two instances or more")


def share_runnable(table: TraceTable, arm: Arm) -> float:
    """Return the share of the decisions where an arm was listed and might run."""
    times = 0
    for group in table.groups:
        place = group.screened.index.get(arm)
        if place is not None and group.screened.is_allowed[place]:
            times += len(group.place)
    return times / len(table)


def logged_choices(
    table: TraceTable,
    policy: Policy,
    epsilon: float,
    parts: Sequence[tuple[NDArray[np.bool_], LinearModel]],
    rng: np.random.Generator,
) -> LoggedChoices:
    """Set a log against what another policy would have done.

    Parameters
    ----------
    table
        Decisions with propensities above 0 for all allowed arms.
    policy, epsilon
        The other policy; it does not learn here.
    parts
        Of `cross_fitted`.
    rng
        Of policies that draw.
    """
    n = len(table)
    target, predicted, expected = np.zeros(n), np.zeros(n), np.zeros(n)
    for group in table.groups:
        for chunk in group.chunks():
            knapsacks, place, chosen = group.knapsacks[chunk], group.place[chunk], group.chosen[chunk]
            likely = target_probabilities(policy, epsilon, group.screened, knapsacks, rng)
            target[place] = likely[np.arange(len(place)), chosen]
            for mask, model in parts:
                own = mask[place]
                means = group.screened.table.means(knapsacks[own], model.weights)
                predicted[place[own]] = means[np.arange(len(means)), chosen[own]]
                expected[place[own]] = np.einsum("da,da->d", likely[own], means)
    return LoggedChoices(table.reward, table.propensity, target, predicted, expected, table.instance)


def evaluate(
    table: TraceTable, policy: Policy, epsilon: float = 0.0, *, ridge: float = RIDGE, seed: int = 0, name: str = ""
) -> Estimates:
    """Estimate what a policy would have earned on a log, with 95 % intervals by a bootstrap over instances.

    Parameters
    ----------
    table
        Decisions with propensities above 0 for all allowed arms, on two instances or more that the policy was not
        trained on.
    policy, epsilon
        The policy, which does not learn on the way, and its share of choices by lot.
    ridge
        Of the models of the doubly robust estimate.
    seed
        Of the bootstrap, and of policies that draw.
    name
        What to call it, instead of its own name.

    Raises
    ------
    InputError
        If the log is of one instance, or the first arm of a static policy may run in none of its decisions: what
        answers instead of it would be judged under its name.
    """
    if isinstance(policy, StaticPolicy) and policy.preferred and not share_runnable(table, policy.preferred[0]):
        raise InputError(
            f"{policy.preferred[0]} may run in none of the decisions",
            field="static policy",
            remedy="give an arm of the log",
        )
    rng = np.random.default_rng(seed)
    log = logged_choices(table, policy, epsilon, cross_fitted(table, ridge), rng)
    snips = inverse_propensity(log, rng) if log.has_overlap else None
    return Estimates(name or policy.name, snips, doubly_robust(log, rng))
