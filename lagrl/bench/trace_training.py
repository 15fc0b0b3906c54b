"""Training on logged decisions: the model, the best static arm, and off-policy estimates of policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.bench.off_policy import Estimate, LoggedChoices, doubly_robust, inverse_propensity
from lagrl.bench.trace_table import target_probabilities
from lagrl.errors import InputError
from lagrl.quantum.bandit.arm_policies import LinearModel, StaticPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.bench.trace_table import TraceTable
    from lagrl.quantum.bandit.arm_policies import Policy
    from lagrl.quantum.bandit.features import Arm
    from lagrl.quantum.bandit.traces import Trace

RIDGE = 10.0  # by cross-validation on generated training instances, against the exact rewards of all arms
_FOLDS = 5


@dataclass(frozen=True)
class Estimates:
    """Estimates of a policy's mean reward on logged decisions.

    Attributes
    ----------
    policy
        Name of the policy.
    snips
        Estimate by normalised inverse propensities; None if the policy makes none of the logged choices.
    doubly_robust
        Doubly robust estimate, with a model fitted on other instances than it predicts; the model's prediction alone
        if `snips` is None.
    """

    policy: str
    snips: Estimate | None
    doubly_robust: Estimate


def fit(table: TraceTable, ridge: float = RIDGE) -> LinearModel:
    """Return the shared model of the rewards of executed arms, O(N d²); InputError if ρ is not above 0."""
    return LinearModel.fitted(table.features(), table.reward, ridge)


def held_out(traces: Sequence[Trace], *, backends: Sequence[str] = (), widths: Sequence[int] = ()) -> list[Trace]:
    """Return the decisions that neither chose nor used some backends, and did not have some widths.

    Raises `InputError` if a backend or width is not in the log, or no decision is left.
    """
    known_backends = {arm.backend for trace in traces for arm in (trace.decision.arm, trace.decision.answered)}
    known_widths = {trace.decision.knapsack.width for trace in traces}
    _require_known("backend", backends, known_backends - {""})
    _require_known("width", widths, known_widths)
    left = [
        trace
        for trace in traces
        if not {trace.decision.arm.backend, trace.decision.answered.backend} & set(backends)
        and trace.decision.knapsack.width not in widths
    ]
    if not left:
        raise InputError("no decision is left", field="holdout", remedy="hold out less")
    return left


def _require_known(kind: str, names: Sequence[object], known: set[Any]) -> None:
    for name in names:
        if name not in known:
            listed = ", ".join(map(str, sorted(known)))
            raise InputError(f"{kind} {name} is not in the traces", field="holdout", remedy=f"there are {listed}")


def best_static(table: TraceTable, *, ridge: float = RIDGE, often: float = 0.9, without: Sequence[str] = ()) -> Arm:
    """Return the best arm to take always, among those that may run in nearly all decisions.

    An arm's value is the model's mean over all decisions where it may run, plus the mean residual of the model where it
    was executed, shrunk towards 0 by empirical Bayes (Efron and Morris 1975): among hundreds of arms taken a few dozen
    times each, the highest plain mean would be luck. Raises `InputError` if the share is out of range, or no arm may
    run that often.

    Parameters
    ----------
    table, ridge
        The log, and ρ of the model.
    often
        Least share of the decisions where the arm may run.
    without
        Backends whose arms are excluded, although decisions on other backends list them.
    """
    if not 0.0 < often <= 1.0:
        raise InputError(f"{often} given", field="often", remedy="give a share above 0, at most 1")
    model = fit(table, ridge)
    residual = table.reward - table.features() @ model.weights
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
    shifts = _shrunk([np.concatenate(taken[arm]) for arm in frequent], residual, weight)
    worth = [means[arm] / allowed[arm] + shift for arm, shift in zip(frequent, shifts, strict=True)]
    return frequent[int(np.argmax(worth))]


def _shrunk(
    places: Sequence[NDArray[np.int64]], residual: NDArray[np.float64], weight: NDArray[np.float64]
) -> list[float]:
    """Return the weighted mean residual over each list of positions, shrunk towards 0."""
    mean, variance = np.zeros(len(places)), np.full(len(places), np.inf)
    noise = float(np.average(residual**2, weights=weight))
    for i, own in enumerate(places):
        if len(own):
            mean[i] = float(np.average(residual[own], weights=weight[own]))
            variance[i] = noise * float((weight[own] ** 2).sum()) / float(weight[own].sum()) ** 2
    seen = np.isfinite(variance)
    between = max(float((mean[seen] ** 2 - variance[seen]).mean()), 0.0) if seen.any() else 0.0
    share = np.where(seen, between / (between + np.where(seen, variance, 1.0)), 0.0) if between else np.zeros(len(mean))
    return [float(shift) for shift in share * mean]


def cross_fitted(table: TraceTable, ridge: float = RIDGE) -> list[tuple[NDArray[np.bool_], LinearModel]]:
    """Return up to five parts of the log, as masks [N], each with a model of the other instances.

    InputError if all decisions are on one instance.
    """
    require_instances(table)
    fold = table.instance % min(_FOLDS, len(np.unique(table.instance)))
    features = table.features()
    return [
        (fold == f, LinearModel.fitted(features[fold != f], table.reward[fold != f], ridge))
        for f in range(int(fold.max()) + 1)
    ]


def require_instances(table: TraceTable) -> None:
    """Raise `InputError` if all decisions are on one instance: predictions need a model of other instances."""
    if len(np.unique(table.instance)) < 2:
        raise InputError("decisions on one instance", field="traces", remedy="give two instances or more")


def share_runnable(table: TraceTable, arm: Arm) -> float:
    """Return the share of the decisions where an arm is listed and may run."""
    times = 0
    for group in table.groups:
        place = group.screened.index.get(str(arm))
        if place is not None and group.screened.is_allowed[place]:
            times += len(group.place)
    return times / len(table)


def logged_choices(
    table: TraceTable,
    policy: Policy,
    epsilon: float,
    parts: Sequence[tuple[NDArray[np.bool_], LinearModel]],
) -> LoggedChoices:
    """Return a log's choices with the probabilities of another policy, which does not learn here.

    All allowed arms must have propensities above 0. `parts` is a result of `cross_fitted`.
    """
    n = len(table)
    target, predicted, expected = np.zeros(n), np.zeros(n), np.zeros(n)
    for group in table.groups:
        for chunk in group.chunks():
            knapsacks, place, chosen = group.knapsacks[chunk], group.place[chunk], group.chosen[chunk]
            likely = target_probabilities(policy, epsilon, group.screened, knapsacks)
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
    """Estimate a policy's mean reward on a log, with 95 % intervals by a bootstrap over instances.

    Raises `InputError` if the log is of one instance, or the first arm of a static policy may run in none of its
    decisions: other arms would be evaluated under its name.

    Parameters
    ----------
    table
        Decisions with propensities above 0 for all allowed arms, on at least two instances that the policy was not
        trained on.
    policy, epsilon, name
        The policy, which does not learn here, its exploration probability, and a name instead of its own.
    ridge, seed
        ρ of the models, and the seed of the bootstrap.
    """
    if isinstance(policy, StaticPolicy) and policy.preferred and not share_runnable(table, policy.preferred[0]):
        raise InputError(
            f"{policy.preferred[0]} may run in none of the decisions",
            field="static policy",
            remedy="give an arm of the log",
        )
    rng = np.random.default_rng(seed)
    log = logged_choices(table, policy, epsilon, cross_fitted(table, ridge))
    snips = inverse_propensity(log, rng) if log.has_overlap else None
    return Estimates(name or policy.name, snips, doubly_robust(log, rng))
